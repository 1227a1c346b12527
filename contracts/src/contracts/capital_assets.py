"""Owned by sync-worker: capital assets, their groups, transactions and book values. They go the way of the accounting data."""

from datetime import date

from pydantic import Field

from contracts.accounting import AccountingData
from contracts.message import Kroner, Number, Record


class CapitalAsset(Record):
    """An asset of the register."""

    capital_asset_no: Number
    description: str
    acquisition_date: date | None = None
    acquisition_cost: Kroner | None = None
    account_no: Number | None = Field(None, description="ledger account of the asset")
    depreciation_account_no: Number | None = Field(None, description="ledger account of its accumulated depreciation")
    capital_asset_group: Number | None = None


class CapitalAssetGroup(Record):
    """A group of assets; an asset names the group it belongs to."""

    capital_asset_group: Number
    description: str


class CapitalAssetBalance(Record):
    """What an asset stands at, at the end of a ledger year or now. A year in which nothing was entered may be missing."""

    capital_asset_no: Number
    year: Number
    acquisition_cost: Kroner
    accumulated_depreciation: Kroner = Field(description="positive")
    book_value: Kroner


class CapitalAssetTransaction(Record):
    """An acquisition, depreciation or disposal."""

    voucher_journal_no: Number
    audit_no: Number
    capital_asset_no: Number
    year: Number
    period: Number
    amount: Kroner


class CapitalAssetsRetrieved(AccountingData):
    """The asset register."""

    TYPE = "no.accountflow.sync.CapitalAssetsRetrieved.v1"
    rows: list[CapitalAsset]


class CapitalAssetGroupsRetrieved(AccountingData):
    """Groups of the asset register."""

    TYPE = "no.accountflow.sync.CapitalAssetGroupsRetrieved.v1"
    rows: list[CapitalAssetGroup]


class CapitalAssetBalancesRetrieved(AccountingData):
    """Book values of the asset register, year by year."""

    TYPE = "no.accountflow.sync.CapitalAssetBalancesRetrieved.v1"
    rows: list[CapitalAssetBalance]


class CapitalAssetTransactionsRetrieved(AccountingData):
    """Transactions of the asset register."""

    TYPE = "no.accountflow.sync.CapitalAssetTransactionsRetrieved.v1"
    rows: list[CapitalAssetTransaction]
