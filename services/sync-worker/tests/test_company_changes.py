"""A company changes while its data is retrieved, or after: the end is that of a company that was always so, and nothing is deleted."""

from typing import Any
from uuid import UUID

import pytest

from contracts.company import CompanyArchived, Module, ModulesChanged, ReconciliationStartChanged
from contracts.results import CommandRejected
from contracts.sync import AccountBalancesVerified, PeriodVerified, RetrySync, SyncCompleted, SyncPlanned, SyncStarted
from sync_worker.domain.datasets import DATASETS
from testkit.probe import probe

pytestmark = pytest.mark.long

BUILDER = 7100002
MODULES = (Module.PAYROLL, Module.VAT, Module.ASSETS)
TABLES = [*(dataset.landing for dataset in DATASETS.values()), "a07_report"]
KEPT = ("ledger_line", "customer_transaction", "supplier_transaction", "vat_term", "a07_report")


async def landed(bench: Any, company_id: UUID, tables: list[str] = TABLES) -> dict[str, list[dict[str, Any]]]:
    """All landed rows but how often they changed."""
    return {table: [{**row, "version": 0} for row in await bench.rows(table, company_id)] for table in tables}


async def is_as(bench: Any, company_id: UUID, other: UUID, *, plans: int) -> None:
    """The company's newest plan is proven, and came to what the other's came to."""
    planned, completed = await bench.of(SyncPlanned, company_id, count=plans), await bench.of(SyncCompleted, company_id, count=plans)
    [as_planned], [as_completed] = await bench.of(SyncPlanned, other), await bench.of(SyncCompleted, other)
    assert planned[-1].data_sets == as_planned.data_sets
    assert completed[-1].data_sets == as_completed.data_sets
    assert completed[-1].reconciliation_start == as_completed.reconciliation_start
    balances, as_balances = await bench.of(AccountBalancesVerified, company_id), await bench.of(AccountBalancesVerified, other)
    assert balances[-1].accounts == as_balances[-1].accounts
    assert balances[-1].periods == as_balances[-1].periods
    assert len(await bench.of(SyncStarted, company_id)) == 1


async def test_an_earlier_start_fetches_the_gap_and_no_more(bench: Any) -> None:
    async with bench.worker():
        always = await bench.create(BUILDER, months=5, modules=MODULES)
        await bench.of(SyncCompleted, always)
        moved = await bench.create(BUILDER, months=2, modules=MODULES)
        await bench.of(SyncCompleted, moved)
        seen = await bench.pool.fetch("SELECT voucher_journal_no, audit_no, scan FROM sync.ledger_line WHERE company_id = $1", moved)
        invoices = await bench.pool.fetch("SELECT audit_no, scan FROM sync.customer_transaction WHERE company_id = $1", moved)
        verified = len(await bench.of(PeriodVerified, moved))
        await bench.change(ReconciliationStartChanged, moved, before=2, after=5)
        await is_as(bench, moved, always, plans=2)
    assert await landed(bench, moved) == await landed(bench, always)
    assert len(await bench.of(PeriodVerified, moved)) == verified + 3
    again = await bench.pool.fetch("SELECT voucher_journal_no, audit_no, scan FROM sync.ledger_line WHERE company_id = $1", moved)
    assert 0 < len(seen) < len(again)
    assert set(map(tuple, seen)) < set(map(tuple, again))
    more = await bench.pool.fetch("SELECT audit_no, scan FROM sync.customer_transaction WHERE company_id = $1", moved)
    assert len(invoices) < len(more)
    assert {row["scan"] for row in more} == {row["scan"] for row in invoices}


async def test_modules_come_go_and_come_back(bench: Any) -> None:
    async with bench.worker():
        plain = await bench.create(BUILDER, months=1)
        full = await bench.create(BUILDER, months=1, modules=MODULES)
        for each in (plain, full):
            await bench.of(SyncCompleted, each)
        changing = await bench.create(BUILDER, months=1)
        await bench.of(SyncCompleted, changing)
        await bench.change(ModulesChanged, changing, added=MODULES, removed=(), modules=MODULES)
        await is_as(bench, changing, full, plans=2)
        everything = await landed(bench, changing)
        assert everything == await landed(bench, full)
        await bench.change(ModulesChanged, changing, added=(), removed=MODULES, modules=())
        await is_as(bench, changing, plain, plans=3)
        assert await landed(bench, changing) == everything
        await bench.change(ModulesChanged, changing, added=MODULES, removed=(), modules=MODULES)
        await is_as(bench, changing, full, plans=4)


async def test_the_work_of_an_archived_company_stops_and_what_landed_stays(bench: Any) -> None:
    await bench.hire()
    await bench.visma.latency(30)
    bench.visma_settings = {"page_size": 20}
    async with bench.worker():
        company_id = await bench.create(BUILDER, modules=MODULES)
        await probe(lambda: is_under_way(bench, company_id), within=20, every=0.01)
        await bench.change(CompanyArchived, company_id)
        await probe(lambda: is_archived(bench, company_id), within=10)
        before = await landed(bench, company_id)
        await bench.visma.operations(BUILDER)
        retry = RetrySync(company_id=company_id, organization_id=bench.organization_id)
        outcome = await bench.gateway.ask(retry, actor="kari")
        assert isinstance(outcome, CommandRejected)
        assert outcome.code == "company_archived"
        other = await bench.create(BUILDER, months=0)
        await bench.of(SyncCompleted, other)
    assert await landed(bench, company_id) == before
    assert len(before["ledger_line"]) > 20
    assert await bench.of(SyncCompleted, company_id, count=0) == []


async def is_under_way(bench: Any, company_id: UUID) -> bool:
    count: int = await bench.pool.fetchval("SELECT count(*) FROM sync.ledger_line WHERE company_id = $1", company_id)
    return count > 20


async def is_archived(bench: Any, company_id: UUID) -> bool:
    return bool(await bench.pool.fetchval("SELECT archived_at IS NOT NULL FROM sync.company WHERE company_id = $1", company_id))
