"""The asset register beside the ledger: what the assets on an account say, and what the account holds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.sync import AssetAccountComparison
from sync_worker.domain.proof import ZERO


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset as the register has it now; both amounts are positive. The two accounts may be one."""

    account_no: int | None
    depreciation_account_no: int | None
    acquisition_cost: Decimal
    accumulated_depreciation: Decimal


def compare(register: Iterable[Asset], ledger: Mapping[int, Decimal]) -> list[AssetAccountComparison]:
    """Every account that an asset names, against ``ledger``, the closing balance by account."""
    said: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for asset in register:
        if asset.account_no is not None:
            said[asset.account_no] += asset.acquisition_cost
        if asset.depreciation_account_no is not None:
            said[asset.depreciation_account_no] -= asset.accumulated_depreciation
    return [
        AssetAccountComparison(account_no=account, in_register=amount, in_ledger=closing, difference=amount - closing)
        for account, amount in sorted(said.items())
        for closing in [ledger.get(account, ZERO)]
    ]
