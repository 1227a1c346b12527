"""Claims on Visma customer IDs: one ID, one organisation."""

from collections.abc import Sequence
from uuid import UUID

from eventing.sql import queries
from eventing.work import Work

_IDS = queries(__file__, "visma_customer_ids")


async def claim(work: Work, ids: Sequence[int]) -> tuple[list[int], dict[int, UUID]]:
    """Claim what is free. Gives the IDs that are new on the organisation, and those that others hold, by holder."""
    rows = _IDS.claim(
        work.connection, ids=list(ids), organization_id=work.organization_id, registered_by=work.actor, registered_at=work.now
    )
    taken = {row["visma_customer_id"] async for row in rows}
    others = _IDS.held_by_others(work.connection, ids=list(ids), organization_id=work.organization_id)
    return [number for number in ids if number in taken], {row["visma_customer_id"]: row["organization_id"] async for row in others}


async def release(work: Work, number: int) -> bool:
    """Give an ID up; False when the organisation does not hold it."""
    return bool(await _IDS.release(work.connection, id=number, organization_id=work.organization_id))
