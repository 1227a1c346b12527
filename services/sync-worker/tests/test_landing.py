"""A row that comes again is told with what it was, if it changed, whoever asked for it and under whatever period."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from contracts.sync import DataSet
from eventing.outbox import Outbox
from eventing.work import Cause
from sync_worker.domain.datasets.registers import CUSTOMERS
from sync_worker.domain.plan import PlannedItem, Source
from sync_worker.store import companies, landing, work_items

from .conftest import company_created

pytestmark = pytest.mark.servers

CAUSE = Cause(organization_id=UUID(int=1), correlation_id="c", causation_id=None)


async def test_what_changed_is_told_with_what_it_was(pool: asyncpg.Pool) -> None:
    outbox = Outbox(pool, "/sync-worker")
    created = company_created(organization_id=CAUSE.organization_id)
    async with outbox.work(CAUSE) as work:
        await companies.add(work, created)
        company = await companies.find(work, created.company_id)
        assert company is not None
        await work_items.add(work, company, [PlannedItem(data_set=DataSet.CUSTOMERS, rank=1)])
    item = await work_items.claim(outbox, Source.VISMA, timedelta(minutes=1), most=1)
    assert item is not None
    assert not item.known
    before, after, same = (1, 10001, "Before AS", None), (1, 10001, "After AS", None), (2, 10002, "Same AS", None)
    arrivals = []
    for scan, rows in ((1, [before, same]), (2, [after, same]), (2, [after, same])):
        async with outbox.work(CAUSE) as work:
            await work_items.hold(work, item)
            arrivals.append(await landing.land(work, CUSTOMERS, company, scan, rows))
    first, second, third = arrivals
    assert (first.changed, first.seen, first.before) == ([before, same], 2, {})
    assert (second.changed, second.seen, second.before) == ([after], 2, {after: before})
    assert (third.changed, third.seen, third.before) == ([], 0, {})
