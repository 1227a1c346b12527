"""What a change in a table of Visma's means in our words."""

from collections.abc import Mapping
from typing import Final

from contracts.sync import DataSet
from contracts.visma import ChangeKind, DataSetChange
from visma_nxt import tables
from visma_nxt.tables import Table
from visma_nxt.webhooks import RowEvent, TableChange

# Visma does not tell of its sums: they are of the ledger's lines.
DATA_SETS: Final[Mapping[Table, tuple[DataSet, ...]]] = {
    tables.ACCOUNTING_PERIOD: (DataSet.ACCOUNTING_PERIODS,),
    tables.GENERAL_LEDGER_ACCOUNT: (DataSet.LEDGER_ACCOUNTS,),
    tables.ACCOUNT_GROUP: (DataSet.ACCOUNT_GROUPS,),
    tables.GENERAL_LEDGER_TRANSACTION: (
        DataSet.ACCOUNT_BALANCES,
        DataSet.LEDGER_LINES,
        DataSet.OPENING_BALANCES,
        DataSet.VAT_FIGURES,
    ),
    tables.ASSOCIATE: (DataSet.CUSTOMERS, DataSet.SUPPLIERS),
    tables.OPEN_CUSTOMER_ENTRY: (DataSet.OPEN_CUSTOMER_ENTRIES,),
    tables.OPEN_SUPPLIER_ENTRY: (DataSet.OPEN_SUPPLIER_ENTRIES,),
    tables.CUSTOMER_TRANSACTION: (DataSet.CUSTOMER_TRANSACTIONS,),
    tables.SUPPLIER_TRANSACTION: (DataSet.SUPPLIER_TRANSACTIONS,),
    tables.VOUCHER_SERIES: (DataSet.VOUCHER_SERIES,),
    tables.VOUCHER_TYPE: (DataSet.VOUCHER_TYPES,),
    **dict.fromkeys(tables.ORG_UNITS, (DataSet.ORG_UNITS,)),
    tables.VOUCHER: (DataSet.UNPOSTED_VOUCHERS,),
    tables.TAX_CODE: (DataSet.VAT_CODES,),
    tables.TAX_TERM: (DataSet.VAT_TERMS,),
    tables.CAPITAL_ASSET: (DataSet.CAPITAL_ASSETS,),
    tables.CAPITAL_ASSET_GROUP: (DataSet.CAPITAL_ASSET_GROUPS,),
    tables.CAPITAL_ASSET_BALANCE: (DataSet.CAPITAL_ASSET_BALANCES,),
    tables.CAPITAL_ASSET_TRANSACTION: (DataSet.CAPITAL_ASSET_TRANSACTIONS,),
}

_KINDS: Final = {RowEvent.INSERT: ChangeKind.INSERTED, RowEvent.UPDATE: ChangeKind.UPDATED, RowEvent.DELETE: ChangeKind.DELETED}


def changes_of(change: TableChange) -> tuple[DataSetChange, ...]:
    """The data sets that are made of the row; none when we do not read its table."""
    data_sets = DATA_SETS.get(change.table, ()) if change.table else ()
    return tuple(DataSetChange(data_set=data_set, kind=_KINDS[change.event]) for data_set in data_sets)
