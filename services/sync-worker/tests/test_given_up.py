"""A Visma customer ID that its organisation has given up: Visma would go on answering, so it is we who must not ask, land or publish."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.accounting import AccountingData
from contracts.company import Module, ReconciliationStartChanged
from contracts.org import VismaIdsRegistered, VismaIdsRemoved
from contracts.results import CommandRejected, CommandSucceeded
from contracts.sync import DataSet, Period, RefetchPeriods, RetrySync, SyncCompleted, SyncNeedsAttention, SyncProgressed, SyncStatus
from contracts.visma import ChangeKind, DataSetChange, VismaDataChanged
from eventing.outbox import Outbox
from eventing.work import Cause
from sync_worker.domain.plan import PlannedItem, Source
from sync_worker.handlers import on_visma_ids_registered, on_visma_ids_removed, start_retrieval
from sync_worker.store import companies, taking_up, work_items
from sync_worker.store.work_items import LeaseLost, WorkItem
from testkit.probe import probe

from .conftest import company_created, months_back

BAKERY, BUILDER = 7100001, 7100002
CUSTOMER, OTHER_CUSTOMER = 12345, 67890
REASON = "visma_customer_id_given_up"

OURS, OTHERS = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
OCTOBER = Period(label="2026-10", first_day=date(2026, 10, 1), last_day=date(2026, 10, 31))
PERIOD = PlannedItem(data_set=DataSet.LEDGER_LINES, rank=1, period=OCTOBER, ledger_periods=((2026, 10),))


def removed(organization_id: UUID, *visma_customer_ids: int) -> VismaIdsRemoved:
    ids = list(visma_customer_ids or [CUSTOMER])
    return VismaIdsRemoved(organization_id=organization_id, visma_customer_ids=ids, removed_by="kari")


def registered(organization_id: UUID) -> VismaIdsRegistered:
    return VismaIdsRegistered(organization_id=organization_id, visma_customer_ids=[CUSTOMER], registered_by="kari")


@pytest.mark.long
async def test_what_is_posted_after_the_id_was_given_up_is_not_landed_before_it_is_held_again(bench: Any) -> None:
    await bench.hire()
    async with bench.worker(freshness_minutes=0.005):
        company_id = await bench.create(BUILDER, months=2, modules=[Module.PAYROLL])
        await bench.of(SyncCompleted, company_id)
        await bench.gateway.event(removed(bench.organization_id), source="/org-service")
        [attention] = await bench.of(SyncNeedsAttention, company_id)
        assert (attention.status, attention.reason) == (SyncStatus.NEEDS_CONSENT, REASON)
        assert "Register the Visma customer ID" in attention.hint
        line = await posted(bench)
        said = len([each for each in bench.gateway.seen if isinstance(each.message, AccountingData)])
        await bench.visma.operations(BUILDER)
        await nothing_brings_it_back(bench, company_id)
        assert await bench.visma.operations(BUILDER) == {}
        assert len([each for each in bench.gateway.seen if isinstance(each.message, AccountingData)]) == said
        assert line not in [row["text"] for row in await bench.rows("ledger_line", company_id)]
        standing = {each.data_set: each for each in await bench.of(SyncProgressed, company_id)}
        balances = standing[DataSet.ACCOUNT_BALANCES]
        assert (balances.status, balances.next_attempt_at, balances.next_refresh_at) == (SyncStatus.NEEDS_CONSENT, None, None)
        assert standing[DataSet.LEDGER_LINES].status is SyncStatus.COMPLETE

        await bench.gateway.event(registered(bench.organization_id), source="/org-service")
        await bench.of(SyncCompleted, company_id, count=2)
        assert line in [row["text"] for row in await bench.rows("ledger_line", company_id)]
    assert len(await bench.of(SyncNeedsAttention, company_id)) == 1


async def posted(bench: Any) -> str:
    """Post a line in Visma, of which its webhook tells; gives its text."""
    year, period = await bench.pool.fetchrow("SELECT year, period FROM sync.ledger_line ORDER BY year DESC, period DESC LIMIT 1")
    row = {"accountNo": 1920, "year": year, "period": period, "postedAmountDomestic": "0.00", "text": "Ført for en annen"}
    await bench.visma.change_ledger(BUILDER, "add", row)
    changed = VismaDataChanged(
        organization_id=bench.organization_id,
        visma_customer_id=CUSTOMER,
        visma_company_id=BUILDER,
        changes=[DataSetChange(data_set=DataSet.LEDGER_LINES, kind=ChangeKind.INSERTED)],
        noticed_at=datetime.now(UTC),
    )
    await bench.gateway.event(changed, source="/visma-connector")
    return str(row["text"])


async def nothing_brings_it_back(bench: Any, company_id: UUID) -> None:
    about = {"company_id": company_id, "organization_id": bench.organization_id}
    for command in (RetrySync(**about), RefetchPeriods(**about)):
        refused = await bench.gateway.ask(command, actor="kari")
        assert isinstance(refused, CommandRejected)
        assert (refused.code, [each.field for each in refused.errors]) == (REASON, ["company_id"])
        assert "Register the Visma customer ID" in refused.hint
    # What does not come from Visma can be asked for all the same.
    anew = await bench.gateway.ask(RefetchPeriods(**about, data_sets=[DataSet.A07_REPORTS]), actor="kari")
    assert isinstance(anew, CommandSucceeded)
    await probe(lambda: has_a07_again(bench, company_id), within=20)


async def has_a07_again(bench: Any, company_id: UUID) -> bool:
    waiting = "SELECT count(*) FROM sync.work_item WHERE company_id = $1 AND source = 'skatteetaten' AND status <> 'complete'"
    return not await bench.pool.fetchval(waiting, company_id)


@pytest.mark.long
async def test_a_retrieval_under_way_stops_and_goes_on_where_it_stopped(bench: Any) -> None:
    await bench.visma.latency(60)
    async with bench.worker(consent_minutes=0.005):
        company_id = await bench.create(BUILDER, months=8)
        await probe(lambda: landed(bench, company_id), within=20, every=0.01)
        await bench.gateway.event(removed(bench.organization_id), source="/org-service")
        await bench.of(SyncNeedsAttention, company_id)
        rows = len(await bench.rows("ledger_line", company_id))
        # Another plan waits for the ID, too.
        await bench.change(ReconciliationStartChanged, company_id, before=8, after=9)
        for data_set in (DataSet.ACCOUNTING_PERIODS, DataSet.LEDGER_LINES):
            await bench.said(company_id, {data_set}, needs_consent)
        assert not await bench.pool.fetchval("SELECT bool_or(lease_token IS NOT NULL) FROM sync.work_item")
        assert len(await bench.rows("ledger_line", company_id)) == rows
        await bench.visma.latency(0)
        await bench.gateway.event(registered(bench.organization_id), source="/org-service")
        [completed] = await bench.of(SyncCompleted, company_id)
    assert completed.reconciliation_start == months_back(9)


def needs_consent(found: list[SyncProgressed]) -> bool:
    return [each.status for each in found[-1:]] == [SyncStatus.NEEDS_CONSENT]


async def landed(bench: Any, company_id: UUID) -> bool:
    return bool(await bench.rows("ledger_line", company_id))


@pytest.mark.long
async def test_only_companies_of_that_id_and_organisation_stop_and_one_that_is_added_later_does_too(bench: Any) -> None:
    async with bench.worker() as joined:
        await joined()
        await bench.gateway.event(removed(bench.organization_id), source="/org-service")
        await probe(lambda: bench.pool.fetchval("SELECT true FROM sync.given_up_id"), within=20)
        late = await bench.create(BUILDER, months=0)
        [attention] = await bench.of(SyncNeedsAttention, late)
        assert attention.reason == REASON
        holder = replace(bench, organization_id=OTHERS)
        theirs = await holder.create(BUILDER, months=0)
        await bench.of(SyncCompleted, theirs)
        assert {each.status for each in await bench.of(SyncProgressed, late)} == {SyncStatus.NEEDS_CONSENT}
        assert await bench.pool.fetchval("SELECT started_at FROM sync.company WHERE company_id = $1", late) is None
        await bench.gateway.event(registered(bench.organization_id), source="/org-service")
        await bench.of(SyncCompleted, late)
    assert await bench.of(SyncNeedsAttention, theirs, count=0) == []


@pytest.fixture
def outbox(pool: asyncpg.Pool) -> Outbox:
    return Outbox(pool, "/sync-worker", clock=lambda: NOW)


async def company(outbox: Outbox, organization_id: UUID = OURS, *, visma_customer_id: int = CUSTOMER) -> UUID:
    """A company that has just been added."""
    created = company_created(organization_id=organization_id, visma_customer_id=visma_customer_id)
    async with outbox.work(cause(organization_id)) as work:
        await start_retrieval(created, work)
    return created.company_id


def cause(organization_id: UUID = OURS) -> Cause:
    return Cause(organization_id=organization_id, correlation_id="c", causation_id=None)


async def claim(outbox: Outbox) -> WorkItem | None:
    return await work_items.claim(outbox, Source.VISMA, timedelta(minutes=1), most=10)


async def give_up(outbox: Outbox, *visma_customer_ids: int) -> None:
    async with outbox.work(cause()) as work:
        await on_visma_ids_removed(removed(OURS, *visma_customer_ids), work)


async def told(outbox: Outbox) -> int:
    found: int = await outbox.pool.fetchval("SELECT count(*) FROM eventing.outbox WHERE topic = 'sync-events'")
    return found


@pytest.mark.servers
async def test_whoever_has_an_item_in_hand_loses_it_and_nobody_gets_it(outbox: Outbox) -> None:
    bakery = await company(outbox)
    item = await claim(outbox)
    assert item is not None
    async with outbox.work(cause()) as work:
        await work_items.add(work, item.company, [PERIOD])
        await work.connection.execute(
            "UPDATE sync.work_item SET status = 'verifying', scan_complete = true WHERE data_set = 'ledger_lines'"
        )
    await give_up(outbox)
    assert await work_items.take_along(outbox, item) == []
    async with outbox.work(item.cause) as work:
        with pytest.raises(LeaseLost):
            await work_items.hold(work, item)
        await taking_up.take_up(work, bakery)
        await taking_up.consent_given(work, visma_customer_id=CUSTOMER)
    await outbox.pool.execute("UPDATE sync.work_item SET status = 'complete', refresh_at = $1", NOW)
    assert await taking_up.bring_back(outbox, Source.VISMA) == 0
    assert await claim(outbox) is None
    assert (await work_items.waiting(outbox, Source.VISMA, most=1, enough=1)).items == 0


@pytest.mark.servers
async def test_an_item_that_was_claimed_at_the_very_moment_is_not_stored(outbox: Outbox) -> None:
    await company(outbox)
    item = await claim(outbox)
    assert item is not None
    await give_up(outbox)
    # As a claim that began before and ended after.
    await outbox.pool.execute("UPDATE sync.work_item SET lease_token = $1, lease_until = $2", item.token, NOW + timedelta(minutes=1))
    async with outbox.work(item.cause) as work:
        with pytest.raises(LeaseLost):
            await work_items.hold(work, item)


@pytest.mark.servers
async def test_giving_up_and_getting_back_twice_is_told_once(outbox: Outbox) -> None:
    await company(outbox)
    before = await told(outbox)
    await give_up(outbox)
    await give_up(outbox)
    assert await told(outbox) == before + 1
    for _ in range(2):
        async with outbox.work(cause()) as work:
            await on_visma_ids_registered(registered(OURS), work)
    assert await claim(outbox) is not None


@pytest.mark.servers
async def test_what_others_hold_and_what_comes_from_elsewhere_goes_on(outbox: Outbox) -> None:
    theirs, through_another = await company(outbox, OTHERS), await company(outbox, visma_customer_id=OTHER_CUSTOMER)
    bakery = await company(outbox)
    async with outbox.work(cause()) as work:
        known = await companies.find(work, bakery)
        assert known is not None
        await work_items.add(work, known, [PlannedItem(data_set=DataSet.A07_REPORTS, rank=1)])
    await give_up(outbox)
    claimed = [await claim(outbox) for _ in range(3)]
    assert {item and item.company.company_id for item in claimed} == {theirs, through_another, None}
    a07 = await work_items.claim(outbox, Source.SKATTEETATEN, timedelta(minutes=1), most=1)
    assert a07 is not None
    async with outbox.work(a07.cause) as work:
        await work_items.hold(work, a07)
