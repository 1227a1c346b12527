"""What company-service does on each command, and what it keeps of other services' events."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from company_service import metrics
from company_service.domain import company, company_changes, company_form, company_group
from company_service.domain.company import Company
from company_service.domain.form_fields import Circumstances
from company_service.domain.reconciliation_start import today_in_norway
from company_service.domain.visma_company import VismaCompany
from company_service.store import companies, company_groups, visma_companies
from contracts.company import (
    AddVismaCompany,
    ArchiveCompany,
    ChangeReconciliationStart,
    CompanyArchived,
    CompanyCommand,
    CompanyCreated,
    CompanyGroupCreated,
    CompanyUpdated,
    CreateCompanyGroup,
    ModulesChanged,
    ReconciliationStartChanged,
    SetModules,
    UpdateCompany,
)
from contracts.org import VismaIdsRegistered, VismaIdsRemoved
from contracts.visma import VismaCompaniesListed, VismaCompanyAccessChanged, VismaCustomerAccessDenied, VismaCustomerConnected
from eventing.errors import Refused
from eventing.work import Work
from tenancy.members import role_of


async def add_visma_company(command: AddVismaCompany, work: Work, *, allow_synthetic: bool) -> Mapping[str, Any]:
    """Judge the form; add the company when it has no fault. The result shows the start date as aligned, and the first period."""
    # The lock comes first: everything else is read after a command that adds the same Visma company has ended.
    visma_company = await visma_companies.lock(work, command.visma_company_id)
    taken = await companies.is_taken(work, command.company_id, command.visma_company_id)
    known = await _circumstances(command, work, visma_company, company_id_taken=taken, allow_synthetic=allow_synthetic)
    with _counting_errors(work):
        form = company_form.judge(command, known)
    created = CompanyCreated(
        company_id=form.company_id,
        organization_id=work.organization_id,
        visma_customer_id=form.visma_company.visma_customer_id,
        visma_company_id=form.visma_company_id,
        name=form.name,
        comment=form.comment,
        organisation_number=form.organisation_number,
        period_type=form.period_type,
        financial_year_start_month=form.financial_year_start_month,
        reconciliation_start=form.reconciliation_start,
        responsible_user=form.responsible_user,
        vat_frequency=form.vat_frequency,
        company_groups=list(form.company_groups),
        modules=list(form.modules),
        created_by=work.actor,
    )
    await companies.add(work, created)
    await visma_companies.note_added(work, created.visma_company_id, created.company_id)
    work.publish(created)
    return {
        "company_id": str(created.company_id),
        "reconciliation_start": created.reconciliation_start.isoformat(),
        "aligned": form.aligned,
        "first_period": form.first_period.model_dump(mode="json"),
    }


async def update_company(command: UpdateCompany, work: Work, *, allow_synthetic: bool) -> Mapping[str, Any]:
    """Change what the form says of the company. The result names the fields that differ from before, and shows the first period."""
    before, changes = await _judged_changes(command, work, allow_synthetic=allow_synthetic)
    after = replace(before, **changes)
    if changes:
        await companies.change(work, after)
        work.publish(CompanyUpdated(**after.form(), changed=list(changes), updated_by=work.actor))
    return _outcome(after, changes) | {"fields": list(changes), "first_period": after.first_period.model_dump(mode="json")}


async def change_reconciliation_start(command: ChangeReconciliationStart, work: Work, *, allow_synthetic: bool) -> Mapping[str, Any]:
    """Move the start date. The result shows it as aligned, and the first period."""
    before, changes = await _judged_changes(command, work, allow_synthetic=allow_synthetic)
    after = replace(before, **changes)
    if changes:
        await companies.change(work, after)
        moved = {"before": before.reconciliation_start, "after": after.reconciliation_start}
        work.publish(ReconciliationStartChanged(**after.ids(), **moved, changed_by=work.actor))
    start = after.reconciliation_start.isoformat()
    shown = {"reconciliation_start": start, "aligned": command.reconciliation_start.strip() != start}
    return _outcome(after, changes) | shown | {"first_period": after.first_period.model_dump(mode="json")}


async def set_modules(command: SetModules, work: Work, *, allow_synthetic: bool) -> Mapping[str, Any]:
    """Give the company exactly these modules."""
    before, changes = await _judged_changes(command, work, allow_synthetic=allow_synthetic)
    after = replace(before, **changes)
    if changes:
        await companies.change(work, after)
        added = [module for module in after.modules if module not in before.modules]
        removed = [module for module in before.modules if module not in after.modules]
        work.publish(ModulesChanged(**after.ids(), added=added, removed=removed, modules=list(after.modules), changed_by=work.actor))
    return _outcome(after, changes) | {"modules": [module.value for module in after.modules]}


async def archive_company(command: ArchiveCompany, work: Work) -> Mapping[str, Any]:
    """End the work for the company. Its Visma company is in the drop-down list again, to be added as a new company."""
    found = await _locked(command.company_id, work)
    if not found.archived:
        await companies.archive(work, found.company_id)
        await visma_companies.note_archived(work, found.company_id)
        work.publish(CompanyArchived(**found.ids(), archived_by=work.actor))
    return _outcome(found, not found.archived)


async def _locked(company_id: UUID, work: Work) -> Company:
    found = await companies.lock(work, company_id)
    if found is None:
        raise company.unknown()  # at once: what adds a company has the same key and was handled before
    return found


async def _judged_changes(command: CompanyCommand, work: Work, *, allow_synthetic: bool) -> tuple[Company, dict[str, Any]]:
    """The company, and the fields the command wants to be different."""
    before = await _locked(command.company_id, work)
    if before.archived:
        raise company.ended(before)
    visma_company = await visma_companies.lock(work, before.visma_company_id)
    known = await _circumstances(command, work, visma_company, allow_synthetic=allow_synthetic)
    with _counting_errors(work):
        return before, before.differing(company_changes.judge(command, known))


def _outcome(found: Company, changed: object) -> dict[str, Any]:
    return {"company_id": str(found.company_id), "changed": bool(changed)}


async def _circumstances(
    command: CompanyCommand, work: Work, visma_company: VismaCompany | None, *, company_id_taken: bool = False, allow_synthetic: bool
) -> Circumstances:
    user = (getattr(command, "responsible_user", None) or "").strip()
    # PostgreSQL takes no NUL, and nobody's id has characters that cannot be shown.
    role = await role_of(work.connection, work.organization_id, user) if user.isprintable() else None
    return Circumstances(
        today=today_in_norway(work.now),
        allow_synthetic=allow_synthetic,
        visma_company=visma_company,
        company_id_taken=company_id_taken,
        responsible_user_is_member=role is not None,
        company_groups=await company_groups.ids(work) if getattr(command, "company_groups", None) else frozenset(),
    )


@contextmanager
def _counting_errors(work: Work) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        for error in refused.errors:
            work.afterwards(metrics.FORM_ERRORS.labels(error.field.partition(".")[0], error.code).inc)
        raise


async def create_company_group(command: CreateCompanyGroup, work: Work) -> Mapping[str, Any]:
    """Create the group under a name that no other group of the organisation has."""
    name = company_group.judge(command.name)
    spelling = company_group.spelling(name)
    created = CompanyGroupCreated(
        company_group_id=command.company_group_id, organization_id=work.organization_id, name=name, created_by=work.actor
    )
    if not await company_groups.add(work, created, spelling=spelling):
        same = await company_groups.find_by_spelling(work, spelling)
        raise company_group.id_taken() if same is None else company_group.name_taken(same)
    work.publish(created)
    return {"company_group_id": str(created.company_group_id), "name": name}


async def on_visma_ids_registered(event: VismaIdsRegistered, work: Work) -> None:
    """The organisation holds these Visma customer IDs."""
    await visma_companies.put_registered(work, event.visma_customer_ids, registered=True)


async def on_visma_ids_removed(event: VismaIdsRemoved, work: Work) -> None:
    """The organisation has given these up; nothing can be added through them. Companies added before stay."""
    await visma_companies.put_registered(work, event.visma_customer_ids, registered=False)


async def on_visma_customer_connected(event: VismaCustomerConnected, work: Work) -> None:
    """The ID gives access: its list counts."""
    await visma_companies.put_connected(work, event.visma_customer_id, connected=True)


async def on_visma_customer_access_denied(event: VismaCustomerAccessDenied, work: Work) -> None:
    """The ID gives no access: its list is empty. When Visma is only away for a while, what was listed still holds."""
    if not event.temporary:
        await visma_companies.put_connected(work, event.visma_customer_id, connected=False)


async def on_visma_companies_listed(event: VismaCompaniesListed, work: Work) -> None:
    """The ID reaches exactly these companies."""
    await visma_companies.put_connected(work, event.visma_customer_id, connected=True)
    await visma_companies.replace_list(work, event.visma_customer_id, event.companies)


async def on_visma_company_access_changed(event: VismaCompanyAccessChanged, work: Work) -> None:
    """The company was opened or closed for us."""
    await visma_companies.change_access(work, event)
