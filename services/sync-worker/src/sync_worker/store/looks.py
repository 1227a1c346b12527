"""What a look at a company compares, and what becomes of the items it finds news for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.sync import DataSet, Period
from eventing.sql import queries
from eventing.work import Connection, Work
from sync_worker.domain.datasets import LOOKED_AT
from sync_worker.domain.freshness import Mark
from sync_worker.domain.periods import YearAndPeriod
from sync_worker.domain.receipt import Question
from sync_worker.store.work_items import WorkItem, gone_on, ledger_periods_of, period_of

_LOOKS = queries(__file__, "looks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """An item that a look may find news for. Without ``agreed`` it differed from Visma up to now.

    ``unsettled_since``: when it last agreed, unless what was committed late behind its newest row has been asked for since.
    """

    id: int
    data_set: DataSet
    period: Period | None
    ledger_periods: tuple[YearAndPeriod, ...]
    mark: Mark
    agreed: bool
    unsettled_since: datetime | None


async def proven(connection: Connection, company_id: UUID) -> list[Proven]:
    """What a look compares with Visma."""
    rows = _LOOKS.proven(connection, company_id=company_id, data_sets=[each.value for each in LOOKED_AT])
    return [_proven_of(row) async for row in rows]


async def find(work: Work, company_id: UUID, data_set: DataSet, label: str) -> Proven | None:
    """One item; None when it was never planned."""
    row = await _LOOKS.find(work.connection, company_id=company_id, data_set=data_set.value, label=label)
    return None if row is None else _proven_of(row)


async def read_changes(work: Work, item: Proven, *, changed_since: str, mark: Mark, counted: Sequence[Question], differs: bool) -> bool:
    """Read what was written since; False when somebody works on the item already. ``differs``: it was said to, from what was verified."""
    about = {
        "id": item.id,
        "changed_since": changed_since,
        "newest": mark.newest,
        "expected": mark.rows,
        "counted": counted,
        "differs": differs,
        "now": work.now,
    }
    return bool(await _LOOKS.read_changes(work.connection, **about))


async def sum_of_lines(work: Work, item: WorkItem, *, newest: str | None) -> None:
    """Note when the newest of the lines was written that an item sums up."""
    await _LOOKS.sum_of_lines(work.connection, id=item.id, newest=newest)


async def settle(work: Work, items: Iterable[Proven]) -> None:
    """Nothing was committed late behind the newest row of these, and nothing can be any more."""
    await _LOOKS.settle(work.connection, ids=[each.id for each in items])


async def rest(work: Work, item: WorkItem, *, until: datetime, requests: int = 1) -> None:
    """A look found nothing new."""
    await gone_on(work, item)
    await _LOOKS.rest(work.connection, id=item.id, requests=requests, refresh_at=until, now=work.now)


async def compare_next(work: Work, item: WorkItem, *, requests: int) -> None:
    """After a look: compare everything as soon as what changed is read."""
    await gone_on(work, item)
    await _LOOKS.compare_next(work.connection, id=item.id, requests=requests, now=work.now)


async def sum_again(work: Work, company_id: UUID) -> list[DataSet]:
    """Sum up again what is summed from the ledger and beside it; gives the data sets concerned."""
    found = {DataSet(row["data_set"]) async for row in _LOOKS.sum_again(work.connection, company_id=company_id, now=work.now)}
    return [data_set for data_set in DataSet if data_set in found]


async def look_later(work: Work, item: WorkItem, *, until: datetime) -> None:
    """Nothing can be compared while others wait for a person; the company is looked at meanwhile."""
    await _LOOKS.look_later(work.connection, id=item.id, until=until)


def _proven_of(row: Mapping[str, Any]) -> Proven:
    return Proven(
        id=row["work_item_id"],
        data_set=DataSet(row["data_set"]),
        period=period_of(row),
        ledger_periods=ledger_periods_of(row),
        mark=Mark(row["scanned"], row["newest"]),
        agreed=row["agreed"],
        unsettled_since=row["unsettled_since"],
    )
