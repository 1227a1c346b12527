"""Owned by company-service: companies, company groups and the choices made in the company form."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, WithJsonSchema

from contracts.message import Command, CompanyMessage, Event, Name, UserId, VismaCompanyId, VismaCustomerId


class PeriodType(StrEnum):
    """Length of a reconciliation period. Periods longer than a month start at the start month of the financial year."""

    MONTH = "month"
    TWO_MONTHS = "two_months"
    QUARTER = "quarter"
    FOUR_MONTHS = "four_months"
    HALF_YEAR = "half_year"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many months a period has."""
        return {"month": 1, "two_months": 2, "quarter": 3, "four_months": 4, "half_year": 6, "year": 12}[self.value]


class VatFrequency(StrEnum):
    """The Norwegian VAT terms, always calendar based. The values are those of the VAT return."""

    MONTHLY = "maaned"
    TWO_MONTHLY = "toMaaned"
    YEARLY = "aar"
    HALF_MONTHLY = "halvMaaned"
    WEEKLY = "uke"


class Module(StrEnum):
    """What is retrieved beside the ledger."""

    PAYROLL = "payroll"
    VAT = "vat"
    ASSETS = "assets"


def _typed(values: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [str(value) for value in values]})


# Form fields travel as the user typed them and are judged by the service's rules, so that one refusal names every wrong field at once.
PeriodTypeText = Annotated[str, _typed(PeriodType)]
VatFrequencyText = Annotated[str, _typed(VatFrequency)]
ModuleText = Annotated[str, _typed(Module)]
DateText = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
UuidText = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]


class CompanyCommand(CompanyMessage, Command):
    """Wishes about one company."""

    TOPIC = "company-commands"


class CompanyEvent(CompanyMessage, Event):
    """Facts about companies, kept for good."""

    TOPIC = "company-events"


class AddVismaCompany(CompanyCommand):
    """The company form, saved. The company id is made by the sender; the Visma company must stand in the list last published."""

    TYPE = "no.accountflow.company.AddVismaCompany.v1"
    visma_company_id: VismaCompanyId
    name: str = Field(description="how the firm calls the company; 1 to 200 characters")
    comment: str = Field("", description="free text, at most 2000 characters")
    organisation_number: str = Field(description="nine digits with a valid check digit; spaces are tolerated")
    period_type: PeriodTypeText
    financial_year_start_month: int = Field(1, description="1 to 12; only given for a deviating financial year")
    reconciliation_start: DateText = Field(description="not in the future; aligned down to the first of its month")
    responsible_user: str = Field(description="a member of the organisation")
    vat_frequency: VatFrequencyText = VatFrequency.TWO_MONTHLY.value
    company_groups: list[UuidText] = Field(default_factory=list, description="groups of the organisation")
    modules: list[ModuleText] = Field(default_factory=list)


class UpdateCompany(CompanyCommand):
    """The company form, changed. What is left out, or null, stays as it is; an empty list of groups takes the company out of all."""

    TYPE = "no.accountflow.company.UpdateCompany.v1"
    name: str | None = Field(None, description="how the firm calls the company; 1 to 200 characters")
    comment: str | None = Field(None, description="free text, at most 2000 characters")
    organisation_number: str | None = Field(None, description="nine digits with a valid check digit; spaces are tolerated")
    period_type: PeriodTypeText | None = None
    financial_year_start_month: int | None = Field(None, description="1 to 12")
    responsible_user: str | None = Field(None, description="a member of the organisation")
    vat_frequency: VatFrequencyText | None = None
    company_groups: list[UuidText] | None = Field(None, description="all groups the company shall be in")


class ChangeReconciliationStart(CompanyCommand):
    """Move the start date. Earlier: the time between is retrieved. Later: what was retrieved before is kept and counts no more."""

    TYPE = "no.accountflow.company.ChangeReconciliationStart.v1"
    reconciliation_start: DateText = Field(description="not in the future; aligned down to the first of its month")


class SetModules(CompanyCommand):
    """Retrieve the data of exactly these modules beside the ledger. What was retrieved for a module that is left out is kept."""

    TYPE = "no.accountflow.company.SetModules.v1"
    modules: list[ModuleText]


class ArchiveCompany(CompanyCommand):
    """End the work for a company; administrators may. Nothing is deleted, and its Visma company can be added again as a new company."""

    TYPE = "no.accountflow.company.ArchiveCompany.v1"


class CreateCompanyGroup(Command):
    """Create a group that companies of the organisation can be put in. The id is made by the sender."""

    TYPE = "no.accountflow.company.CreateCompanyGroup.v1"
    TOPIC = "company-commands"
    SUBJECT = "company_group_id"
    company_group_id: UUID
    organization_id: UUID
    name: Name


class CompanyFormEvent(CompanyEvent):
    """All that the company form says of a company."""

    visma_customer_id: VismaCustomerId
    visma_company_id: VismaCompanyId
    name: Name
    comment: str
    organisation_number: str = Field(description="nine digits")
    period_type: PeriodType
    financial_year_start_month: int = Field(ge=1, le=12)
    reconciliation_start: date = Field(description="first day of a month")
    responsible_user: UserId
    vat_frequency: VatFrequency
    company_groups: list[UUID]
    modules: list[Module]


class CompanyCreated(CompanyFormEvent):
    """A company was added and its data may be retrieved."""

    TYPE = "no.accountflow.company.CompanyCreated.v1"
    created_by: UserId


class CompanyUpdated(CompanyFormEvent):
    """The form says something else than before; this is all of it as it stands now."""

    TYPE = "no.accountflow.company.CompanyUpdated.v1"
    changed: list[str] = Field(min_length=1, description="the names of the fields that differ from before")
    updated_by: UserId


class ReconciliationStartChanged(CompanyEvent):
    """The company's data is reconciled from another month on."""

    TYPE = "no.accountflow.company.ReconciliationStartChanged.v1"
    before: date = Field(description="first day of a month")
    after: date = Field(description="first day of a month")
    changed_by: UserId


class ModulesChanged(CompanyEvent):
    """The company has other modules than before."""

    TYPE = "no.accountflow.company.ModulesChanged.v1"
    added: list[Module]
    removed: list[Module]
    modules: list[Module] = Field(description="all modules from now on")
    changed_by: UserId


class CompanyArchived(CompanyEvent):
    """The work for the company has ended. What is known of it is kept."""

    TYPE = "no.accountflow.company.CompanyArchived.v1"
    archived_by: UserId


class CompanyGroupCreated(Event):
    """A company group exists."""

    TYPE = "no.accountflow.company.CompanyGroupCreated.v1"
    TOPIC = "company-events"
    SUBJECT = "company_group_id"
    company_group_id: UUID
    organization_id: UUID
    name: Name
    created_by: UserId
