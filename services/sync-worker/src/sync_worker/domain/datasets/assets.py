"""The register of capital assets."""

from contracts import capital_assets
from contracts.company import Module
from contracts.sync import DataSet
from sync_worker.domain.dataset import COUNTED, JOURNAL_KEY, Column, Control, Dataset, amount, day, reference, text
from visma_nxt import tables

CAPITAL_ASSETS = Dataset(
    data_set=DataSet.CAPITAL_ASSETS,
    table=tables.CAPITAL_ASSET,
    landing="capital_asset",
    event=capital_assets.CapitalAssetsRetrieved,
    columns=(
        Column("capital_asset_no", "capitalAssetNo"),
        Column("description", "description", text),
        Column("acquisition_date", "acquisitionDate", day),
        Column("acquisition_cost", "acquisitionCost", amount),
        Column("account_no", "accountNo", reference),
        Column("depreciation_account_no", "depreciationAccountNo", reference),
        Column("capital_asset_group", "capitalAssetGroup", reference),
    ),
    module=Module.ASSETS,
    proof=COUNTED,
)

CAPITAL_ASSET_GROUPS = Dataset(
    data_set=DataSet.CAPITAL_ASSET_GROUPS,
    table=tables.CAPITAL_ASSET_GROUP,
    landing="capital_asset_group",
    event=capital_assets.CapitalAssetGroupsRetrieved,
    columns=(
        Column("capital_asset_group", "capitalAssetGroupNo"),
        Column("description", "description", text),
    ),
    module=Module.ASSETS,
    proof=COUNTED,
)

CAPITAL_ASSET_BALANCES = Dataset(
    data_set=DataSet.CAPITAL_ASSET_BALANCES,
    table=tables.CAPITAL_ASSET_BALANCE,
    landing="capital_asset_balance",
    event=capital_assets.CapitalAssetBalancesRetrieved,
    columns=(
        Column("capital_asset_no", "capitalAssetNo"),
        Column("year", "year"),
        Column("acquisition_cost", "acquisitionCost", amount),
        Column("accumulated_depreciation", "accumulatedDepreciation", amount),
        Column("book_value", "bookValue", amount),
    ),
    module=Module.ASSETS,
    proof=COUNTED,
)

CAPITAL_ASSET_TRANSACTIONS = Dataset(
    data_set=DataSet.CAPITAL_ASSET_TRANSACTIONS,
    table=tables.CAPITAL_ASSET_TRANSACTION,
    landing="capital_asset_transaction",
    event=capital_assets.CapitalAssetTransactionsRetrieved,
    columns=(
        *JOURNAL_KEY,
        Column("capital_asset_no", "capitalAssetNo"),
        Column("year", "year"),
        Column("period", "period"),
        Column("amount", "amountDomestic", amount),
    ),
    module=Module.ASSETS,
    control=Control(by=("capital_asset_no",), amount="amount"),
    proof="sum and number of transactions of every asset equal to Visma's own",
)
