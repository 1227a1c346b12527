"""The companies whose data is retrieved."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from contracts.company import CompanyCreated, Module, PeriodType
from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.company import Company

COMPANIES = queries(__file__, "companies")


async def add(work: Work, created: CompanyCreated) -> bool:
    """Keep a new company; False when it is known."""
    known = created.model_dump(include={"company_id", "organization_id", "visma_customer_id", "visma_company_id", "organisation_number"})
    return bool(
        await COMPANIES.add(
            work.connection,
            **known,
            period_type=created.period_type.value,
            financial_year_start_month=created.financial_year_start_month,
            reconciliation_start=created.reconciliation_start,
            modules=[module.value for module in created.modules],
            created_at=work.now,
        )
    )


async def find(work: Work, company_id: UUID) -> Company | None:
    """The company, when it belongs to the organisation that is worked for and is not archived."""
    row = await COMPANIES.find(work.connection, company_id=company_id, organization_id=work.organization_id)
    return None if row is None else company_of(row)


async def is_archived(work: Work, company_id: UUID) -> bool:
    """Whether the organisation that is worked for has such a company, and the work for it has ended."""
    return bool(await COMPANIES.is_archived(work.connection, company_id=company_id, organization_id=work.organization_id))


async def put(work: Work, company: Company) -> None:
    """Keep the settings that the next plan is made from."""
    await COMPANIES.put(
        work.connection,
        company_id=company.company_id,
        organisation_number=company.organisation_number,
        period_type=company.period_type.value,
        financial_year_start_month=company.financial_year_start_month,
        reconciliation_start=company.reconciliation_start,
        modules=sorted(module.value for module in company.modules),
    )


async def find_by_visma_company(work: Work, visma_company_id: int) -> Company | None:
    """The company that the organisation has added for one of Visma's, the last time it did, and has not archived."""
    row = await COMPANIES.find_by_visma_company(work.connection, visma_company_id=visma_company_id, organization_id=work.organization_id)
    return None if row is None else company_of(row)


def company_of(row: Mapping[str, Any]) -> Company:
    """From the columns of ``sync.company``."""
    return Company(
        company_id=row["company_id"],
        organization_id=row["organization_id"],
        visma_company_id=row["visma_company_id"],
        organisation_number=row["organisation_number"],
        period_type=PeriodType(row["period_type"]),
        financial_year_start_month=row["financial_year_start_month"],
        reconciliation_start=row["reconciliation_start"],
        modules=frozenset(map(Module, row["modules"])),
    )
