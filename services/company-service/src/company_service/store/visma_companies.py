"""The lists of Visma companies, as visma-connector published them for the Visma customer IDs that org-service says are the organisation's.

A list counts while its ID is registered and connected. A Visma company stands under one ID of an organisation, the one that listed it last.
"""

from collections.abc import Sequence
from uuid import UUID

from company_service.domain.visma_company import VismaCompany
from company_service.store import companies
from contracts import visma
from eventing.sql import queries
from eventing.work import Work

_COMPANIES = queries(__file__, "visma_companies")


async def put_registered(work: Work, visma_customer_ids: Sequence[int], *, registered: bool) -> None:
    """Whether the organisation holds these IDs."""
    await _COMPANIES.put_registered(
        work.connection, organization_id=work.organization_id, visma_customer_ids=list(visma_customer_ids), registered=registered
    )


async def put_connected(work: Work, visma_customer_id: int, *, connected: bool) -> None:
    """Whether the ID gives access. Its list is not thrown away with the access: it may come back unchanged, and is then not sent again."""
    await _COMPANIES.put_connected(
        work.connection, organization_id=work.organization_id, visma_customer_id=visma_customer_id, connected=connected
    )


async def replace_list(work: Work, visma_customer_id: int, listed: Sequence[visma.VismaCompany]) -> None:
    """The ID reaches these companies and no others. Those that were added stay added, also through an absence."""
    each_once = {company.visma_company_id: company for company in listed}
    await _COMPANIES.list_companies(
        work.connection,
        organization_id=work.organization_id,
        visma_customer_id=visma_customer_id,
        ids=list(each_once),
        names=[company.name for company in each_once.values()],
        organisation_numbers=[company.organisation_number for company in each_once.values()],
        readable=[company.readable for company in each_once.values()],
        hints=[company.hint for company in each_once.values()],
    )
    await _COMPANIES.unlist_others(
        work.connection, organization_id=work.organization_id, visma_customer_id=visma_customer_id, ids=list(each_once)
    )


async def change_access(work: Work, event: visma.VismaCompanyAccessChanged) -> None:
    """A listed company was opened or closed for us."""
    await _COMPANIES.change_access(
        work.connection,
        organization_id=work.organization_id,
        visma_customer_id=event.visma_customer_id,
        visma_company_id=event.visma_company_id,
        readable=event.readable,
        hint=event.hint,
    )


async def lock(work: Work, visma_company_id: int) -> VismaCompany | None:
    """The company as last listed, locked until the work is done; None when it never was on a list of the organisation."""
    row = await _COMPANIES.lock(work.connection, organization_id=work.organization_id, visma_company_id=visma_company_id)
    if row is None:
        return None
    # Read after the lock: a join in the locking query would show the companies as they were before it waited.
    added = None if row["added_as"] is None else await companies.find(work, row["added_as"])
    return VismaCompany(
        visma_customer_id=row["visma_customer_id"],
        name=row["name"],
        organisation_number=row["organisation_number"],
        readable=row["readable"],
        hint=row["hint"],
        listed=row["listed"],
        added_as=None if added is None else added["name"],
    )


async def note_added(work: Work, visma_company_id: int, company_id: UUID) -> None:
    """The company is taken from now on, under this id."""
    await _COMPANIES.note_added(
        work.connection, organization_id=work.organization_id, visma_company_id=visma_company_id, company_id=company_id
    )


async def note_archived(work: Work, company_id: UUID) -> None:
    """The Visma company behind this one is free to be added again."""
    await _COMPANIES.note_archived(work.connection, organization_id=work.organization_id, company_id=company_id)
