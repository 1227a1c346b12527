"""What a user wants to be different about a company: fields judged as on the form, those that were left out not at all."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from company_service.domain import form_fields, reconciliation_start
from company_service.domain.company_form import judged
from company_service.domain.form_fields import Circumstances
from contracts.company import CompanyCommand


class CompanyChanges(BaseModel):
    """The fields that may change. The Visma company may not: another one is another company."""

    model_config = ConfigDict(frozen=True)

    name: form_fields.Name = ""
    comment: form_fields.Comment = ""
    organisation_number: form_fields.OrganisationNumber = ""
    period_type: form_fields.ChosenPeriodType | None = None
    financial_year_start_month: form_fields.StartMonth = 1
    reconciliation_start: form_fields.TypedStart | None = None
    responsible_user: form_fields.ResponsibleUser = ""
    vat_frequency: form_fields.ChosenVatFrequency | None = None
    company_groups: form_fields.CompanyGroups = ()
    modules: form_fields.Modules = ()


def judge(typed: CompanyCommand, known: Circumstances) -> dict[str, Any]:
    """The fields that were given, settled; the start date aligned. Raises as `company_form.judge` does."""
    changes = judged(CompanyChanges, typed.model_dump(exclude_none=True), known).model_dump(exclude_unset=True)
    if "reconciliation_start" in changes:
        changes["reconciliation_start"] = reconciliation_start.aligned(changes["reconciliation_start"])
    return changes
