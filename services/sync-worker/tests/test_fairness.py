"""Who is served next: the queue alone, in a real database."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.sync import DataSet, Period
from eventing.outbox import Outbox
from eventing.work import Cause
from sync_worker.domain.plan import PlannedItem, Source
from sync_worker.store import companies, work_items
from sync_worker.store.work_items import Waiting, WorkItem

from .conftest import company_created

LEASE = timedelta(minutes=1)
MOST = 3


class Queue:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self.seconds = 0
        self.outbox = Outbox(pool, "/sync-worker", clock=self.now)
        self.organization_id = uuid4()

    def now(self) -> datetime:
        """Every look at the clock is a second later."""
        self.seconds += 1
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def company(self, ranks: Sequence[int]) -> UUID:
        """A company with one item of each rank, which never gets done."""
        created = company_created(organization_id=self.organization_id, reconciliation_start=date(2020, 1, 1))
        async with self.outbox.work(Cause(organization_id=self.organization_id, correlation_id="c", causation_id=None)) as work:
            await companies.add(work, created)
            company = await companies.find(work, created.company_id)
            assert company is not None
            await work_items.add(work, company, [_item(number, rank) for number, rank in enumerate(ranks)])
        return created.company_id

    async def claim(self, *, urgent_first: bool = False) -> WorkItem | None:
        return await work_items.claim(self.outbox, Source.VISMA, LEASE, most=MOST, urgent_first=urgent_first)

    async def served(self, *, urgent_first: bool = False) -> UUID | None:
        """Whose item is claimed, and given back at once."""
        item = await self.claim(urgent_first=urgent_first)
        if item is not None:
            await work_items.release(self.outbox, [item.token])
        return item and item.company.company_id


def _item(number: int, rank: int) -> PlannedItem:
    month = date(2020 + number // 12, number % 12 + 1, 1)
    period = Period(label=f"{month:%Y-%m}", first_day=month, last_day=month.replace(day=28))
    return PlannedItem(data_set=DataSet.LEDGER_LINES, rank=rank, period=period, ledger_periods=((month.year, month.month),))


@pytest.fixture
def queue(pool: asyncpg.Pool) -> Queue:
    return Queue(pool)


async def test_each_company_gets_as_many_requests_whatever_its_size_and_however_slow_its_answers(queue: Queue) -> None:
    large, slow, *_ = crowd = [await queue.company([1] * size) for size in (60, 30, 2, 2, 1)]
    served: Counter[UUID] = Counter()
    in_hand: list[WorkItem] = []
    chance = random.Random(7)  # noqa: S311
    for _ in range(150):
        item = await queue.claim()
        if item is not None:
            served[item.company.company_id] += 1
            in_hand.append(item)
        if len(in_hand) > 4:
            quick = [item for item in in_hand if item.company.company_id != slow] or in_hand
            done = chance.choice(quick)
            in_hand.remove(done)
            await work_items.release(queue.outbox, [done.token])
    assert set(served) == set(crowd)
    quick_ones = [served[each] for each in crowd if each != slow]
    assert max(quick_ones) / min(quick_ones) <= 1.2
    assert served[large] == pytest.approx(served[crowd[-1]], rel=0.2)
    assert served[slow] >= 3


async def test_a_newcomer_is_next(queue: Queue) -> None:
    old = {await queue.company([1] * 20) for _ in range(3)}
    assert {await queue.served() for _ in range(9)} == old
    new = await queue.company([1])
    assert await queue.served() == new
    assert {await queue.served() for _ in range(3)} == old


async def test_what_somebody_waits_to_see_goes_before_all_history(queue: Queue) -> None:
    for _ in range(3):
        await queue.company([1] * 20)
    new = await queue.company([0, 5])
    assert [await queue.served(urgent_first=True) for _ in range(5)] == [new] * 5
    assert [await queue.served() for _ in range(8)].count(new) == 2


async def test_no_company_holds_more_than_its_part_of_the_hands(queue: Queue) -> None:
    large = await queue.company([1] * 20)
    assert [item is not None for item in [await queue.claim() for _ in range(5)]] == [True] * MOST + [False] * 2
    small = await queue.company([2])
    found = await queue.claim()
    assert found is not None
    assert found.company.company_id == small != large


async def test_it_says_how_much_could_be_claimed(queue: Queue) -> None:
    async def waiting() -> Waiting:
        return await work_items.waiting(queue.outbox, Source.VISMA, most=MOST, enough=4)

    assert await waiting() == Waiting(0, urgent=False)
    await queue.company([1] * 20)
    assert await waiting() == Waiting(4, urgent=False)
    for _ in range(MOST):
        await queue.claim()
    assert await waiting() == Waiting(0, urgent=False)
    await queue.company([0, 7])
    assert await waiting() == Waiting(2, urgent=True)
