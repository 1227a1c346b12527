"""The A07 report of one organisation and one month: what Skatteetaten received, summed for the company.

Sums per company and workplace; the persons behind them are not part of these models, but for their amounts under a
pseudonym where the settings hold a key for it. All amounts are kroner as exact decimals. The three totals are positive
for an amount to pay; a ledger carries them as credit.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Payment(_Frozen):
    """Where and when the sums of one submission are paid; the KID differs per kind."""

    account: str | None = None
    withholding_tax_kid: str | None = None
    employer_contribution_kid: str | None = None
    financial_tax_kid: str | None = None
    due: date | None = None


Feedback = Literal["accepted", "accepted_with_deviations", "rejected", "unknown"]


class Submission(_Frozen):
    """One a-melding (innsending) for the month. Its three sums carry the sign they were stated with.

    `counts` is true for an accepted message that no other accepted one replaces. An unknown `status` does not count.
    `feedback` is what the receiving checks made of it (tilbakemelding), read from `status` and from the number of
    `deviations` (avvik) that the report lists for it.
    """

    message_id: str | None = None
    replaces: str | None = Field(default=None, description="the message id in erstatterMeldingsId")
    replaced_by: str | None = Field(default=None, description="the accepted message that names this one in erstatterMeldingsId")
    status: str | None = None
    feedback: Feedback = "unknown"
    deviations: int = 0
    counts: bool
    source_system: str | None = None
    altinn_reference: str | None = None
    delivered_at: datetime | None = None
    recipients: int | None = None
    withholding_tax: Decimal = Decimal(0)
    employer_contribution: Decimal = Decimal(0)
    financial_tax: Decimal = Decimal(0)
    payment: Payment = Payment()


class IncomeLine(_Frozen):
    """`kind` is loennsinntekt, ytelseFraOffentlige, pensjonEllerTrygd or naeringsinntekt; `type` is its beskrivelse.

    Types are open text: the list grows every year.
    """

    kind: str | None = None
    type: str | None = None
    benefit: str | None = Field(default=None, description="fordel: kontantytelse, naturalytelse, utgiftsgodtgjoerelse")
    amount: Decimal
    count: Decimal | None = None
    subject_to_employer_contribution: bool
    subject_to_withholding: bool
    tax_rule: str | None = None


class WithholdingLine(_Frozen):
    """`amount` as stated: negative for tax withheld."""

    type: str | None = None
    amount: Decimal


EmployerContributionKind = Literal["wages", "pension", "deduction", "foreign_rate", "foreign_fixed", "foreign_deduction"]


class EmployerContributionLine(_Frozen):
    """One zone's base (arbeidsgiveravgift). `rate` is in percent.

    `amount` is base × rate / 100, negative for a deduction, and not rounded: how Skatteetaten rounds each line is not
    published, so only the month's total is an amount to pay. For a fixed amount per person base and rate are absent.
    """

    kind: EmployerContributionKind
    calculation_code: str | None = None
    zone: str | None = None
    base: Decimal | None = None
    rate: Decimal | None = None
    amount: Decimal


class RecipientSums(_Frozen):
    """What the income recipients (inntektsmottaker) of one workplace add up to."""

    income: tuple[IncomeLine, ...]
    withholding: tuple[WithholdingLine, ...]


class Workplace(_Frozen):
    """One virksomhet. A figure is None when the report does not split it by workplace, `recipients` when it lists none."""

    organisation_number: str | None = None
    name: str | None = None
    income: tuple[IncomeLine, ...] | None = None
    withholding: tuple[WithholdingLine, ...] | None = None
    employer_contribution: tuple[EmployerContributionLine, ...] | None = None
    recipients: RecipientSums | None = None


class Employee(_Frozen):
    """One income recipient at one workplace. `pseudonym` is the same in every month and None for those who are not identified, added up.

    `withholding_tax` is positive for tax withheld.
    """

    pseudonym: str | None
    workplace: str | None
    income: tuple[IncomeLine, ...]
    withholding_tax: Decimal


class Totals(_Frozen):
    withholding_tax: Decimal
    employer_contribution: Decimal
    financial_tax: Decimal


class A07Report(_Frozen):
    """One snapshot: the same month asked for later may differ, because messages are added and replaced.

    `raw` is the body it was read from, without the persons: a reconciliation needs none of them. Figures that only the
    recipients carried can therefore not be read from `raw` a second time. `employees` is empty unless the settings hold
    a key for their pseudonyms.
    """

    organisation_number: str
    month: str
    name: str | None = None
    snapshot_at: datetime
    recipients: int | None = None
    submissions: tuple[Submission, ...]
    income: tuple[IncomeLine, ...]
    withholding: tuple[WithholdingLine, ...]
    employer_contribution: tuple[EmployerContributionLine, ...]
    workplaces: tuple[Workplace, ...]
    employees: tuple[Employee, ...] = ()
    totals: Totals
    raw: bytes = Field(repr=False)
