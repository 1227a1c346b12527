"""What one service says of Visma's tables is what the other reads from them."""

from contracts.sync import DataSet
from sync_worker.domain.datasets import DATASETS
from visma_connector.domain.data_change import DATA_SETS
from visma_nxt.tables import TABLES


def test_a_change_in_a_table_names_every_data_set_that_is_read_from_it() -> None:
    named = {(table.name, data_set) for table, data_sets in DATA_SETS.items() for data_set in data_sets}
    sums = {("generalLedgerTransaction", DataSet.ACCOUNT_BALANCES)}  # has no table of its own to land in
    read = {(table.name, data_set) for data_set, dataset in DATASETS.items() for table in dataset.table.parts or [dataset.table]}
    assert named == read | sums
    assert set(DATA_SETS) == {part for table in TABLES for part in table.parts or [table]}
