"""Data sets that are sums and not rows: asked for at once, landed whole, and compared with other things that landed."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from contracts.sync import DataSet
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.dataset import Dataset, LandedRow
from sync_worker.domain.proof import Landed
from sync_worker.domain.receipt import Question, coverage_of
from sync_worker.domain.trouble import Troubled
from sync_worker.retrieval import announcements
from sync_worker.retrieval.row_events import row_events
from sync_worker.retrieval.troubles import not_supported
from sync_worker.store import landing, looks, proofs, work_items
from sync_worker.store.work_items import WorkItem

SOON, LATER = timedelta(seconds=0.5), timedelta(seconds=10)


async def must_wait(
    outbox: Outbox, item: WorkItem, others: Collection[DataSet], *, next_look: Callable[[datetime], datetime] | None = None
) -> bool:
    """True when others of the company come first; the item is then given back until they may be ready. Raises `Troubled` without hope.

    While they wait for a person the company is looked at meanwhile, if ``next_look`` says when.
    """
    async with outbox.work(item.cause) as work:
        # First: who takes the others up takes this item up too, before it is counted or after it was given back.
        await work_items.hold(work, item)
        under_way, stopped, unknown = await work_items.progress_of(work, item.company.company_id, others)
        if unknown:
            missing = ", ".join(sorted(unknown))
            raise Troubled(not_supported(f"{item.data_set} cannot be had without {missing}, which this customer's Visma does not know."))
        if not under_way and not stopped:
            return False
        if next_look and not under_way:
            await looks.look_later(work, item, until=next_look(work.now))
        else:
            await work_items.defer(work, item, until=work.now + (SOON if under_way else LATER))
        crash.point("deferral.written", item.data_set)
    crash.point("deferral.committed", item.data_set)
    return True


@asynccontextmanager
async def answered(outbox: Outbox, item: WorkItem) -> AsyncIterator[Work]:
    """The transaction for what the source has just answered; the item is held in it. Raises `LeaseLost`."""
    crash.point("sums.fetched", item.data_set)
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        yield work
        crash.point("sums.written", item.data_set)
    crash.point("sums.committed", item.data_set)


async def land_and_close(
    work: Work,
    item: WorkItem,
    dataset: Dataset,
    rows: Collection[LandedRow],
    asked: Sequence[Question],
    *,
    requests: int,
    sums: Landed | None = None,
    totals: Sequence[Any] = (),
) -> None:
    """Replace what landed by these rows, and close the item. A group that is gone is said once more, with zeros."""
    company = item.company
    arrival = await landing.land(work, dataset, company, item.scan, rows)
    gone = await landing.remove_unseen(work, dataset, company, item.scan, ())
    said: Iterable[LandedRow] = [*arrival.changed, *map(dataset.emptied, gone)]
    work.publish(*row_events(dataset.event, company, None, dataset.names, said))
    covers = coverage_of(dataset, company, item.ledger_periods)
    await proofs.put(work, item, rows=len(rows), compared=dataset.proof, asked=asked, covers=covers, sums=sums, totals=totals)
    await close(work, item, rows=len(rows), requests=requests)


async def close(work: Work, item: WorkItem, *, rows: int, requests: int, refresh_at: datetime | None = None) -> None:
    """The item is complete; at ``refresh_at`` it is taken up again by itself."""
    await work_items.finish(work, item, rows=rows, requests=requests, refresh_at=refresh_at)
    await announcements.progressed(work, item.company, item.data_set)
    await announcements.completed_if_so(work, item.company)
    metrics.ITEMS_PROVEN.labels(item.data_set.value).inc()
