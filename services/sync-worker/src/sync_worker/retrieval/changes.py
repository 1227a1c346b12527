"""What comes and goes of a period of the ledger is noted with its item, in the transaction that lands it, until the period is verified."""

from collections.abc import Sequence
from dataclasses import replace

from contracts.sync import DataSet
from eventing.work import Work
from sync_worker.domain.changes import NOTHING, came, went
from sync_worker.domain.dataset import LandedRow
from sync_worker.domain.datasets import LEDGER_LINES
from sync_worker.store import work_items
from sync_worker.store.landing import NO_ARRIVAL, Arrival
from sync_worker.store.work_items import WorkItem


async def note(
    work: Work, item: WorkItem, arrival: Arrival = NO_ARRIVAL, removed: Sequence[LandedRow] = (), *, new: bool = True
) -> WorkItem:
    """The item with what came and went; without ``new`` lines that had not landed before are left out."""
    if item.data_set is not DataSet.LEDGER_LINES:
        return item
    found = came(LEDGER_LINES, item.ledger_periods, arrival.changed if new else arrival.before, arrival.before)
    found = found.and_(went(LEDGER_LINES, removed))
    if found == NOTHING:
        return item
    noted = replace(item, changes=item.changes.and_(found))
    await work_items.save_changes(work, noted)
    return noted
