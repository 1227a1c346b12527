"""What is to be published once more, and how far that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.sync import DataSet
from eventing.outbox import Outbox
from eventing.sql import queries
from eventing.work import Cause, Work
from sync_worker.domain.company import Company
from sync_worker.domain.plan import Planned
from sync_worker.domain.scan import Key
from sync_worker.store.companies import company_of
from sync_worker.store.work_items import cause_columns

_REPUBLICATIONS = queries(__file__, "republications")

Part = tuple[DataSet, str]
"""A data set and the label of one of its periods, empty for one without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Republication:
    """In hand until commit. ``parts`` before ``position`` are done; ``cursor`` is the last key published of the one that is next."""

    id: int
    company: Company
    parts: tuple[Part, ...]
    position: int
    cursor: Key | None
    rows: int


async def add(work: Work, company: Company, parts: Sequence[Planned]) -> None:
    """Publish these parts again."""
    about: dict[str, Any] = {"organization_id": company.organization_id, "company_id": company.company_id, "now": work.now}
    await _REPUBLICATIONS.add(work.connection, **about, parts=[[each.data_set.value, each.label] for each in parts], **cause_columns(work))


async def next_one(outbox: Outbox) -> tuple[int, Cause] | None:
    """Which is next, and why it was asked for."""
    row = await _REPUBLICATIONS.next(outbox.pool)
    if row is None:
        return None
    cause = {name: row[name] for name in ("organization_id", "correlation_id", "causation_id", "traceparent")}
    return row["republication_id"], Cause(**cause)


async def hold(work: Work, id: int) -> Republication | None:  # noqa: A002
    """Take it until commit; None when another process has it, or when it is done."""
    row: Mapping[str, Any] | None = await _REPUBLICATIONS.hold(work.connection, id=id)
    if row is None:
        return None
    return Republication(
        id=id,
        company=company_of(row),
        parts=tuple((DataSet(data_set), label) for data_set, label in row["parts"]),
        position=row["position"],
        cursor=None if row["cursor"] is None else tuple(row["cursor"]),
        rows=row["rows"],
    )


async def save(work: Work, held: Republication, *, position: int, cursor: Key | None, rows: int) -> None:
    """So far it is."""
    await _REPUBLICATIONS.save(work.connection, id=held.id, position=position, cursor=cursor, rows=rows, now=work.now)


async def put_back(outbox: Outbox, id: int) -> None:  # noqa: A002
    """All others come before it."""
    await _REPUBLICATIONS.put_back(outbox.pool, id=id, now=outbox.clock())


async def remove(work: Work, held: Republication) -> None:
    """It is done."""
    await _REPUBLICATIONS.remove(work.connection, id=held.id)
