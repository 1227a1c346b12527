"""Every data set that is retrieved from Visma, declared. A new one is a declaration in this folder and a table in a migration."""

from contracts.sync import DataSet
from sync_worker.domain.dataset import Dataset
from sync_worker.domain.datasets import assets, balances, entry, ledger, registers, subledgers, vat

LEDGER_LINES = ledger.LEDGER_LINES

DATASETS: dict[DataSet, Dataset] = {
    dataset.data_set: dataset
    for module in (ledger, balances, registers, subledgers, entry, vat, assets)
    for dataset in vars(module).values()
    if isinstance(dataset, Dataset)
}

LOOKED_AT = [*(data_set for data_set, dataset in DATASETS.items() if not dataset.sums), DataSet.OPENING_BALANCES]
"""What a look asks about. Of the opening balances it asks about the lines that they sum up."""

COMPUTED_FROM = {
    DataSet.ACCOUNT_BALANCES: (DataSet.LEDGER_LINES, DataSet.OPENING_BALANCES),
    DataSet.VAT_FIGURES: (DataSet.LEDGER_LINES, DataSet.VAT_CODES, DataSet.VAT_TERMS),
}
"""What compares or sums up others when they are proven."""
