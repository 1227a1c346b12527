"""Owned by sync-worker: the accounting data itself, in the order it landed. Amounts are exact decimals, debit positive."""

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import Field

from contracts.message import CompanyMessage, Count, Event, Kroner, Number, Percent, Record, VismaCompanyId
from contracts.sync import DataSet, Period

_BEFORE = "what those of the rows were that had been published before and changed since; the key tells which"


class AccountingPeriod(Record):
    """An accounting period of the ledger; 13 is usual for closing entries."""

    year: Number
    period: Number
    description: str
    first_day: date
    last_day: date
    closed: bool


class LedgerAccount(Record):
    """An account of the chart of accounts."""

    account_no: Number
    name: str
    account_group: str
    vat_code: Number | None
    profit_and_loss: bool


class AccountGroup(Record):
    """A group of accounts; an account names the group it belongs to."""

    account_group: str
    name: str


class LedgerLine(Record):
    """A posted line of the general ledger, identified by journal and audit number."""

    voucher_journal_no: Number
    audit_no: Number
    account_no: Number
    year: Number
    period: Number
    voucher_no: Number
    voucher_type: Number
    voucher_date: date | None
    value_date: date | None
    text: str
    amount: Kroner
    currency_no: Number | None
    vat_code: Number | None
    customer_no: Number | None
    supplier_no: Number | None
    org_unit_1: Number | None
    org_unit_2: Number | None
    exchange_rate: Decimal | None = Field(None, description="as Visma states it")
    amount_in_currency: Decimal | None = Field(None, description="in the currency of the line; in kroner when that has no number")
    invoice_no: str | None = Field(None, description="the document the line belongs to")
    due_date: date | None = None
    origin: Number | None = Field(None, description="where the line was made, by Visma's numbers: by hand, invoicing, payroll")
    org_unit_3: Number | None = Field(None, description="dimensions that the company does not use are null throughout")
    org_unit_4: Number | None = None
    org_unit_5: Number | None = None
    org_unit_6: Number | None = None
    org_unit_7: str | None = None
    org_unit_8: str | None = None
    org_unit_9: str | None = None
    org_unit_10: str | None = None
    org_unit_11: str | None = None
    org_unit_12: str | None = None


class OpeningBalance(Record):
    """What was posted to an account in one ledger year before the start date. Balance accounts go on from year to year, others do not."""

    account_no: Number
    year: Number
    lines: Count
    balance: Kroner


class Customer(Record):
    """A customer in the sales ledger."""

    customer_no: Number
    associate_no: Number
    name: str
    organisation_number: str | None


class Supplier(Record):
    """A supplier in the purchase ledger."""

    supplier_no: Number
    associate_no: Number
    name: str
    organisation_number: str | None


class OpenCustomerEntry(Record):
    """An invoice, payment or credit note that is not settled."""

    voucher_journal_no: Number
    audit_no: Number
    customer_no: Number
    invoice_no: str
    due_date: date | None
    outstanding_amount: Kroner
    currency_no: Number | None = Field(None, description="null for kroner")


class OpenSupplierEntry(Record):
    """An invoice, payment or credit note that is not settled; negative when we owe the supplier."""

    voucher_journal_no: Number
    audit_no: Number
    supplier_no: Number
    invoice_no: str
    due_date: date | None
    outstanding_amount: Kroner
    currency_no: Number | None = Field(None, description="null for kroner")


class CustomerTransaction(Record):
    """An invoice (positive), payment or credit note (negative) of the sales ledger, settled or not."""

    voucher_journal_no: Number
    audit_no: Number
    customer_no: Number
    invoice_no: str
    voucher_no: Number
    voucher_date: date | None
    due_date: date | None
    amount: Kroner
    outstanding_amount: Kroner = Field(description="what was not settled when the row was retrieved")
    text: str | None = None
    currency_no: Number | None = Field(None, description="null for kroner")
    exchange_rate: Decimal | None = Field(None, description="as Visma states it")
    amount_in_currency: Decimal | None = Field(None, description="in the currency of the row")
    outstanding_amount_in_currency: Decimal | None = Field(None, description="in the currency of the row")


class SupplierTransaction(Record):
    """An invoice (negative), payment or credit note (positive) of the purchase ledger, settled or not."""

    voucher_journal_no: Number
    audit_no: Number
    supplier_no: Number
    invoice_no: str
    voucher_no: Number
    voucher_date: date | None
    due_date: date | None
    amount: Kroner
    outstanding_amount: Kroner = Field(description="what was not settled when the row was retrieved")
    text: str | None = None
    currency_no: Number | None = Field(None, description="null for kroner")
    exchange_rate: Decimal | None = Field(None, description="as Visma states it")
    amount_in_currency: Decimal | None = Field(None, description="in the currency of the row")
    outstanding_amount_in_currency: Decimal | None = Field(None, description="in the currency of the row")


class VoucherSeries(Record):
    """A series of voucher numbers. A voucher number is unique within its series only."""

    voucher_series_no: Number
    name: str
    last_voucher_no: Number = Field(description="end of the range")
    next_voucher_no: Number = Field(description="the number the next voucher gets")


class VoucherType(Record):
    """A kind of voucher; the numbers are the company's own."""

    voucher_type: Number
    name: str


class UnpostedVouchers(Record):
    """What is entered in batches and not posted, by the accounting period that its value date falls in. Zeros when all of it is posted."""

    year: Number = Field(description="ledger year; that of the value date when no accounting period holds it, 0 without a value date")
    period: Number = Field(description="accounting period, 0 when none holds the value date")
    batches: Count
    vouchers: Count = Field(description="lines of the batches")
    amount: Kroner = Field(description="sum of the amounts as entered, each line once")


