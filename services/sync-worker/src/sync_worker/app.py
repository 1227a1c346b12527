"""sync-worker put together."""

from pathlib import Path

from contracts.company import CompanyArchived, CompanyCreated, CompanyUpdated, ModulesChanged, ReconciliationStartChanged
from contracts.org import Role, VismaIdsRegistered, VismaIdsRemoved
from contracts.sync import PauseSync, RefetchPeriods, RepublishPeriods, ResumeSync, RetrySync
from contracts.visma import VismaCompaniesListed, VismaCompanyAccessChanged, VismaCustomerConnected, VismaDataChanged
from eventing.rebuilt import CORE, Rebuilt
from servicekit.migrations import MigrationSet
from servicekit.service import Parts, Service
from skatteetaten import A07Client
from sync_worker.domain.page_sizes import PageSizes
from sync_worker.domain.plan import Source
from sync_worker.handlers import (
    look_at_once,
    on_companies_listed,
    on_company_access_changed,
    on_company_archived,
    on_company_updated,
    on_customer_connected,
    on_modules_changed,
    on_reconciliation_start_changed,
    on_visma_ids_registered,
    on_visma_ids_removed,
    pause_sync,
    refetch_periods,
    republish_periods,
    resume_sync,
    retry_sync,
    start_retrieval,
    waking,
)
from sync_worker.retrieval.republishing import Republishing
from sync_worker.retrieval.steps import Steps
from sync_worker.retrieval.workers import Workers
from sync_worker.settings import Settings
from tenancy.authorisation import requires
from tenancy.members import KEEPING_MEMBERS, TABLES
from visma_nxt import SharedBudget, VismaClient

MIGRATIONS = Path(__file__).parents[2] / "migrations"
REBUILT = Rebuilt(
    {
        **TABLES,
        "sync.company": (
            "company_id",
            "organization_id",
            "visma_customer_id",
            "visma_company_id",
            "organisation_number",
            "period_type",
            "financial_year_start_month",
            "reconciliation_start",
            "modules",
            "archived_at",
            "paused_at",
        ),
        "sync.given_up_id": ("given_up_by", "visma_customer_id"),
        "eventing.command": ("id", "fingerprint"),
        "eventing.dead_letter": CORE["eventing.dead_letter"],
    },
    because="the data was retrieved, plans and answers to commands follow from it, and visma-changes are kept for days only",
)


async def build(settings: Settings, parts: Parts) -> Service:
    """Handlers that queue work, and workers for each source that do it."""
    await parts.bring_up_to_date(settings.visma.budget.dsn, [MigrationSet.of_package("budget", "visma_nxt")])
    budget = await parts.exits.enter_async_context(SharedBudget(settings.visma))
    visma = await parts.exits.enter_async_context(VismaClient(settings.visma, budget=budget, clock=parts.outbox.clock))
    skatteetaten = await parts.exits.enter_async_context(A07Client(settings.skatteetaten, now=parts.outbox.clock))
    retrieval = settings.retrieval
    sizes = PageSizes(retrieval.pages(most=settings.visma.page_size))
    steps = Steps(visma, skatteetaten, parts.outbox, sizes, retrieval.pace, retrieval.freshness)
    ledger = Workers(Source.VISMA, steps.visma, parts.outbox, retrieval, side_by_side=retrieval.workers, budget=budget)
    payroll = Workers(Source.SKATTEETATEN, steps.skatteetaten, parts.outbox, retrieval, side_by_side=retrieval.a07_workers)
    republishing = Republishing(parts.outbox, poll_seconds=4 * retrieval.poll_seconds)
    return Service(
        handlers={
            CompanyCreated: waking(start_retrieval, ledger.wake),
            CompanyUpdated: waking(on_company_updated, ledger.wake),
            ReconciliationStartChanged: waking(on_reconciliation_start_changed, ledger.wake),
            ModulesChanged: waking(on_modules_changed, ledger.wake),
            CompanyArchived: on_company_archived,
            RetrySync: requires(Role.ACCOUNTANT, waking(retry_sync, ledger.wake, payroll.wake)),
            VismaIdsRemoved: on_visma_ids_removed,
            VismaIdsRegistered: waking(on_visma_ids_registered, ledger.wake),
            VismaDataChanged: waking(look_at_once, ledger.wake),
            VismaCustomerConnected: waking(on_customer_connected, ledger.wake),
            VismaCompaniesListed: waking(on_companies_listed, ledger.wake),
            VismaCompanyAccessChanged: waking(on_company_access_changed, ledger.wake),
            PauseSync: requires(Role.ACCOUNTANT, pause_sync),
            ResumeSync: requires(Role.ACCOUNTANT, waking(resume_sync, ledger.wake, payroll.wake)),
            RefetchPeriods: requires(Role.ACCOUNTANT, waking(refetch_periods, ledger.wake, payroll.wake)),
            RepublishPeriods: requires(Role.ACCOUNTANT, waking(republish_periods, republishing.wake)),
            **KEEPING_MEMBERS,
        },
        tasks=[ledger.run, payroll.run, republishing.run],
    )
