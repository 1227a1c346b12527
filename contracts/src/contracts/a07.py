"""Owned by sync-worker: payroll reports (A07), month by month, as Skatteetaten states them. They go the way of the accounting data."""

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field

from contracts.accounting import AccountingData
from contracts.message import Count, Kroner, Moment, Percent, Record
from contracts.sync import A07MonthStatus, A07Sum


class IncomeLine(Record):
    """Reported income of one type."""

    income_type: str
    benefit: str
    amount: Kroner
    employer_contribution_applies: bool


class EmployerContributionLine(Record):
    """Employer's contribution (arbeidsgiveravgift) of one kind, zone and rate. A fixed amount per person has neither base nor rate."""

    kind: str = Field(description="wages, pension, deduction, foreign_rate, foreign_fixed or foreign_deduction")
    zone: str | None
    base: Kroner | None
    rate: Percent | None
    amount: Kroner = Field(description="base times rate, not rounded; negative for a deduction")


class WithholdingLine(Record):
    """Withheld tax (forskuddstrekk) of one type."""

    withholding_type: str = Field(description="such as ordinaert or svalbard; empty when not stated")
    amount: Kroner = Field(description="as stated: negative for tax withheld")


class A07Feedback(StrEnum):
    """What the receiving checks made of a submission (tilbakemelding). Only accepted ones are counted."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_DEVIATIONS = "accepted_with_deviations"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class A07Message(Record):
    """One submission (a-melding) of a month. Its sums carry the sign they were stated with."""

    message_id: str | None
    feedback: A07Feedback
    status: str | None = Field(description="as stated, such as GODKJENT")
    deviations: Count = Field(description="deviations (avvik) that the report lists for it")
    counts: bool = Field(description="whether its sums are in the month's: accepted, and not replaced")
    replaces: str | None = Field(description="the message id it was sent to replace")
    replaced_by: str | None = Field(description="the accepted message that replaced it")
    delivered_at: Moment | None
    withholding_tax: Kroner
    employer_contribution: Kroner
    financial_tax: Kroner


class A07Workplace(Record):
    """One workplace (virksomhet, a sub-unit) of the employer. A list is null when the report does not split it by workplace."""

    organisation_number: str | None
    name: str
    income: list[IncomeLine] | None
    withholding: list[WithholdingLine] | None
    employer_contributions: list[EmployerContributionLine] | None


class A07Employee(Record):
    """What was reported for one income recipient at one workplace."""

    pseudonym: str | None = Field(
        description="stands for the person in every month of this employer; null for those not identified, added up"
    )
    workplace: str | None = Field(description="organisation number of the workplace")
    income: list[IncomeLine]
    withholding_tax: Kroner = Field(description="positive for tax withheld")


class A07Previous(Record):
    """What had been published of the month before, and holds no more."""

    version: Count
    snapshot_at: Moment | None
    verified_at: Moment | None = Field(description="when it last was what Skatteetaten stated; null when it contradicted itself")
    status: A07MonthStatus | None
    counted: list[str] = Field(description="message ids of the submissions that were counted")
    income: list[IncomeLine]
    employer_contributions: list[EmployerContributionLine]
    withholding_tax: Kroner
    employer_contribution: Kroner
    financial_tax: Kroner


class A07ReportRetrieved(AccountingData):
    """The A07 report of one month as Skatteetaten stated it at the snapshot time; a later one replaces it and says what was before."""

    TYPE = "no.accountflow.sync.A07ReportRetrieved.v1"
    month: str = Field(pattern=r"^\d{4}-\d{2}$")
    submitted: bool = Field(description="false when there is no report for the month")
    status: A07MonthStatus | None = Field(None, description="null in messages from before it was told")
    due: date | None = Field(None, description="when the month was or is to be submitted")
    version: Count = Field(1, description="rises by one each time something else is stated of the month")
    snapshot_at: Moment | None
    submissions: Count = Field(description="accepted submissions that are counted")
    income: list[IncomeLine]
    employer_contributions: list[EmployerContributionLine]
    withholding_tax: Kroner = Field(description="forskuddstrekk, positive, whole kroner")
    employer_contribution: Kroner = Field(description="arbeidsgiveravgift, positive, whole kroner")
    financial_tax: Kroner = Field(description="finansskatt på lønn, positive, whole kroner")
    failed_checks: list[str] = Field(description="cross checks of the report that do not hold")
    report: dict[str, Any] = Field(description="the report as received, without person level")
    withholding: list[WithholdingLine] = Field(default_factory=list)
    messages: list[A07Message] = Field(default_factory=list, description="all submissions, also those that are not counted")
    workplaces: list[A07Workplace] = Field(default_factory=list)
    employees: list[A07Employee] = Field(default_factory=list, description="empty unless switched on")
    sums: list[A07Sum] = Field(default_factory=list, description="the cross checks of the report, those that hold and those that do not")
    previous: A07Previous | None = Field(None, description="null for the first that is told of the month")
