"""Company groups by organisation."""

from uuid import UUID

from contracts.company import CompanyGroupCreated
from eventing.sql import queries
from eventing.work import Work

_GROUPS = queries(__file__, "company_groups")


async def add(work: Work, created: CompanyGroupCreated, *, spelling: str) -> bool:
    """Keep a new group; False when its id or its name is in use."""
    return bool(
        await _GROUPS.add(
            work.connection,
            company_group_id=created.company_group_id,
            organization_id=created.organization_id,
            name=created.name,
            spelling=spelling,
            created_by=created.created_by,
            created_at=work.now,
        )
    )


async def find_by_spelling(work: Work, spelling: str) -> str | None:
    """The name of the organisation's group that is spelled so."""
    name: str | None = await _GROUPS.find_by_spelling(work.connection, organization_id=work.organization_id, spelling=spelling)
    return name


async def ids(work: Work) -> frozenset[UUID]:
    """All groups of the organisation."""
    return frozenset(
        [row["company_group_id"] async for row in _GROUPS.of_organization(work.connection, organization_id=work.organization_id)]
    )
