"""The customers' and the suppliers' ledgers, and what is open in them."""

from contracts import accounting
from contracts.sync import DataSet
from sync_worker.domain.dataset import JOURNAL_KEY, Column, Control, Dataset, amount, day, reference, text
from visma_nxt import tables

_TRANSACTION = (
    Column("invoice_no", "invoiceNo", text),
    Column("voucher_no", "voucherNo"),
    Column("voucher_date", "voucherDate", day),
    Column("due_date", "dueDate", day),
    Column("amount", "amountDomestic", amount),
    Column("outstanding_amount", "outstandingAmountDomestic", amount),
    Column("text", "text", text),
    Column("currency_no", "currencyNo", reference),
    Column("exchange_rate", "exchangeRate"),
    Column("amount_in_currency", "amountInCurrency"),
    Column("outstanding_amount_in_currency", "outstandingAmountInCurrency"),
)

OPEN_CUSTOMER_ENTRIES = Dataset(
    data_set=DataSet.OPEN_CUSTOMER_ENTRIES,
    table=tables.OPEN_CUSTOMER_ENTRY,
    landing="open_customer_entry",
    event=accounting.OpenCustomerEntriesRetrieved,
    columns=(
        *JOURNAL_KEY,
        Column("customer_no", "customerNo"),
        Column("invoice_no", "invoiceNo", text),
        Column("due_date", "dueDate", day),
        Column("outstanding_amount", "outstandingAmountDomestic", amount),
        Column("currency_no", "currencyNo", reference),
    ),
    control=Control(by=("customer_no",), amount="outstanding_amount"),
    proof="sum and number of open entries of every customer equal to Visma's own",
)

OPEN_SUPPLIER_ENTRIES = Dataset(
    data_set=DataSet.OPEN_SUPPLIER_ENTRIES,
    table=tables.OPEN_SUPPLIER_ENTRY,
    landing="open_supplier_entry",
    event=accounting.OpenSupplierEntriesRetrieved,
    columns=(
        *JOURNAL_KEY,
        Column("supplier_no", "supplierNo"),
        Column("invoice_no", "invoiceNo", text),
        Column("due_date", "dueDate", day),
        Column("outstanding_amount", "outstandingAmountDomestic", amount),
        Column("currency_no", "currencyNo", reference),
    ),
    control=Control(by=("supplier_no",), amount="outstanding_amount"),
    proof="sum and number of open entries of every supplier equal to Visma's own",
)

CUSTOMER_TRANSACTIONS = Dataset(
    data_set=DataSet.CUSTOMER_TRANSACTIONS,
    table=tables.CUSTOMER_TRANSACTION,
    landing="customer_transaction",
    event=accounting.CustomerTransactionsRetrieved,
    columns=(*JOURNAL_KEY, Column("customer_no", "customerNo"), *_TRANSACTION),
    since="voucher_date",
    control=Control(by=("customer_no",), amount="amount"),
    proof="sum and number of transactions of every customer since the start equal to Visma's own",
)

SUPPLIER_TRANSACTIONS = Dataset(
    data_set=DataSet.SUPPLIER_TRANSACTIONS,
    table=tables.SUPPLIER_TRANSACTION,
    landing="supplier_transaction",
    event=accounting.SupplierTransactionsRetrieved,
    columns=(*JOURNAL_KEY, Column("supplier_no", "supplierNo"), *_TRANSACTION),
    since="voucher_date",
    control=Control(by=("supplier_no",), amount="amount"),
    proof="sum and number of transactions of every supplier since the start equal to Visma's own",
)
