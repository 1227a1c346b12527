"""From notifications to one event per company and window, in the database."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from contracts.sync import DataSet
from contracts.visma import ChangeKind, DataSetChange
from eventing.outbox import Outbox
from eventing.work import Cause
from testkit.patience import patient
from visma_connector.announcing import Announcing
from visma_connector.settings import WebhookSettings
from visma_connector.store import connections, data_changes
from visma_connector.store.data_changes import Noted

pytestmark = pytest.mark.servers

OURS, OTHERS = UUID(int=1), UUID(int=2)
LINES = DataSetChange(data_set=DataSet.LEDGER_LINES, kind=ChangeKind.INSERTED)
GONE = DataSetChange(data_set=DataSet.LEDGER_LINES, kind=ChangeKind.DELETED)
CUSTOMERS = DataSetChange(data_set=DataSet.CUSTOMERS, kind=ChangeKind.UPDATED)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
async def clock(outbox: Outbox) -> Clock:
    """The outbox' clock; company 7100001 belongs to us, 7200001 to others, 7100003 is not opened."""
    outbox.clock = clock = Clock()
    await hold(outbox, OURS, 12345, {7100001: True, 7100003: False})
    await hold(outbox, OTHERS, 24680, {7200001: True})
    return clock


async def hold(outbox: Outbox, organization_id: UUID, visma_customer_id: int, companies: dict[int, bool]) -> None:
    async with outbox.work(Cause(organization_id=organization_id, correlation_id="registration", causation_id=None)) as work:
        await connections.begin(work, [visma_customer_id])
        for number, readable in companies.items():
            await work.connection.execute(
                "INSERT INTO connector.company VALUES ($1, $2, $3, 'Lyngen Bakeri AS', NULL, $4)",
                organization_id,
                visma_customer_id,
                number,
                readable,
            )


async def note(outbox: Outbox, *changes: DataSetChange, company: int = 7100001, customer: int = 0, delivery: str = "") -> Noted:
    return await data_changes.note(
        outbox.pool,
        changes or (LINES,),
        visma_company_id=company,
        visma_customer_id=customer,
        delivery_id=delivery or str(uuid4()),
        now=outbox.clock(),
    )


def announcing(outbox: Outbox) -> Announcing:
    return Announcing(outbox, WebhookSettings(secret="key"))


async def announced(outbox: Outbox) -> list[dict[str, Any]]:
    """What is published when everything due is announced, in order; the outbox is empty after."""
    while await announcing(outbox).announce_next():
        pass
    rows = await outbox.pool.fetch("DELETE FROM eventing.outbox RETURNING *")
    return [orjson.loads(row["value"]) | {"headers": row["header_names"]} for row in sorted(rows, key=lambda row: row["id"])]


def changes_in(event: dict[str, Any]) -> Sequence[DataSetChange]:
    return [DataSetChange.model_validate(change) for change in event["changes"]]


async def test_what_is_noticed_within_a_window_is_one_event_at_its_end(outbox: Outbox, clock: Clock) -> None:
    began = clock()
    for change in (LINES, CUSTOMERS, LINES, GONE, LINES):
        assert await note(outbox, change) is Noted.ACCEPTED
        clock.advance(0.3)
    assert await announced(outbox) == []
    clock.advance(0.5)
    (event,) = await announced(outbox)
    assert (event["organization_id"], event["visma_customer_id"], event["visma_company_id"]) == (str(OURS), 12345, 7100001)
    assert changes_in(event) == [CUSTOMERS, GONE, LINES]
    assert datetime.fromisoformat(event["noticed_at"]) == began


async def test_a_burst_of_a_thousand_rows_is_one_event(outbox: Outbox, clock: Clock) -> None:
    outcomes = await asyncio.gather(*(note(outbox, LINES, CUSTOMERS) for _ in range(1000)))
    assert set(outcomes) == {Noted.ACCEPTED}
    assert await outbox.pool.fetchval("SELECT count(*) FROM connector.data_change") == 2
    clock.advance(2)
    assert len(await announced(outbox)) == 1


async def test_what_comes_after_the_window_opens_another(outbox: Outbox, clock: Clock) -> None:
    await note(outbox)
    clock.advance(2)
    assert len(await announced(outbox)) == 1
    await note(outbox)
    clock.advance(1.9)
    assert await announced(outbox) == []
    clock.advance(0.1)
    assert len(await announced(outbox)) == 1


async def test_each_company_has_a_window_of_its_own(outbox: Outbox, clock: Clock) -> None:
    await note(outbox)
    clock.advance(1)
    await note(outbox, company=7200001)
    clock.advance(1)
    assert [event["visma_company_id"] for event in await announced(outbox)] == [7100001]
    clock.advance(1)
    assert [event["organization_id"] for event in await announced(outbox)] == [str(OTHERS)]


async def test_the_order_of_deliveries_makes_no_difference(outbox: Outbox, clock: Clock) -> None:
    events = []
    for order in ((LINES, GONE, CUSTOMERS), (CUSTOMERS, GONE, LINES)):
        for change in order:
            await note(outbox, change)
        clock.advance(2)
        events += [changes_in(event) for event in await announced(outbox)]
    assert events[0] == events[1]


