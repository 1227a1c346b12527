"""Owned by sync-worker: capital assets, their groups, transactions and book values. They go the way of the accounting data."""

from datetime import date

from pydantic import Field

from contracts.accounting import AccountingData
from contracts.message import Kroner, Record


class CapitalAsset(Record):
    """An asset of the register."""

    capital_asset_no: int
    description: str
    acquisition_date: date | None = None
    acquisition_cost: Kroner | None = None
    account_no: int | None = Field(None, description="ledger account of the asset")
    depreciation_account_no: int | None = Field(None, description="ledger account of its accumulated depreciation")
    capital_asset_group: int | None = None


class CapitalAssetGroup(Record):
    """A group of assets; an asset names the group it belongs to."""

    capital_asset_group: int
    description: str


class CapitalAssetBalance(Record):
    """What an asset stands at, at the end of a ledger year or now. A year in which nothing was entered may be missing."""

    capital_asset_no: int
    year: int
    acquisition_cost: Kroner
    accumulated_depreciation: Kroner = Field(description="positive")
    book_value: Kroner


class CapitalAssetTransaction(Record):
    """An acquisition, depreciation or disposal."""

    voucher_journal_no: int
    audit_no: int
    capital_asset_no: int
    year: int
    period: int
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
