"""The Visma customer IDs that organisations have given up, and their companies, for which Visma is not asked therefore."""

from uuid import UUID

from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.store.companies import company_of

_GIVEN_UP = queries(__file__, "given_up")


async def lock(work: Work, visma_customer_id: int) -> None:
    """Let other work neither give this ID up nor register it again meanwhile. To be asked for before anything else is locked."""
    await _GIVEN_UP.lock(work.connection, **_key(work, visma_customer_id))


async def put(work: Work, visma_customer_id: int) -> list[Company]:
    """The organisation that is worked for has given the ID up, and what is in hand from Visma is lost to whoever has it.

    Gives the companies this stops; none when the ID was given up before.
    """
    key = _key(work, visma_customer_id)
    await _GIVEN_UP.lock_to_change(work.connection, **key)
    if not await _GIVEN_UP.put(work.connection, **key):
        return []
    await _GIVEN_UP.take_away(work.connection, **key)
    return await _companies(work, visma_customer_id)


async def remove(work: Work, visma_customer_id: int) -> list[Company]:
    """The organisation that is worked for holds the ID. Gives the companies that go on; none when it was not given up."""
    key = _key(work, visma_customer_id)
    await _GIVEN_UP.lock_to_change(work.connection, **key)
    return await _companies(work, visma_customer_id) if await _GIVEN_UP.remove(work.connection, **key) else []


async def of_company(work: Work, company_id: UUID) -> int | None:
    """The Visma customer ID of a company when it was given up."""
    number: int | None = await _GIVEN_UP.of_company(work.connection, company_id=company_id)
    return number


async def _companies(work: Work, visma_customer_id: int) -> list[Company]:
    return [company_of(row) async for row in _GIVEN_UP.companies(work.connection, **_key(work, visma_customer_id))]


def _key(work: Work, visma_customer_id: int) -> dict[str, UUID | int]:
    return {"organization_id": work.organization_id, "visma_customer_id": visma_customer_id}
