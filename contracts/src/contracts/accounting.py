"""Owned by sync-worker: the accounting data itself, in the order it landed. Amounts are exact decimals in NOK, debit positive."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from contracts.message import CompanyMessage, Event, Record
from contracts.sync import Period


class AccountingPeriod(Record):
    """An accounting period of the ledger; 13 is usual for closing entries."""

    year: int
    period: int
    description: str
    first_day: date
    last_day: date
    closed: bool


class LedgerAccount(Record):
    """An account of the chart of accounts."""

    account_no: int
    name: str
    account_group: str
    vat_code: int | None
    profit_and_loss: bool


class LedgerLine(Record):
    """A posted line of the general ledger, identified by journal and audit number."""

    voucher_journal_no: int
    audit_no: int
    account_no: int
    year: int
    period: int
    voucher_no: int
    voucher_type: int
    voucher_date: date | None
    value_date: date | None
    text: str
    amount: Decimal
    currency_no: int | None
    vat_code: int | None
    customer_no: int | None
    supplier_no: int | None
    org_unit_1: int | None
    org_unit_2: int | None


class Customer(Record):
    """A customer in the sales ledger."""

    customer_no: int
    associate_no: int
    name: str
    organisation_number: str | None


class Supplier(Record):
    """A supplier in the purchase ledger."""

    supplier_no: int
    associate_no: int
    name: str
    organisation_number: str | None


class OpenCustomerEntry(Record):
    """An invoice, payment or credit note that is not settled."""

    voucher_journal_no: int
    audit_no: int
    customer_no: int
    invoice_no: str
    due_date: date | None
    outstanding_amount: Decimal


class OpenSupplierEntry(Record):
    """An invoice, payment or credit note that is not settled; negative when we owe the supplier."""

    voucher_journal_no: int
    audit_no: int
    supplier_no: int
    invoice_no: str
    due_date: date | None
    outstanding_amount: Decimal


class VatCode(Record):
    """A tax code of the company."""

    vat_code: int
    description: str


class VatTerm(Record):
    """A VAT term of the company. A term that began before the start date is partial."""

    year: int
    term: int
    first_day: date
    last_day: date
    partial: bool


class CapitalAsset(Record):
    """An asset of the register."""

    capital_asset_no: int
    description: str


class CapitalAssetTransaction(Record):
    """An acquisition, depreciation or disposal."""

    voucher_journal_no: int
    audit_no: int
    capital_asset_no: int
    year: int
    period: int
    amount: Decimal


class IncomeLine(Record):
    """Reported income of one type."""

    income_type: str
    benefit: str
    amount: Decimal
    employer_contribution_applies: bool


class EmployerContributionLine(Record):
    """Employer's contribution (arbeidsgiveravgift) of one kind, zone and rate. A fixed amount per person has neither base nor rate."""

    kind: str = Field(description="wages, pension, deduction, foreign_rate, foreign_fixed or foreign_deduction")
    zone: str | None
    base: Decimal | None
    rate: Decimal | None = Field(description="percent")
    amount: Decimal = Field(description="base times rate, not rounded; negative for a deduction")


class AccountingData(CompanyMessage, Event):
    """Rows that landed together. They may come again in a later message with newer content; the row's key tells."""

    TOPIC = "accounting-data"
    visma_company_id: int


class AccountingPeriodsRetrieved(AccountingData):
    """Accounting periods as the ledger defines them."""

    TYPE = "no.accountflow.sync.AccountingPeriodsRetrieved.v1"
    rows: list[AccountingPeriod]


class LedgerAccountsRetrieved(AccountingData):
    """Chart of accounts."""

    TYPE = "no.accountflow.sync.LedgerAccountsRetrieved.v1"
    rows: list[LedgerAccount]


class LedgerLinesRetrieved(AccountingData):
    """Posted lines of one reconciliation period."""

    TYPE = "no.accountflow.sync.LedgerLinesRetrieved.v1"
    period: Period
    rows: list[LedgerLine]


class LedgerLinesRemoved(AccountingData):
    """Lines that were retrieved before and that Visma no longer has."""

    TYPE = "no.accountflow.sync.LedgerLinesRemoved.v1"
    period: Period
    rows: list[LedgerLine]


class CustomersRetrieved(AccountingData):
    """Customers."""

    TYPE = "no.accountflow.sync.CustomersRetrieved.v1"
    rows: list[Customer]


class SuppliersRetrieved(AccountingData):
    """Suppliers."""

    TYPE = "no.accountflow.sync.SuppliersRetrieved.v1"
    rows: list[Supplier]


class OpenCustomerEntriesRetrieved(AccountingData):
    """Open entries of the sales ledger."""

    TYPE = "no.accountflow.sync.OpenCustomerEntriesRetrieved.v1"
    rows: list[OpenCustomerEntry]


class OpenSupplierEntriesRetrieved(AccountingData):
    """Open entries of the purchase ledger."""

    TYPE = "no.accountflow.sync.OpenSupplierEntriesRetrieved.v1"
    rows: list[OpenSupplierEntry]


class VatCodesRetrieved(AccountingData):
    """Tax codes."""

    TYPE = "no.accountflow.sync.VatCodesRetrieved.v1"
    rows: list[VatCode]


class VatTermsRetrieved(AccountingData):
    """VAT terms that touch the time from the start date on."""

    TYPE = "no.accountflow.sync.VatTermsRetrieved.v1"
    rows: list[VatTerm]


class CapitalAssetsRetrieved(AccountingData):
    """The asset register."""

    TYPE = "no.accountflow.sync.CapitalAssetsRetrieved.v1"
    rows: list[CapitalAsset]


class CapitalAssetTransactionsRetrieved(AccountingData):
    """Transactions of the asset register."""

    TYPE = "no.accountflow.sync.CapitalAssetTransactionsRetrieved.v1"
    rows: list[CapitalAssetTransaction]


class A07ReportRetrieved(AccountingData):
    """The A07 report of one month as Skatteetaten stated it at the snapshot time; a later one replaces it."""

    TYPE = "no.accountflow.sync.A07ReportRetrieved.v1"
    month: str = Field(pattern=r"^\d{4}-\d{2}$")
    submitted: bool = Field(description="false when nothing was submitted for the month")
    snapshot_at: datetime | None
    submissions: int = Field(description="accepted submissions that are counted")
    income: list[IncomeLine]
    employer_contributions: list[EmployerContributionLine]
    withholding_tax: Decimal = Field(description="forskuddstrekk, positive, whole kroner")
    employer_contribution: Decimal = Field(description="arbeidsgiveravgift, positive, whole kroner")
    financial_tax: Decimal = Field(description="finansskatt på lønn, positive, whole kroner")
    failed_checks: list[str] = Field(description="cross checks of the report that do not hold")
    report: dict[str, Any] = Field(description="the report as received, without person level")
