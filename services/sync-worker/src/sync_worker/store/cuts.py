"""The consistent cut of each company: what of it is as of one moment, and of which."""

from datetime import datetime
from uuid import UUID

from contracts.sync import DataSet, SyncStatus
from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.consistent_cut import ConsistentCut, Part
from sync_worker.store.work_items import period_of

_CUTS = queries(__file__, "cuts")


async def parts(work: Work, company_id: UUID) -> list[Part]:
    """Everything that is planned as it stands, newest period first."""
    return [
        Part(DataSet(row["data_set"]), period_of(row), SyncStatus(row["status"]), row["reason"], row["message"])
        async for row in _CUTS.parts(work.connection, company_id=company_id)
    ]


async def keep(work: Work, company_id: UUID, cut: ConsistentCut, *, as_of: datetime) -> bool:
    """Note a cut and its moment; True when it is another one than was known, or none was."""
    return bool(await _CUTS.keep(work.connection, company_id=company_id, cut=cut.model_dump(mode="json"), as_of=as_of))


async def find(work: Work, company_id: UUID) -> tuple[ConsistentCut, datetime] | None:
    """The last one, unless something has to be proven again since."""
    row = await _CUTS.find(work.connection, company_id=company_id)
    return None if row is None else (ConsistentCut.model_validate(row["cut"]), row["as_of"])
