"""Companies as they were added and changed since."""

from uuid import UUID

import asyncpg

from company_service.domain.company import Company
from contracts.company import CompanyCreated, Module, PeriodType, VatFrequency
from eventing.sql import queries
from eventing.work import Work

_COMPANIES = queries(__file__, "companies")


async def find(work: Work, company_id: UUID) -> asyncpg.Record | None:
    """``name`` of a company of any organisation, and what `is_taken` looks at."""
    found: asyncpg.Record | None = await _COMPANIES.find(work.connection, company_id=company_id)
    return found


async def is_taken(work: Work, company_id: UUID, visma_company_id: int) -> bool:
    """Whether the id is that of another company, or of one whose work has ended."""
    holder = await find(work, company_id)
    if holder is None:
        return False
    return holder["archived"] or (holder["organization_id"], holder["visma_company_id"]) != (work.organization_id, visma_company_id)


async def lock(work: Work, company_id: UUID) -> Company | None:
    """The company of the organisation that is worked for, locked until the work is done."""
    row = await _COMPANIES.lock(work.connection, company_id=company_id, organization_id=work.organization_id)
    if row is None:
        return None
    chosen = {
        "period_type": PeriodType(row["period_type"]),
        "vat_frequency": VatFrequency(row["vat_frequency"]),
        "company_groups": tuple(row["company_groups"]),
        "modules": tuple(map(Module, row["modules"])),
    }
    return Company(**{**row, **chosen})


async def add(work: Work, created: CompanyCreated) -> None:
    """Keep a new company. Its Visma company must be locked, and its id free."""
    columns = created.model_dump(mode="python", exclude={"company_groups"})
    await _COMPANIES.add(work.connection, **columns, created_at=work.now)
    await _COMPANIES.put_in_groups(work.connection, company_id=created.company_id, company_group_ids=created.company_groups)


async def change(work: Work, company: Company) -> None:
    """Keep what the form says of a company that is locked."""
    await _COMPANIES.change(work.connection, **company.form())
    await _COMPANIES.take_out_of_groups(work.connection, company_id=company.company_id)
    await _COMPANIES.put_in_groups(work.connection, company_id=company.company_id, company_group_ids=list(company.company_groups))


async def archive(work: Work, company_id: UUID) -> None:
    """The work for the company has ended."""
    await _COMPANIES.archive(work.connection, company_id=company_id, archived_by=work.actor, archived_at=work.now)
