"""A page: fetched outside any transaction, landed in one together with its place in the scan and its events.

What somebody waits to see is read to its end in one step, and a page of it is asked for while the one before it lands.

A data set that is proven by the number of its rows, which came with them, is proven with its last page.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from eventing import crash
from eventing.outbox import Outbox
from sync_worker import metrics
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.page_sizes import PageSizes
from sync_worker.domain.plan import FIRST_ITEM
from sync_worker.domain.progress_pace import ProgressPace
from sync_worker.domain.proof_wait import proof_wait
from sync_worker.domain.receipt import Question, questions
from sync_worker.domain.scan import check_order, seen_all
from sync_worker.retrieval import announcements
from sync_worker.retrieval.changes import note
from sync_worker.retrieval.row_events import row_events
from sync_worker.retrieval.verification import counted, settle
from sync_worker.store import landing, taking_up, work_items
from sync_worker.store.work_items import WorkItem
from visma_nxt import Page, VismaClient, noting
from visma_nxt.errors import RateLimited, Transient


async def retrieve_pages(visma: VismaClient, outbox: Outbox, sizes: PageSizes, pace: ProgressPace, item: WorkItem) -> None:
    """Fetch and land the page after the item's cursor, or all that are left. Raises Visma's errors, `NotInOrder`, `LeaseLost`."""
    with noting() as asked:
        page = await _fetched(visma, sizes, item)
    counting = questions(asked)
    while True:
        async with _fetching_further(visma, sizes, item, page) as further:
            kept = await _land(outbox, pace, item, page, counting, keep=further is not None)
            if further is None or kept is None:
                return
            item, page = kept, await further


@asynccontextmanager
async def _fetching_further(visma: VismaClient, sizes: PageSizes, item: WorkItem, page: Page) -> AsyncIterator[asyncio.Task[Page] | None]:
    """The page after this one, if somebody waits to see it and there is one."""
    expected = item.expected if page.total is None else page.total
    scanned = item.scanned + len(page.rows)
    if item.rank > 0 or seen_all(page_rows=len(page.rows), has_more=page.has_more, scanned=scanned, expected=expected):
        yield None
        return
    fetching = asyncio.create_task(_fetched(visma, sizes, replace(item, cursor=page.last_key, expected=expected)))
    try:
        yield fetching
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)


async def _land(
    outbox: Outbox, pace: ProgressPace, item: WorkItem, page: Page, asked: Sequence[Question], *, keep: bool
) -> WorkItem | None:
    """Land a page. Gives the item as it is then, when it was to be kept and nothing speaks against it."""
    dataset, company = DATASETS[item.data_set], item.company
    crash.point("page.fetched", item.data_set)
    rows = dataset.translate(page.rows, company)
    changes_only = item.changed_since is not None
    counts = page.total is not None and not changes_only
    expected = page.total if counts else item.expected
    counting = asked if counts else None
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        arrival = await landing.land(work, dataset, company, item.scan, rows)
        scanned = item.scanned + arrival.seen
        complete = seen_all(page_rows=len(page.rows), has_more=page.has_more, scanned=scanned, expected=None if changes_only else expected)
        kept = await work_items.save_page(
            work,
            item,
            keep=keep and not complete,
            cursor=page.last_key,
            seen=arrival.seen,
            expected=expected,
            counted=counting,
            newest=page.newest,
            scan_complete=complete,
            prove_at=work.now + proof_wait(dataset, rank=item.rank, known=item.known),
        )
        period = item.period if dataset.by_period else None
        item = await note(work, item, arrival, new=item.known)
        work.publish(*row_events(dataset.event, company, period, dataset.names, arrival.changed, before=arrival.before))
        if complete and dataset.control is None and item.data_set is not FIRST_ITEM.data_set:
            # Its proof needs no further question, and a turn to ask is too dear for it.
            await settle(work, item, counted(expected), counting or item.counted, requests=0)
        elif complete or pace.is_due((company.company_id, item.data_set), work.now):
            await announcements.progressed(work, company, item.data_set, item.period)
            if complete and dataset.by_period:
                await taking_up.prove_when_all_is_read(work, company.company_id)
        crash.point("page.written", item.data_set)
    crash.point("page.committed", item.data_set)
    metrics.ROWS_LANDED.labels(item.data_set.value).inc(len(rows))
    return replace(item, cursor=page.last_key, scanned=scanned, expected=expected, reason=None) if kept else None


async def _fetched(visma: VismaClient, sizes: PageSizes, item: WorkItem) -> Page:
    """The page, as large as this company's answers for this data set allow."""
    dataset, company, kind = DATASETS[item.data_set], item.company, (item.company.company_id, item.data_set)
    try:
        page = await visma.rows(
            dataset.table,
            company.visma_company_id,
            where=dataset.filter_for(company, item.ledger_periods, before=item.retrieved_from, changed_since=item.changed_since),
            after=item.cursor,
            first=sizes.rows_for(kind),
            with_total=item.expected is None or item.changed_since is not None,
            # Of periods the plan knows it.
            with_newest=item.cursor is None and item.changed_since is None and item.retrieved_from is None and not dataset.by_period,
            # What changed has no count that a proof could miss a row by.
            whole=item.changed_since is not None,
            organisation_number=company.organisation_number,
        )
    except Transient as error:
        if not isinstance(error, RateLimited):
            sizes.failed(kind)
        raise
    sizes.came(kind, rows=len(page.rows), seconds=page.seconds, size=page.size)
    check_order(item.cursor, page.last_key)
    return page
