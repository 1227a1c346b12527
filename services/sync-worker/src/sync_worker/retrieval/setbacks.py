"""A step failed: the item waits and goes on alone, or stops and says once what is to be done."""

from datetime import timedelta

from contracts.sync import SyncStatus
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.plan import source_of
from sync_worker.domain.trouble import Trouble, pause_after
from sync_worker.retrieval import announcements
from sync_worker.store import work_items
from sync_worker.store.companies import COMPANIES
from sync_worker.store.work_items import WorkItem


async def record(outbox: Outbox, item: WorkItem, trouble: Trouble, *, first_pause: timedelta, longest_pause: timedelta) -> None:
    """Note the trouble of an item in hand, and give the item back. Raises `LeaseLost`."""
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        if trouble.status is SyncStatus.RETRYING:
            pause = pause_after(item.attempts, first=first_pause, longest=longest_pause, asked=trouble.retry_after)
            await work_items.postpone(work, item, trouble, until=work.now + pause)
            await announcements.progressed(
                work, item.company, item.data_set, item.period, message=trouble.message, next_attempt_at=work.now + pause
            )
        elif trouble.whole_source:
            await _stop_source(work, item, trouble)
        else:
            await work_items.stop(work, item, trouble)
            announcements.needs_attention(work, item.company, item.data_set, item.period, trouble)
            await announcements.progressed(work, item.company, item.data_set, item.period, message=trouble.message)
        crash.point("setback.written")
    crash.point("setback.committed")
    metrics.TROUBLES.labels(source_of(item.data_set).value, trouble.reason).inc()


async def _stop_source(work: Work, item: WorkItem, trouble: Trouble) -> None:
    source = source_of(item.data_set)
    stopped = await work_items.stop_source(work, item.company.company_id, source, trouble)
    # Several workers meet a closed door at the same moment. Whoever gets the company's lock first announces it.
    await COMPANIES.lock(work.connection, company_id=item.company.company_id)
    if await work_items.count_stopped(work, item.company.company_id, source, trouble) == len(stopped):
        announcements.needs_attention(work, item.company, item.data_set, None, trouble)
    for data_set in dict.fromkeys(stopped):
        await announcements.progressed(work, item.company, data_set, message=trouble.message)
