"""Companies as they were added."""

from uuid import UUID

import asyncpg

from contracts.company import CompanyCreated
from eventing.sql import queries
from eventing.work import Work

_COMPANIES = queries(__file__, "companies")


async def find(work: Work, company_id: UUID) -> asyncpg.Record | None:
    """``name``, ``organization_id`` and ``visma_company_id`` of a company of any organisation."""
    found: asyncpg.Record | None = await _COMPANIES.find(work.connection, company_id=company_id)
    return found


async def add(work: Work, created: CompanyCreated) -> None:
    """Keep a new company. Its Visma company must be locked, and its id free."""
    columns = created.model_dump(mode="python", exclude={"company_groups"})
    await _COMPANIES.add(work.connection, **columns, created_at=work.now)
    await _COMPANIES.put_in_groups(work.connection, company_id=created.company_id, company_group_ids=created.company_groups)
