"""What rests or waits is taken up at once: when Visma says that something has changed, and when a user asks."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from contracts.company import CompanyArchived
from contracts.sync import DataSet, SyncStatus
from contracts.visma import ChangeKind, DataSetChange, VismaDataChanged
from eventing.outbox import Outbox
from eventing.work import Cause
from sync_worker.domain.plan import PlannedItem, Source
from sync_worker.handlers import look_at_once, on_company_archived
from sync_worker.retrieval import setbacks
from sync_worker.retrieval.sums import must_wait
from sync_worker.retrieval.troubles import not_supported, trouble_of
from sync_worker.settings import RetrievalSettings
from sync_worker.store import companies, looks, plans, proofs, taking_up, work_items
from sync_worker.store.work_items import LeaseLost, WorkItem
from testkit.probe import probe
from visma_nxt.errors import Call, NotAuthenticated

from .conftest import company_created

pytestmark = pytest.mark.servers

OURS, OTHERS = UUID(int=1), UUID(int=2)
CAUSE = Cause(organization_id=OURS, correlation_id="c", causation_id=None)
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
PATIENCE = RetrievalSettings().patience
TOMORROW, YESTERDAY = NOW + timedelta(days=1), NOW - timedelta(days=1)


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def outbox(pool: asyncpg.Pool) -> Outbox:
    return Outbox(pool, "/sync-worker", clock=lambda: NOW)


async def company(
    outbox: Outbox, organization_id: UUID, *, visma_company_id: int = 7100001, refresh_at: datetime | None = TOMORROW
) -> UUID:
    """A company that is complete and looked at again then."""
    created = company_created(organization_id=organization_id, visma_company_id=visma_company_id)
    async with outbox.work(replace(CAUSE, organization_id=organization_id)) as work:
        await companies.add(work, created)
        known = await companies.find(work, created.company_id)
        assert known is not None
        await work_items.add(work, known, [PlannedItem(data_set=DataSet.ACCOUNT_BALANCES, rank=1)])
        await work.connection.execute(
            "UPDATE sync.work_item SET status = 'complete', refresh_at = $2 WHERE company_id = $1", created.company_id, refresh_at
        )
    return created.company_id


async def stopped_beside_its_balances(outbox: Outbox, *, balances: str) -> UUID:
    """A company one of whose data sets needs attention."""
    bakery = await company(outbox, OURS)
    async with outbox.work(CAUSE) as work:
        known = await companies.find(work, bakery)
        assert known is not None
        await work_items.add(work, known, [PlannedItem(data_set=DataSet.CUSTOMERS, rank=0)])
        await work.connection.execute("UPDATE sync.work_item SET status = 'needs_attention' WHERE data_set = 'customers'")
        await work.connection.execute("UPDATE sync.work_item SET status = $1 WHERE data_set = 'account_balances'", balances)
    return bakery


async def claim(outbox: Outbox) -> WorkItem:
    item = await work_items.claim(outbox, Source.VISMA, timedelta(minutes=1), most=1)
    assert item is not None
    return item


async def tell(outbox: Outbox, *, organization_id: UUID = OURS, visma_company_id: int = 7100001) -> None:
    changed = VismaDataChanged(
        organization_id=organization_id,
        visma_customer_id=12345,
        visma_company_id=visma_company_id,
        changes=[DataSetChange(data_set=DataSet.LEDGER_LINES, kind=ChangeKind.INSERTED)],
        noticed_at=NOW,
    )
    async with outbox.work(Cause(organization_id=organization_id, correlation_id="c", causation_id="e")) as work:
        await look_at_once(changed, work)


async def next_look(outbox: Outbox, company_id: UUID) -> datetime | None:
    moment: datetime | None = await outbox.pool.fetchval("SELECT refresh_at FROM sync.work_item WHERE company_id = $1", company_id)
    return moment


@pytest.mark.parametrize(
    ("before", "after"), [(TOMORROW, NOW), (YESTERDAY, YESTERDAY), (None, NOW)], ids=["later", "overdue", "being looked at"]
)
async def test_a_company_is_looked_at_now_instead_of_later(outbox: Outbox, before: datetime | None, after: datetime | None) -> None:
    bakery = await company(outbox, OURS, refresh_at=before)
    await tell(outbox)
    assert await next_look(outbox, bakery) == after


async def test_told_while_it_is_being_looked_at_it_is_looked_at_once_more(outbox: Outbox) -> None:
    bakery = await company(outbox, OURS, refresh_at=YESTERDAY)
    assert await taking_up.bring_back(outbox, Source.VISMA) == 1
    item = await claim(outbox)
    await tell(outbox)
    async with outbox.work(item.cause) as work:
        await looks.rest(work, item, until=TOMORROW)
    assert await next_look(outbox, bakery) == NOW


async def test_the_same_visma_company_of_another_organisation_is_not_touched(outbox: Outbox) -> None:
    ours, theirs = await company(outbox, OURS), await company(outbox, OTHERS)
    neighbour = await company(outbox, OURS, visma_company_id=7100002)
    await tell(outbox, organization_id=OTHERS)
    assert [await next_look(outbox, each) for each in (theirs, ours, neighbour)] == [NOW, TOMORROW, TOMORROW]


async def test_a_company_that_nobody_has_added_is_passed_over(outbox: Outbox) -> None:
    bakery = await company(outbox, OURS)
    await tell(outbox, visma_company_id=7999999)
    assert await next_look(outbox, bakery) == TOMORROW


@pytest.mark.parametrize("archived", [True, False], ids=["archived", "archiving not heard of yet"])
async def test_news_of_a_company_that_was_archived_and_added_again_is_for_the_new_one(outbox: Outbox, *, archived: bool) -> None:
    old, new = await company(outbox, OURS), await company(outbox, OURS)
    await outbox.pool.execute("UPDATE sync.company SET created_at = $2 WHERE company_id = $1", old, YESTERDAY)
    if archived:
        archiving = CompanyArchived(company_id=old, organization_id=OURS, archived_by="kari")
        async with outbox.work(CAUSE) as work:
            await on_company_archived(archiving, work)
    await tell(outbox)
    assert await next_look(outbox, new) == NOW
    assert await next_look(outbox, old) == (None if archived else TOMORROW)


async def test_what_a_user_asks_for_is_claimed_also_when_its_company_has_nothing_else_to_do(outbox: Outbox) -> None:
    bakery = await stopped_beside_its_balances(outbox, balances="complete")
    async with outbox.work(CAUSE) as work:
        await work_items.end_turns(work, bakery)
    async with outbox.work(CAUSE) as work:
        assert await taking_up.take_up(work, bakery) == [DataSet.CUSTOMERS]
    assert (await claim(outbox)).data_set is DataSet.CUSTOMERS


@pytest.mark.parametrize("status", ["verifying", "retrieving"], ids=["waits", "is looked at"])
async def test_balances_that_wait_are_compared_next_also_when_somebody_has_them_in_hand(outbox: Outbox, status: str) -> None:
    bakery = await stopped_beside_its_balances(outbox, balances=status)
    item = await claim(outbox)
    assert item.data_set is DataSet.ACCOUNT_BALANCES
    await outbox.pool.execute("UPDATE sync.work_item SET status = $1, scan_complete = false WHERE work_item_id = $2", status, item.id)
    async with outbox.work(CAUSE) as work:
        assert await taking_up.take_up(work, bakery) == [DataSet.ACCOUNT_BALANCES, DataSet.CUSTOMERS]
    with pytest.raises(LeaseLost):
        await must_wait(outbox, item, [DataSet.CUSTOMERS], next_look=lambda _: TOMORROW)
    assert (await claim(outbox)).data_set is DataSet.CUSTOMERS
    assert await outbox.pool.fetchval("SELECT scan_complete FROM sync.work_item WHERE work_item_id = $1", item.id)


async def test_an_item_that_is_asked_for_anew_forgets_what_was_looked_for_in_it(outbox: Outbox) -> None:
    bakery = await company(outbox, OURS)
    item = PlannedItem(data_set=DataSet.CUSTOMERS, rank=1)
    async with outbox.work(CAUSE) as work:
        known = await companies.find(work, bakery)
        assert known is not None
        await plans.put(work, known, [item])
        await work.connection.execute(
            "UPDATE sync.work_item SET status = 'retired', search = '{}', repair = '{}', differs_since = now() WHERE data_set = 'customers'"
        )
        await plans.put(work, known, [item])
    row = await outbox.pool.fetchrow("SELECT status, search, repair, differs_since FROM sync.work_item WHERE data_set = 'customers'")
    assert tuple(row) == ("queued", None, None, None)


async def test_one_item_tries_whether_our_credentials_are_accepted_and_the_others_follow_it(outbox: Outbox) -> None:
    bakery = await company(outbox, OURS)
    async with outbox.work(CAUSE) as work:
        known = await companies.find(work, bakery)
        assert known is not None
        await work_items.add(work, known, [PlannedItem(data_set=each, rank=0) for each in (DataSet.CUSTOMERS, DataSet.SUPPLIERS)])
    pause = PATIENCE.credentials
    clock = outbox.clock = Clock(NOW)
    for attempt in range(3):
        item = await claim(outbox)
        assert item.data_set is DataSet.CUSTOMERS, attempt
        await setbacks.record(outbox, item, trouble_of(NotAuthenticated(Call("Token")), item.data_set), PATIENCE)
        assert await taking_up.bring_back(outbox, Source.VISMA) == 0
        clock.now += pause
        assert await taking_up.bring_back(outbox, Source.VISMA) == 1
    item = await claim(outbox)
    async with outbox.work(item.cause) as work:
        await work_items.finish(work, item, rows=1, requests=1)
    assert await taking_up.bring_back(outbox, Source.VISMA) == 1
    assert (await claim(outbox)).data_set is DataSet.SUPPLIERS


async def test_the_others_try_themselves_when_the_first_is_not_heard_of(outbox: Outbox) -> None:
    bakery = await stopped_beside_its_balances(outbox, balances="queued")
    item = await claim(outbox)
    await outbox.pool.execute("UPDATE sync.work_item SET status = 'queued' WHERE data_set = 'customers'")
    await setbacks.record(outbox, item, trouble_of(NotAuthenticated(Call("Token")), item.data_set), PATIENCE)
    await outbox.pool.execute("UPDATE sync.work_item SET status = 'retired' WHERE work_item_id = $1", item.id)
    outbox.clock = Clock(NOW + 2 * PATIENCE.credentials)
    assert await taking_up.bring_back(outbox, Source.VISMA) == 1
    assert (await claim(outbox)).company.company_id == bakery


async def test_sums_do_not_go_to_rest_while_what_they_wait_for_is_taken_up(outbox: Outbox) -> None:
    await stopped_beside_its_balances(outbox, balances="verifying")
    item = await claim(outbox)
    async with outbox.work(CAUSE) as work:
        # As somebody else who takes everything up.
        await work.connection.execute("UPDATE sync.work_item SET status = 'queued'")
        waiting = asyncio.create_task(must_wait(outbox, item, [DataSet.CUSTOMERS], next_look=lambda _: TOMORROW))
        await probe(lambda: somebody_waits_for_a_lock(outbox), within=10)
    assert await waiting
    [due] = await outbox.pool.fetch("SELECT next_attempt_at FROM sync.work_item WHERE work_item_id = $1", item.id)
    assert due["next_attempt_at"] < TOMORROW


async def somebody_waits_for_a_lock(outbox: Outbox) -> bool:
    return bool(await outbox.pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))


async def test_what_is_tried_again_is_still_known_as_not_supported(outbox: Outbox) -> None:
    """A company may be completed at the very moment at which one of its data sets is taken up again."""
    bakery = await company(outbox, OURS, refresh_at=None)
    async with outbox.work(CAUSE) as work:
        known = await companies.find(work, bakery)
        assert known is not None
        await work_items.add(work, known, [PlannedItem(data_set=DataSet.CAPITAL_ASSETS, rank=0)])
    item = await claim(outbox)
    async with outbox.work(CAUSE) as work:
        await work_items.stop(work, item, not_supported("Cannot query field."), again_at=NOW)
    assert await taking_up.bring_back(outbox, Source.VISMA) == 1
    async with outbox.work(CAUSE) as work:
        totals = await proofs.by_data_set(work, bakery)
    assert [(each.data_set, each.status, each.proof) for each in totals] == [
        (DataSet.CAPITAL_ASSETS, SyncStatus.NOT_SUPPORTED, "Cannot query field.")
    ]