class OrgUnit(Record):
    """A value of a dimension, such as a department or a project."""

    dimension: Number = Field(description="1 to 12, as in org_unit_1 to org_unit_12 of a ledger line")
    org_unit: Number | None = Field(description="the number that lines refer to in dimensions 1 to 6; null in 7 to 12")
    code: str | None = Field(None, description="the same as text, which lines refer to in dimensions 7 to 12")
    name: str


class VatCode(Record):
    """A tax code of the company."""

    vat_code: Number
    description: str
    rate: Percent | None = None
    standard_code: str | None = Field(None, description="SAF-T standard tax code, the mvaKode of the return")
    account_no: Number | None = Field(None, description="ledger account of the VAT; null for a code without VAT")


class VatTerm(Record):
    """A VAT term of the company. A term that began before the start date is partial."""

    year: Number
    term: Number
    first_day: date
    last_day: date
    partial: bool


class VatFigure(Record):
    """What one tax code came to in one VAT term (mvatermin), by the value date of the lines.

    Debit positive: for the return, turn the sign of both (output VAT, a credit, is positive there, input VAT negative).
    """

    year: Number
    term: Number
    vat_code: Number
    standard_code: str | None = Field(description="SAF-T standard tax code, the mvaKode of the return; null when the register has none")
    rate: Percent | None
    base: Kroner = Field(description="lines with the code on other accounts than that of its VAT (grunnlag)")
    vat: Kroner = Field(description="lines with the code on the account of its VAT (merverdiavgift)")
    lines: Count
    partial: bool = Field(description="the term began before the start date: lines of earlier accounting periods are missing")


class AccountingData(CompanyMessage, Event):
    """Rows that landed together. They may come again in a later message with newer content; the row's key tells."""

    TOPIC = "accounting-data"
    visma_company_id: VismaCompanyId


class RowsRemoved(AccountingData):
    """Rows that were retrieved before and that Visma no longer has. Lines of the ledger have a message of their own."""

    TYPE = "no.accountflow.sync.RowsRemoved.v1"
    data_set: DataSet
    rows: list[dict[str, Any]] = Field(description="as they were last published, field by field")


class AccountingPeriodsRetrieved(AccountingData):
    """Accounting periods as the ledger defines them."""

    TYPE = "no.accountflow.sync.AccountingPeriodsRetrieved.v1"
    rows: list[AccountingPeriod]


class LedgerAccountsRetrieved(AccountingData):
    """Chart of accounts."""

    TYPE = "no.accountflow.sync.LedgerAccountsRetrieved.v1"
    rows: list[LedgerAccount]


class AccountGroupsRetrieved(AccountingData):
    """Groups of the chart of accounts."""

    TYPE = "no.accountflow.sync.AccountGroupsRetrieved.v1"
    rows: list[AccountGroup]


class LedgerLinesRetrieved(AccountingData):
    """Posted lines of one reconciliation period."""

    TYPE = "no.accountflow.sync.LedgerLinesRetrieved.v1"
    period: Period
    rows: list[LedgerLine]
    before: list[LedgerLine] = Field(default_factory=list, description=_BEFORE)


class OpeningBalancesRetrieved(AccountingData):
    """Visma's own sums of everything before the start date."""

    TYPE = "no.accountflow.sync.OpeningBalancesRetrieved.v1"
    rows: list[OpeningBalance]


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


class CustomerTransactionsRetrieved(AccountingData):
    """The sales ledger from the start date on, by voucher date."""

    TYPE = "no.accountflow.sync.CustomerTransactionsRetrieved.v1"
    rows: list[CustomerTransaction]
    before: list[CustomerTransaction] = Field(default_factory=list, description=_BEFORE)


class SupplierTransactionsRetrieved(AccountingData):
    """The purchase ledger from the start date on, by voucher date."""

    TYPE = "no.accountflow.sync.SupplierTransactionsRetrieved.v1"
    rows: list[SupplierTransaction]
    before: list[SupplierTransaction] = Field(default_factory=list, description=_BEFORE)


class VoucherSeriesRetrieved(AccountingData):
    """Voucher series."""

    TYPE = "no.accountflow.sync.VoucherSeriesRetrieved.v1"
    rows: list[VoucherSeries]


class VoucherTypesRetrieved(AccountingData):
    """Voucher types."""

    TYPE = "no.accountflow.sync.VoucherTypesRetrieved.v1"
    rows: list[VoucherType]


class UnpostedVouchersFound(AccountingData):
    """A warning for whoever reconciles these periods: the ledger is not complete yet. It holds nothing up."""

    TYPE = "no.accountflow.sync.UnpostedVouchersFound.v1"
    rows: list[UnpostedVouchers]


class OrgUnitsRetrieved(AccountingData):
    """The values of all dimensions in use."""

    TYPE = "no.accountflow.sync.OrgUnitsRetrieved.v1"
    rows: list[OrgUnit]


class VatCodesRetrieved(AccountingData):
    """Tax codes."""

    TYPE = "no.accountflow.sync.VatCodesRetrieved.v1"
    rows: list[VatCode]


class VatTermsRetrieved(AccountingData):
    """VAT terms that touch the time from the start date on."""

    TYPE = "no.accountflow.sync.VatTermsRetrieved.v1"
    rows: list[VatTerm]


class VatFiguresCalculated(AccountingData):
    """Figures of the VAT return from landed lines that agree with Visma's own sums by term, tax code and account."""

    TYPE = "no.accountflow.sync.VatFiguresCalculated.v1"
    rows: list[VatFigure]
