"""A difference narrowed down to the wrong vouchers, which alone are read again: one request and one transaction for each step.

What is known so far is kept with the item, so that a killed worker's search goes on where it was. A search that leads nowhere, because the
ledger has changed meanwhile or because more is wrong than a few vouchers, ends with the whole item read anew, as does a repair after which
the proof does not hold.
"""

from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.dataset import Dataset, LandedRow
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.locating import MOST_GROUPS, Level, Repair, Search, finer, lying_in, narrowed, voucher_key
from sync_worker.domain.proof import differences
from sync_worker.retrieval import announcements
from sync_worker.retrieval.changes import note
from sync_worker.retrieval.row_events import removals, row_events
from sync_worker.retrieval.stated import stated_by
from sync_worker.store import landing, wall, work_items
from sync_worker.store.places import Places
from sync_worker.store.work_items import WorkItem
from visma_nxt import VismaClient
from visma_nxt.filters import all_of


async def locate(visma: VismaClient, outbox: Outbox, item: WorkItem, search: Search) -> None:
    """Take the next step of the item's search. Raises Visma's errors and `LeaseLost`."""
    if search.groups:
        await _narrow(visma, outbox, item, search)
    else:
        await _repair(visma, outbox, item, search)


async def read_anew(work: Work, item: WorkItem, *, expected: int | None, requests: int) -> None:
    """Give up on finding what is wrong: read the whole item once more."""
    await work_items.scan_again(work, item, expected=expected, requests=requests)
    await announcements.progressed(work, item.company, item.data_set, item.period)
    metrics.REFETCHES.labels(item.data_set.value).inc()


async def _narrow(visma: VismaClient, outbox: Outbox, item: WorkItem, search: Search) -> None:
    dataset = DATASETS[item.data_set]
    places = Places(dataset, item, search.by, search.groups)
    by = await _next_columns(outbox, dataset, search, places)
    stated = await stated_by(visma, dataset, item, by, within=lying_in(dataset, search.by, search.groups))
    crash.point("search.fetched")
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        found = differences(await places.totals(work.connection, by), stated)
        if (further := narrowed(dataset, search, by, found)) is None:
            await read_anew(work, item, expected=item.expected, requests=1)
        else:
            await work_items.save_search(work, item, further, requests=1)
        crash.point("search.written")
    crash.point("search.committed")


async def _next_columns(outbox: Outbox, dataset: Dataset, search: Search, places: Places) -> Level:
    """What to group by next: the finest level whose answer is small by what has landed, else the coarsest that is left."""
    control = dataset.control.by if dataset.control else ()
    levels = [(*control, *level) for level in finer(dataset, search)]
    async with wall.reading(outbox, places.item.company) as connection:
        for columns in reversed(levels[1:]):
            if await places.count(connection, columns) <= MOST_GROUPS:
                return columns
    return levels[0]


async def _repair(visma: VismaClient, outbox: Outbox, item: WorkItem, search: Search) -> None:
    """Read the wrong vouchers again, with whatever lines Visma has of them in this item."""
    dataset, company = DATASETS[item.data_set], item.company
    key = voucher_key(dataset)
    of_item = dataset.filter_for(company, item.ledger_periods)
    of_vouchers = lying_in(dataset, key, search.vouchers)
    page = await visma.rows(
        dataset.table,
        company.visma_company_id,
        where=all_of(of_item, of_vouchers) if of_item else of_vouchers,
        with_total=True,
        organisation_number=company.organisation_number,
    )
    crash.point("repair.fetched")
    rows = dataset.translate(page.rows, company)
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        if len(rows) != page.total:  # more than a page, or cut short: not to be told from lines that are gone
            await read_anew(work, item, expected=item.expected, requests=1)
        else:
            await _land(work, dataset, item, search, rows)
        crash.point("repair.written")
    crash.point("repair.committed")


async def _land(work: Work, dataset: Dataset, item: WorkItem, search: Search, rows: list[LandedRow]) -> None:
    company, period = item.company, item.period if dataset.by_period else None
    arrival = await landing.land(work, dataset, company, item.scan, rows)
    removed = await Places(dataset, item, voucher_key(dataset), search.vouchers).remove_others(work.connection, rows)
    item = await note(work, item, arrival, removed)
    work.publish(*row_events(dataset.event, company, period, dataset.names, arrival.changed, before=arrival.before))
    work.publish(*removals(dataset, company, period, removed))
    await work_items.save_repair(work, item, Repair(differences=search.differences), requests=1)
    await announcements.progressed(work, company, item.data_set, item.period)
