"""Changes in Visma, from the delivery that told of them until everybody is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from contracts.sync import DataSet
from contracts.visma import ChangeKind, DataSetChange
from eventing.sql import queries
from eventing.work import Connection as Database

_CHANGES = queries(__file__, "data_changes")


class Noted(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNKNOWN_COMPANY = "unknown_company"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What was noticed of one company of one organisation, each change once, and when the first of it was."""

    organization_id: UUID
    visma_customer_id: int
    visma_company_id: int
    changes: tuple[DataSetChange, ...]
    noticed_at: datetime


async def note(
    pool: asyncpg.Pool,
    changes: Sequence[DataSetChange],
    *,
    visma_company_id: int,
    visma_customer_id: int,
    delivery_id: str,
    now: datetime,
) -> Noted:
    """Keep what a delivery says, for whoever reads the company; ``visma_customer_id`` 0 is any. Committed when this returns."""
    try:
        row = await _CHANGES.note(
            pool,
            visma_company_id=visma_company_id,
            visma_customer_id=visma_customer_id,
            delivery_id=delivery_id,
            data_sets=[change.data_set.value for change in changes],
            kinds=[change.kind.value for change in changes],
            now=now,
        )
    except asyncpg.ForeignKeyViolationError:  # the ID was given up at this moment
        return Noted.UNKNOWN_COMPANY
    if not row["readers"]:
        return Noted.UNKNOWN_COMPANY
    return Noted.ACCEPTED if row["first"] else Noted.DUPLICATE


async def take(database: Database, *, noticed_until: datetime) -> Noticed | None:
    """Take one company of which something was noticed by then, with all that was noticed since; None when there is none."""
    rows = [row async for row in _CHANGES.take(database, noticed_until=noticed_until)]
    if not rows:
        return None
    changes = [DataSetChange(data_set=DataSet(row["data_set"]), kind=ChangeKind(row["kind"])) for row in rows]
    return Noticed(
        organization_id=rows[0]["organization_id"],
        visma_customer_id=rows[0]["visma_customer_id"],
        visma_company_id=rows[0]["visma_company_id"],
        changes=tuple(sorted(changes, key=lambda change: (change.data_set, change.kind))),
        noticed_at=min(row["noticed_at"] for row in rows),
    )


async def forget(pool: asyncpg.Pool, *, received_before: datetime) -> None:
    """Deliveries this old do not come again."""
    await _CHANGES.forget(pool, received_before=received_before)
