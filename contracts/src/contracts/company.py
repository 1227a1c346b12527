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


class CompanyEvent(CompanyMessage, Event):
    """Facts about companies, kept for good."""

    TOPIC = "company-events"


class AddVismaCompany(CompanyMessage, Command):
    """The company form, saved. The company id is made by the sender; the Visma company must stand in the list last published."""

    TYPE = "no.accountflow.company.AddVismaCompany.v1"
    TOPIC = "company-commands"
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


class CreateCompanyGroup(Command):
    """Create a group that companies of the organisation can be put in. The id is made by the sender."""

    TYPE = "no.accountflow.company.CreateCompanyGroup.v1"
    TOPIC = "company-commands"
    SUBJECT = "company_group_id"
    company_group_id: UUID
    organization_id: UUID
    name: Name


class CompanyCreated(CompanyEvent):
    """A company was added and its data may be retrieved."""

    TYPE = "no.accountflow.company.CompanyCreated.v1"
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
    created_by: UserId


class CompanyGroupCreated(Event):
    """A company group exists."""

    TYPE = "no.accountflow.company.CompanyGroupCreated.v1"
    TOPIC = "company-events"
    SUBJECT = "company_group_id"
    company_group_id: UUID
    organization_id: UUID
    name: Name
    created_by: UserId
