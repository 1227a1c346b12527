"""What has landed is published once more, and newer rows come after it or before: the last word about a row is always the newest."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from contracts.accounting import CustomersRetrieved
from contracts.sync import AccountBalancesVerified, DataSet
from eventing.outbox import Outbox
from eventing.work import Cause, Work
from sync_worker.domain.company import Company
from sync_worker.domain.datasets.registers import CUSTOMERS
from sync_worker.domain.plan import Planned, PlannedItem, Source
from sync_worker.retrieval.republishing import Republishing
from sync_worker.retrieval.row_events import row_events
from sync_worker.store import companies, landing, proofs, republications, work_items
from sync_worker.store.work_items import WorkItem
from testkit.probe import probe

from .conftest import company_created

pytestmark = pytest.mark.servers

CAUSE = Cause(organization_id=UUID(int=1), correlation_id="c", causation_id=None)


@pytest.fixture
def outbox(pool: asyncpg.Pool) -> Outbox:
    return Outbox(pool, "/sync-worker")


@pytest.fixture
async def company(outbox: Outbox) -> Company:
    """With its customers queued."""
    created = company_created(organization_id=CAUSE.organization_id)
    async with outbox.work(CAUSE) as work:
        await companies.add(work, created)
        known = await companies.find(work, created.company_id)
        assert known is not None
        await work_items.add(work, known, [PlannedItem(data_set=DataSet.CUSTOMERS, rank=1)])
    return known


async def land(work: Work, item: WorkItem, name: str) -> None:
    """As a page does."""
    await work_items.hold(work, item)
    arrival = await landing.land(work, CUSTOMERS, item.company, item.scan, [(1, 10001, name, None)])
    work.publish(*row_events(CUSTOMERS.event, item.company, None, CUSTOMERS.names, arrival.changed))


async def published(outbox: Outbox) -> list[str]:
    rows = await outbox.pool.fetch("SELECT convert_from(value, 'UTF8') AS said, header_values FROM eventing.outbox ORDER BY id")
    return [json.loads(row["said"])["rows"][0]["name"] for row in rows if CustomersRetrieved.TYPE.encode() in row["header_values"]]


async def somebody_waits(outbox: Outbox) -> bool:
    return bool(await outbox.pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))


async def test_rows_that_land_meanwhile_are_published_after_what_had_landed(outbox: Outbox, company: Company) -> None:
    item = await work_items.claim(outbox, Source.VISMA, timedelta(minutes=1), most=1)
    assert item is not None
    async with outbox.work(CAUSE) as work:
        await land(work, item, "Before AS")
        await republications.add(work, company, [Planned(DataSet.CUSTOMERS, "", ())])
    async with republishing(outbox):
        await probe(lambda: published_is(outbox, ["Before AS", "Before AS"]), within=10)
        async with outbox.work(CAUSE) as work:
            await land(work, item, "After AS")
            async with outbox.work(CAUSE) as more:
                await republications.add(more, company, [Planned(DataSet.CUSTOMERS, "", ())])
            await probe(lambda: somebody_waits(outbox), within=10)
        await probe(lambda: published_is(outbox, ["Before AS", "Before AS", "After AS", "After AS"]), within=10)


async def test_one_that_fails_holds_up_no_other(outbox: Outbox, company: Company) -> None:
    item = await work_items.claim(outbox, Source.VISMA, timedelta(minutes=1), most=1)
    assert item is not None
    async with outbox.work(CAUSE) as work:
        await land(work, item, "Lyngen Bakeri AS")
        for _ in range(2):
            await republications.add(work, company, [Planned(DataSet.CUSTOMERS, "", ())])
        await work.connection.execute('UPDATE sync.republication SET parts = \'[["nothing we know", ""]]\' WHERE republication_id = 1')
    async with republishing(outbox):
        await probe(lambda: published_is(outbox, ["Lyngen Bakeri AS"] * 2), within=10)
        await probe(lambda: outbox.pool.fetchval("SELECT count(*) = 1 FROM sync.republication"), within=10)


@pytest.mark.parametrize(("complete", "said"), [(True, 1), (False, 0)])
async def test_balances_that_are_compared_anew_are_said_again_only_while_the_company_is_complete(
    outbox: Outbox, company: Company, complete: bool, said: int
) -> None:
    async with outbox.work(CAUSE) as work:
        await work_items.add(work, company, [PlannedItem(data_set=DataSet.ACCOUNT_BALANCES, rank=2)])
        await work.connection.execute("SELECT sync.work_for($1)", CAUSE.organization_id)
        await proofs.put_of(work, company, DataSet.ACCOUNT_BALANCES, rows=0, compared="", covers=[])
        await work.connection.execute("UPDATE sync.company SET completed_at = $1", work.now if complete else None)
        await republications.add(work, company, [Planned(DataSet.ACCOUNT_BALANCES, "", ())])
    async with republishing(outbox):
        await probe(lambda: outbox.pool.fetchval("SELECT count(*) = 0 FROM sync.republication"), within=10)
    rows = await outbox.pool.fetch("SELECT header_values FROM eventing.outbox")
    assert len([row for row in rows if AccountBalancesVerified.TYPE.encode() in row["header_values"]]) == said


@asynccontextmanager
async def republishing(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(Republishing(outbox, poll_seconds=0.05).run())
    try:
        yield
    finally:
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})


async def published_is(outbox: Outbox, names: list[str]) -> bool:
    assert await published(outbox) == names
    return True
