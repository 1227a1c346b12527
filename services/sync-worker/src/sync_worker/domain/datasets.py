"""Every data set that is retrieved from Visma, declared. A new one is a declaration here and a table in a migration."""

from typing import Any

from contracts import accounting
from contracts.company import Module
from contracts.sync import DataSet
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import Column, Control, Dataset, amount, day, flag, reference, text
from visma_nxt import tables
from visma_nxt.filters import Filter, gte, not_eq
from visma_nxt.values import date_of, number_of, organisation_number_of

_CLOSED = 4
_COUNTED = "number of rows equal to Visma's own count"


def _closed(value: Any, _: Company) -> bool:
    return bool((value or 0) & _CLOSED)


def _organisation_number(value: Any, _: Company) -> str | None:
    return organisation_number_of(value)


def _began_before_the_start(value: Any, company: Company) -> bool:
    first_day = date_of(value)
    return first_day is not None and first_day < company.reconciliation_start


def _ends_after_the_start(company: Company) -> Filter:
    return gte("toDate", number_of(company.reconciliation_start))


_JOURNAL_KEY = (Column("voucher_journal_no", "voucherJournalNo"), Column("audit_no", "auditNo"))

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
    proof=_COUNTED,
)

LEDGER_LINES = Dataset(
    data_set=DataSet.LEDGER_LINES,
    table=tables.GENERAL_LEDGER_TRANSACTION,
    landing="ledger_line",
    event=accounting.LedgerLinesRetrieved,
    removal=accounting.LedgerLinesRemoved,
    columns=(
        *_JOURNAL_KEY,
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
        Column("org_unit_1", "orgUnit1", reference),
        Column("org_unit_2", "orgUnit2", reference),
    ),
    control=Control(by=("account_no", "year", "period"), amount="amount"),
    proof="sum and number of lines of every account and accounting period equal to Visma's own, every voucher sums to zero",
    by_period=True,
)

_WHOLE = (
    ACCOUNTING_PERIODS,
    Dataset(
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
        proof=_COUNTED,
    ),
    Dataset(
        data_set=DataSet.CUSTOMERS,
        table=tables.ASSOCIATE,
        landing="customer",
        event=accounting.CustomersRetrieved,
        columns=(
            Column("associate_no", "associateNo"),
            Column("customer_no", "customerNo"),
            Column("name", "name", text),
            Column("organisation_number", "companyNo", _organisation_number),
        ),
        where=lambda _: not_eq("customerNo", 0),
        proof=_COUNTED,
    ),
    Dataset(
        data_set=DataSet.SUPPLIERS,
        table=tables.ASSOCIATE,
        landing="supplier",
        event=accounting.SuppliersRetrieved,
        columns=(
            Column("associate_no", "associateNo"),
            Column("supplier_no", "supplierNo"),
            Column("name", "name", text),
            Column("organisation_number", "companyNo", _organisation_number),
        ),
        where=lambda _: not_eq("supplierNo", 0),
        proof=_COUNTED,
    ),
    Dataset(
        data_set=DataSet.OPEN_CUSTOMER_ENTRIES,
        table=tables.OPEN_CUSTOMER_ENTRY,
        landing="open_customer_entry",
        event=accounting.OpenCustomerEntriesRetrieved,
        columns=(
            *_JOURNAL_KEY,
            Column("customer_no", "customerNo"),
            Column("invoice_no", "invoiceNo", text),
            Column("due_date", "dueDate", day),
            Column("outstanding_amount", "outstandingAmountDomestic", amount),
        ),
        control=Control(by=("customer_no",), amount="outstanding_amount"),
        proof="sum and number of open entries of every customer equal to Visma's own",
    ),
    Dataset(
        data_set=DataSet.OPEN_SUPPLIER_ENTRIES,
        table=tables.OPEN_SUPPLIER_ENTRY,
        landing="open_supplier_entry",
        event=accounting.OpenSupplierEntriesRetrieved,
        columns=(
            *_JOURNAL_KEY,
            Column("supplier_no", "supplierNo"),
            Column("invoice_no", "invoiceNo", text),
            Column("due_date", "dueDate", day),
            Column("outstanding_amount", "outstandingAmountDomestic", amount),
        ),
        control=Control(by=("supplier_no",), amount="outstanding_amount"),
        proof="sum and number of open entries of every supplier equal to Visma's own",
    ),
    Dataset(
        data_set=DataSet.VAT_CODES,
        table=tables.TAX_CODE,
        landing="vat_code",
        event=accounting.VatCodesRetrieved,
        columns=(Column("vat_code", "taxCode"), Column("description", "description", text)),
        module=Module.VAT,
        proof=_COUNTED,
    ),
    Dataset(
        data_set=DataSet.VAT_TERMS,
        table=tables.TAX_TERM,
        landing="vat_term",
        event=accounting.VatTermsRetrieved,
        columns=(
            Column("year", "year"),
            Column("term", "taxTerm"),
            Column("first_day", "fromDate", day),
            Column("last_day", "toDate", day),
            Column("partial", "fromDate", _began_before_the_start),
        ),
        where=_ends_after_the_start,
        module=Module.VAT,
        proof=_COUNTED,
    ),
    Dataset(
        data_set=DataSet.CAPITAL_ASSETS,
        table=tables.CAPITAL_ASSET,
        landing="capital_asset",
        event=accounting.CapitalAssetsRetrieved,
        columns=(Column("capital_asset_no", "capitalAssetNo"), Column("description", "description", text)),
        module=Module.ASSETS,
        proof=_COUNTED,
    ),
    Dataset(
        data_set=DataSet.CAPITAL_ASSET_TRANSACTIONS,
        table=tables.CAPITAL_ASSET_TRANSACTION,
        landing="capital_asset_transaction",
        event=accounting.CapitalAssetTransactionsRetrieved,
        columns=(
            *_JOURNAL_KEY,
            Column("capital_asset_no", "capitalAssetNo"),
            Column("year", "year"),
            Column("period", "period"),
            Column("amount", "amountDomestic", amount),
        ),
        module=Module.ASSETS,
        control=Control(by=("capital_asset_no",), amount="amount"),
        proof="sum and number of transactions of every asset equal to Visma's own",
    ),
)

DATASETS: dict[DataSet, Dataset] = {dataset.data_set: dataset for dataset in (*_WHOLE, LEDGER_LINES)}
