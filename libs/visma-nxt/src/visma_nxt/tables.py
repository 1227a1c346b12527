"""The tables of Business NXT that we read, declared once: key, columns, and which columns are dates or amounts.

Only columns that some feature uses are asked for, because one unknown column fails the whole query. A comment marks
what has not been confirmed against Visma's own words; the rest is documented by Visma or seen in working
integrations.
"""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`name` is the field on `useCompany`; `columns` begin with the primary key.

    `dates` are integers like 20260131, 0 when unset (`values.date_of` reads them); `amounts` arrive as Decimal.

    With `parts` it stands for several tables of one shape that are read together, in one document: its first column is
    the number of the part, from 1, and the others are what the parts' columns, in their order, are called here.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    dates: frozenset[str] = frozenset()
    amounts: frozenset[str] = frozenset()
    parts: tuple["Table", ...] = ()

    def __post_init__(self) -> None:
        if self.columns[: len(self.key)] != self.key or not self.dates | self.amounts <= {*self.columns}:
            raise ValueError(f"{self.name}: the columns must begin with the key and hold all dates and amounts")

    @property
    def type_name(self) -> str:
        return self.name[0].upper() + self.name[1:]


GENERAL_LEDGER_ACCOUNT: Final = Table(
    name="generalLedgerAccount",
    key=("accountNo",),
    columns=("accountNo", "name", "accountGroup", "taxCode", "profitAndLossAccount", "currencyNo", "changedTimestamp"),
)

# The name is unconfirmed.
ACCOUNT_GROUP: Final = Table(name="accountGroup", key=("accountGroup",), columns=("accountGroup", "name"))

# Key and toDate by analogy. A year may have more periods than months: 13 is usual for the year-end entries.
ACCOUNTING_PERIOD: Final = Table(
    name="accountingPeriod",
    key=("year", "period"),
    columns=("year", "period", "description", "fromDate", "toDate", "accountingPeriodProcessing"),
    dates=frozenset({"fromDate", "toDate"}),
)

# Amounts are signed: debit positive, credit negative. A voucher number is unique within its series only, and the
# period does not follow from the date; the value date decides the VAT term. Unconfirmed: supplierNo, taxCode,
# amountInCurrency, invoiceNo, dueDate; period, valueDate, currencyNo and exchangeRate are from the older product.
GENERAL_LEDGER_TRANSACTION: Final = Table(
    name="generalLedgerTransaction",
    key=("voucherJournalNo", "auditNo"),
    columns=(
        "voucherJournalNo",
        "auditNo",
        "accountNo",
        "year",
        "period",
        "voucherNo",
        "voucherType",
        "voucherDate",
        "valueDate",
        "text",
        "postedAmountDomestic",
        "currencyNo",
        "exchangeRate",
        "amountInCurrency",
        "taxCode",
        "customerNo",
        "supplierNo",
        "invoiceNo",
        "dueDate",
        "origin",
        *(f"orgUnit{dimension}" for dimension in range(1, 13)),
        "changedTimestamp",
    ),
    dates=frozenset({"voucherDate", "valueDate", "dueDate"}),
    amounts=frozenset({"postedAmountDomestic", "exchangeRate", "amountInCurrency"}),
)

# Customers and suppliers in one register: customerNo or supplierNo is 0 for who is not in that role. companyNo is the
# organisation number, a text.
ASSOCIATE: Final = Table(
    name="associate",
    key=("associateNo",),
    columns=("associateNo", "customerNo", "supplierNo", "name", "companyNo", "changedTimestamp"),
)

# Rows disappear when they are settled, so these two are always read whole.
OPEN_CUSTOMER_ENTRY: Final = Table(
    name="openCustomerEntry",
    key=("voucherJournalNo", "auditNo"),
    columns=(
        "voucherJournalNo",
        "auditNo",
        "customerNo",
        "invoiceNo",
        "dueDate",
        "currencyNo",
        "outstandingAmountDomestic",
    ),
    dates=frozenset({"dueDate"}),
    amounts=frozenset({"outstandingAmountDomestic"}),
)

# All by analogy with customers. Negative when we owe money.
OPEN_SUPPLIER_ENTRY: Final = Table(
    name="openSupplierEntry",
    key=("voucherJournalNo", "auditNo"),
    columns=(
        "voucherJournalNo",
        "auditNo",
        "supplierNo",
        "invoiceNo",
        "dueDate",
        "currencyNo",
        "outstandingAmountDomestic",
    ),
    dates=frozenset({"dueDate"}),
    amounts=frozenset({"outstandingAmountDomestic"}),
)