async def test_a_delivery_that_comes_again_says_nothing_new(outbox: Outbox, clock: Clock) -> None:
    assert await note(outbox, delivery="a") is Noted.ACCEPTED
    clock.advance(2)
    assert len(await announced(outbox)) == 1
    assert await note(outbox, delivery="a") is Noted.DUPLICATE
    clock.advance(2)
    assert await announced(outbox) == []


async def test_many_copies_at_once_are_one_delivery(outbox: Outbox, clock: Clock) -> None:
    outcomes = await asyncio.gather(*(note(outbox, delivery="a") for _ in range(50)))
    assert sorted(outcomes) == [Noted.ACCEPTED] + [Noted.DUPLICATE] * 49


async def test_an_old_delivery_is_forgotten_and_a_new_one_is_not(outbox: Outbox, clock: Clock) -> None:
    await note(outbox, delivery="old")
    clock.advance(24 * 3600)
    await note(outbox, delivery="new")
    clock.advance(1)
    await data_changes.forget(outbox.pool, received_before=clock() - WebhookSettings().remember)
    assert await note(outbox, delivery="new") is Noted.DUPLICATE
    assert await note(outbox, delivery="old") is Noted.ACCEPTED


async def test_a_window_survives_its_process(outbox: Outbox, clock: Clock, dsn: str) -> None:
    await note(outbox, LINES)
    await note(outbox, CUSTOMERS)
    await outbox.pool.close()
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        after = Outbox(pool, "/visma-connector", clock=clock)
        clock.advance(1)
        await note(after, GONE)
        assert await announced(after) == []
        clock.advance(1)
        (event,) = await announced(after)
    assert changes_in(event) == [CUSTOMERS, GONE, LINES]


async def test_an_announcement_that_is_rolled_back_comes_later(outbox: Outbox, clock: Clock) -> None:
    await note(outbox)
    clock.advance(2)

    async def cut_short() -> None:
        async with outbox.together() as together:
            assert await data_changes.take(together.connection, noticed_until=clock())
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await cut_short()
    assert len(await announced(outbox)) == 1


async def test_many_processes_announce_each_company_once(outbox: Outbox, clock: Clock) -> None:
    numbers = range(7500001, 7500031)
    for number in numbers:
        await hold(outbox, UUID(int=number), number, {number: True})
        await note(outbox, LINES, CUSTOMERS, company=number)
    clock.advance(2)

    async def process() -> None:
        while await announcing(outbox).announce_next():
            pass

    await asyncio.gather(*(process() for _ in range(8)))
    assert [event["visma_company_id"] for event in sorted(await announced(outbox), key=lambda event: event["visma_company_id"])] == [
        *numbers
    ]


async def test_a_company_in_other_hands_is_not_waited_for(outbox: Outbox, clock: Clock) -> None:
    await note(outbox)
    await note(outbox, company=7200001)
    clock.advance(2)
    async with asyncio.timeout(patient(10)), outbox.together() as one, outbox.together() as another, outbox.together() as third:
        taken = [await data_changes.take(work.connection, noticed_until=clock()) for work in (one, another, third)]
    assert sorted(noticed.visma_company_id for noticed in taken if noticed) == [7100001, 7200001]


@pytest.mark.parametrize(
    ("company", "customer"),
    [(7999999, 0), (7100003, 0), (7100001, 24680), (0, 12345)],
    ids=["nobody's", "not opened", "of another customer", "of no company"],
)
async def test_a_company_that_nobody_reads_is_passed_over(outbox: Outbox, clock: Clock, company: int, customer: int) -> None:
    assert await note(outbox, company=company, customer=customer) is Noted.UNKNOWN_COMPANY
    clock.advance(2)
    assert await announced(outbox) == []


async def test_an_organisation_hears_of_its_own_companies_alone(outbox: Outbox, clock: Clock) -> None:
    assert await note(outbox, company=7100001, customer=12345) is Noted.ACCEPTED
    clock.advance(2)
    assert [event["organization_id"] for event in await announced(outbox)] == [str(OURS)]


async def test_while_an_id_moves_both_organisations_hear(outbox: Outbox, clock: Clock) -> None:
    await hold(outbox, OTHERS, 12345, {7100001: True})
    assert await note(outbox, delivery="a") is Noted.ACCEPTED
    assert await note(outbox, delivery="a") is Noted.DUPLICATE
    clock.advance(2)
    assert sorted(event["organization_id"] for event in await announced(outbox)) == [str(OURS), str(OTHERS)]


async def test_an_organisation_that_gives_the_id_up_hears_no_more(outbox: Outbox, clock: Clock) -> None:
    await note(outbox)
    async with outbox.work(Cause(organization_id=OURS, correlation_id="removal", causation_id=None)) as work:
        await connections.end(work, [12345])
    clock.advance(2)
    assert await announced(outbox) == []
    assert await note(outbox) is Noted.UNKNOWN_COMPANY
