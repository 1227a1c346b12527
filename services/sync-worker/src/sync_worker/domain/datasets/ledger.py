"""The ledger: its periods, its accounts, its lines."""

from typing import Any

from contracts import accounting
from contracts.sync import DataSet
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import COUNTED, JOURNAL_KEY, Column, Control, Dataset, amount, day, flag, reference, text
from visma_nxt import tables

_CLOSED = 4


def _closed(value: Any, _: Company) -> bool:
    return bool((value or 0) & _CLOSED)


ACCOUNTING_PERIODS = Dataset(
    data_set=DataSet.ACCOUNTING_PERIODS,
    table=tables.ACCOUNTING_PERIOD,
    landing="accounting_period",
    event=accounting.AccountingPeriodsRetrieved,
    columns=(
        Column("year", "year"),
        Column("period", "period"),
        Column("description", "description", text),
        Column("first_day", "fromDate", day),
        Column("last_day", "toDate", day),
        Column("closed", "accountingPeriodProcessing", _closed),
    ),
    proof=COUNTED,
)

LEDGER_LINES = Dataset(
    data_set=DataSet.LEDGER_LINES,
    table=tables.GENERAL_LEDGER_TRANSACTION,
    landing="ledger_line",
    event=accounting.LedgerLinesRetrieved,
    removal=accounting.LedgerLinesRemoved,
    columns=(
        *JOURNAL_KEY,
        Column("account_no", "accountNo"),
        Column("year", "year"),
        Column("period", "period"),
        Column("voucher_no", "voucherNo"),
        Column("voucher_type", "voucherType"),
        Column("voucher_date", "voucherDate", day),
        Column("value_date", "valueDate", day),
        Column("text", "text", text),
        Column("amount", "postedAmountDomestic", amount),
        Column("currency_no", "currencyNo", reference),
        Column("vat_code", "taxCode", reference),
        Column("customer_no", "customerNo", reference),
        Column("supplier_no", "supplierNo", reference),
        Column("exchange_rate", "exchangeRate"),
        Column("amount_in_currency", "amountInCurrency"),
        Column("invoice_no", "invoiceNo", reference),
        Column("due_date", "dueDate", day),
        Column("origin", "origin"),
        *(Column(f"org_unit_{dimension}", f"orgUnit{dimension}", reference) for dimension in range(1, 13)),
    ),
    control=Control(by=("account_no", "year", "period"), amount="amount"),
    proof="sum and number of lines of every account and accounting period equal to Visma's own, every voucher sums to zero",
    by_period=True,
)

LEDGER_ACCOUNTS = Dataset(
    data_set=DataSet.LEDGER_ACCOUNTS,
    table=tables.GENERAL_LEDGER_ACCOUNT,
    landing="ledger_account",
    event=accounting.LedgerAccountsRetrieved,
    columns=(
        Column("account_no", "accountNo"),
        Column("name", "name", text),
        Column("account_group", "accountGroup", text),
        Column("vat_code", "taxCode", reference),
        Column("profit_and_loss", "profitAndLossAccount", flag),
    ),
    proof=COUNTED,
)

ACCOUNT_GROUPS = Dataset(
    data_set=DataSet.ACCOUNT_GROUPS,
    table=tables.ACCOUNT_GROUP,
    landing="account_group",
    event=accounting.AccountGroupsRetrieved,
    columns=(
        Column("account_group", "accountGroup"),
        Column("name", "name", text),
    ),
    proof=COUNTED,
)