# The customer ledger: every invoice, payment and credit note, settled ones too. The amounts in currency, the rate and
# the text are from the older product. Unconfirmed: all of the second one.
CUSTOMER_TRANSACTION: Final = Table(
    name="customerTransaction",
    key=("voucherJournalNo", "auditNo"),
    columns=(
        "voucherJournalNo",
        "auditNo",
        "customerNo",
        "invoiceNo",
        "voucherNo",
        "voucherDate",
        "dueDate",
        "text",
        "amountDomestic",
        "outstandingAmountDomestic",
        "currencyNo",
        "exchangeRate",
        "amountInCurrency",
        "outstandingAmountInCurrency",
        "changedTimestamp",
    ),
    dates=frozenset({"voucherDate", "dueDate"}),
    amounts=frozenset({"amountDomestic", "outstandingAmountDomestic", "exchangeRate", "amountInCurrency", "outstandingAmountInCurrency"}),
)
SUPPLIER_TRANSACTION: Final = replace(
    CUSTOMER_TRANSACTION,
    name="supplierTransaction",
    columns=tuple("supplierNo" if column == "customerNo" else column for column in CUSTOMER_TRANSACTION.columns),
)

VOUCHER_SERIES: Final = Table(
    name="voucherSeries", key=("voucherSeriesNo",), columns=("voucherSeriesNo", "name", "lastVoucherNo", "nextVoucherNo")
)

# Key and name unconfirmed. The numbers are each installation's own.
VOUCHER_TYPE: Final = Table(name="voucherType", key=("voucherTypeNo",), columns=("voucherTypeNo", "name"))

# What is entered and not posted; posting takes it away from here. The key is unconfirmed.
VOUCHER: Final = Table(
    name="voucher",
    key=("batchNo", "lineNo"),
    columns=("batchNo", "lineNo", "valueDate", "amountDomestic"),
    dates=frozenset({"valueDate"}),
    amounts=frozenset({"amountDomestic"}),
)

# Dimensions. Which one means department or project differs per company, and most companies use few of the twelve: read
# together, those without a value cost nothing. The keys of 1 to 6 are numbers, of 7 to 12 texts.
ORG_UNITS: Final = tuple(
    Table(name=f"orgUnit{dimension}", key=(f"orgUnit{dimension}No",), columns=(f"orgUnit{dimension}No", "name"))
    for dimension in range(1, 13)
)
ORG_UNIT: Final = Table(name="orgUnit", key=("dimension", "orgUnitNo"), columns=("dimension", "orgUnitNo", "name"), parts=ORG_UNITS)

# Unconfirmed: all but key and description. saftTaxCode is the standard code of the VAT return.
TAX_CODE: Final = Table(
    name="taxCode",
    key=("taxCode",),
    columns=("taxCode", "description", "taxRate", "saftTaxCode", "accountNo"),
    amounts=frozenset({"taxRate"}),
)

# The VAT period of the user's screens. Key and toDate unconfirmed.
TAX_TERM: Final = Table(
    name="taxTerm",
    key=("year", "taxTerm"),
    columns=("year", "taxTerm", "mainTaxTerm", "fromDate", "toDate", "explanation"),
    dates=frozenset({"fromDate", "toDate"}),
)

# The asset tables exist; every column is unconfirmed.
CAPITAL_ASSET: Final = Table(
    name="capitalAsset",
    key=("capitalAssetNo",),
    columns=(
        "capitalAssetNo",
        "description",
        "capitalAssetGroup",
        "acquisitionDate",
        "acquisitionCost",
        "accountNo",
        "depreciationAccountNo",
        "changedTimestamp",
    ),
    dates=frozenset({"acquisitionDate"}),
    amounts=frozenset({"acquisitionCost"}),
)
CAPITAL_ASSET_GROUP: Final = Table(name="capitalAssetGroup", key=("capitalAssetGroupNo",), columns=("capitalAssetGroupNo", "description"))
CAPITAL_ASSET_BALANCE: Final = Table(
    name="capitalAssetBalance",
    key=("capitalAssetNo", "year"),
    columns=("capitalAssetNo", "year", "acquisitionCost", "accumulatedDepreciation", "bookValue"),
    amounts=frozenset({"acquisitionCost", "accumulatedDepreciation", "bookValue"}),
)
CAPITAL_ASSET_TRANSACTION: Final = Table(
    name="capitalAssetTransaction",
    key=("voucherJournalNo", "auditNo"),
    columns=(
        "voucherJournalNo",
        "auditNo",
        "capitalAssetNo",
        "accountNo",
        "year",
        "period",
        "voucherDate",
        "amountDomestic",
        "changedTimestamp",
    ),
    dates=frozenset({"voucherDate"}),
    amounts=frozenset({"amountDomestic"}),
)

TABLES: Final = (
    GENERAL_LEDGER_ACCOUNT,
    ACCOUNT_GROUP,
    ACCOUNTING_PERIOD,
    GENERAL_LEDGER_TRANSACTION,
    ASSOCIATE,
    OPEN_CUSTOMER_ENTRY,
    OPEN_SUPPLIER_ENTRY,
    CUSTOMER_TRANSACTION,
    SUPPLIER_TRANSACTION,
    VOUCHER,
    VOUCHER_SERIES,
    VOUCHER_TYPE,
    *ORG_UNITS,
    TAX_CODE,
    TAX_TERM,
    CAPITAL_ASSET,
    CAPITAL_ASSET_GROUP,
    CAPITAL_ASSET_BALANCE,
    CAPITAL_ASSET_TRANSACTION,
)
