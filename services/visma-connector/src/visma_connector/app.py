"""visma-connector put together."""

from pathlib import Path

import structlog

from contracts.org import Role, VismaIdsRegistered, VismaIdsRemoved
from contracts.visma import RefreshVismaCompanies
from eventing.rebuilt import CORE, Rebuilt
from servicekit.http import served
from servicekit.migrations import MigrationSet
from servicekit.service import Parts, Service
from tenancy.authorisation import requires
from tenancy.members import KEEPING_MEMBERS, TABLES
from visma_connector import handlers
from visma_connector.announcing import Announcing
from visma_connector.probing import Probing
from visma_connector.settings import Settings
from visma_connector.webhook import MOST_AT_ONCE, PATH, Webhook
from visma_nxt import SharedBudget, VismaClient

_LOG = structlog.get_logger("visma_connector.app")
MIGRATIONS = Path(__file__).parents[2] / "migrations"
REBUILT = Rebuilt(
    {
        **TABLES,
        "connector.connection": ("organization_id", "visma_customer_id", "asks", "correlation_id", "causation_id"),
        **{name: columns for name, columns in CORE.items() if name != "eventing.stream_out"},
    },
    because="what an ID reaches is what Visma answered, and much of what is published follows from that",
)


async def build(settings: Settings, parts: Parts) -> Service:
    """Readiness says nothing about Visma: while it is away the service takes commands and keeps probing."""
    await parts.bring_up_to_date(settings.visma.budget.dsn, [MigrationSet.of_package("budget", "visma_nxt")])
    budget = await parts.exits.enter_async_context(SharedBudget(settings.visma))
    visma = await parts.exits.enter_async_context(VismaClient(settings.visma, budget=budget))
    probing = Probing(parts.outbox, visma, settings.probe, client_key=settings.visma.client_id)
    tasks = [probing.run] * settings.probe.side_by_side
    if settings.webhook.keys:
        announcing = Announcing(parts.outbox, settings.webhook)
        tasks += [announcing.run, announcing.forget]
        door = served(
            Webhook(parts.outbox, settings.webhook), settings.webhook.host, settings.webhook.port, name="webhook", most_at_once=MOST_AT_ONCE
        )
        _LOG.info("webhook.serving", url=await parts.exits.enter_async_context(door) + PATH)
    return Service(
        handlers={
            **KEEPING_MEMBERS,
            VismaIdsRegistered: handlers.begin_connections,
            VismaIdsRemoved: handlers.end_connections,
            RefreshVismaCompanies: requires(Role.ACCOUNTANT, handlers.refresh_companies),
        },
        tasks=tasks,
    )
