"""A step failed: the item waits and goes on alone, or stops and says once what is to be done."""

from datetime import datetime

from contracts.sync import SyncStatus
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.plan import source_of
from sync_worker.domain.trouble import Patience, Trouble
from sync_worker.retrieval import announcements
from sync_worker.store import work_items
from sync_worker.store.companies import COMPANIES
from sync_worker.store.work_items import WorkItem


async def record(outbox: Outbox, item: WorkItem, trouble: Trouble, patience: Patience) -> None:
    """Note the trouble of an item in hand, and give the item back. Raises `LeaseLost`."""
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        pause = patience.pause(trouble, item.attempts)
        again_at = None if pause is None else work.now + pause
        if trouble.status is SyncStatus.RETRYING and again_at is not None:
            await work_items.postpone(work, item, trouble, until=again_at)
            await announcements.progressed(
                work, item.company, item.data_set, item.period, message=trouble.message, next_attempt_at=again_at
            )
        elif trouble.whole_source:
            # One item tries whether our credentials are accepted. The others follow it, or try themselves when it is not heard of.
            others_at = again_at + pause if trouble.ours and again_at and pause else again_at
            await _stop_source(work, item, trouble, again_at, others_at)
        else:
            await work_items.stop(work, item, trouble, again_at=again_at)
            if item.reason != trouble.reason:
                announcements.needs_attention(work, item.company, item.data_set, item.period, trouble)
            await announcements.progressed(work, item.company, item.data_set, item.period, message=trouble.message)
            await announcements.completed_if_so(work, item.company)
        crash.point("setback.written")
    crash.point("setback.committed")
    metrics.TROUBLES.labels(source_of(item.data_set).value, trouble.reason).inc()


async def _stop_source(work: Work, item: WorkItem, trouble: Trouble, again_at: datetime | None, others_at: datetime | None) -> None:
    source = source_of(item.data_set)
    stopped = await work_items.stop_source(work, item, trouble, again_at=again_at, others_at=others_at)
    # Several workers meet a closed door at the same moment, and whoever closes it announces it.
    if await COMPANIES.close_door(work.connection, company_id=item.company.company_id, source=source.value, reason=trouble.reason):
        announcements.needs_attention(work, item.company, item.data_set, None, trouble)
    for data_set in dict.fromkeys(stopped):
        await announcements.progressed(work, item.company, data_set, message=trouble.message)
