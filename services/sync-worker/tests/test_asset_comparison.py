"""The asset register beside the ledger."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.company import Module
from contracts.sync import CapitalAssetsCompared, SyncCompleted, SyncNeedsAttention
from sync_worker.domain.asset_comparison import Asset, compare

BUILDER = 7100002


def test_cost_and_depreciation_are_held_against_their_accounts() -> None:
    register = [
        Asset(1200, 1209, Decimal("1000.00"), Decimal("100.00")),
        Asset(1200, 1209, Decimal("500.00"), Decimal("0.00")),
        Asset(1250, 1250, Decimal("80.00"), Decimal("30.00")),  # depreciated on the account itself
        Asset(None, None, Decimal("7.00"), Decimal("7.00")),
    ]
    compared = compare(register, {1200: Decimal("1500.00"), 1209: Decimal("-99.00"), 1500: Decimal(5)})
    assert [(each.account_no, each.in_register, each.in_ledger, each.difference) for each in compared] == [
        (1200, Decimal("1500.00"), Decimal("1500.00"), 0),
        (1209, Decimal("-100.00"), Decimal("-99.00"), Decimal("-1.00")),
        (1250, Decimal("50.00"), Decimal(0), Decimal("50.00")),
    ]


@pytest.mark.servers
async def test_a_register_that_differs_from_the_ledger_is_said_and_holds_nothing_up(bench: Any) -> None:
    year = datetime.now(UTC).year
    changed = {"capitalAssetNo": 1, "year": year, "acquisitionCost": "1000000.00"}
    await bench.visma.change_ledger(BUILDER, "change", changed, table="CapitalAssetBalance")
    async with bench.worker():
        company_id = await bench.create(BUILDER, modules=[Module.ASSETS])
        await bench.of(SyncCompleted, company_id)
        [compared] = await bench.of(CapitalAssetsCompared, company_id)
    first = next(each for each in await bench.rows("capital_asset", company_id) if each["capital_asset_no"] == 1)
    expected = {first["account_no"]: Decimal("1000000.00") - first["acquisition_cost"]}
    assert {each.account_no: each.difference for each in compared.accounts if each.difference} == expected
    assert {each.account_no for each in compared.accounts} >= {first["account_no"], first["depreciation_account_no"]}
    assert all(each.in_register - each.in_ledger == each.difference for each in compared.accounts)
    assert any(each.in_ledger < 0 for each in compared.accounts)
    assert await bench.of(SyncNeedsAttention, company_id, count=0) == []
