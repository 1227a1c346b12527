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
