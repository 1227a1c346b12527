"""From CompanyCreated to proven data."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from contracts.accounting import UnpostedVouchersFound
from contracts.company import Module, PeriodType
from contracts.sync import RETIRED, DataSet, PeriodVerified, SyncCompleted, SyncNeedsAttention, SyncPlanned, SyncStarted, SyncStatus
from sync_worker.domain.datasets import DATASETS

pytestmark = pytest.mark.long

BAKERY, BUILDER, RESTAURANT = 7100001, 7100002, 7100003
ALL_MODULES = (Module.PAYROLL, Module.VAT, Module.ASSETS)


@pytest.mark.parametrize(
    ("visma_company_id", "period_type"), [(BAKERY, PeriodType.MONTH), (BUILDER, PeriodType.QUARTER), (RESTAURANT, PeriodType.YEAR)]
)
async def test_every_data_set_lands_and_is_proven(bench: Any, visma_company_id: int, period_type: PeriodType) -> None:
    async with bench.worker():
        company_id = await bench.create(visma_company_id, period_type=period_type, modules=ALL_MODULES)
        [completed] = await bench.of(SyncCompleted, company_id)
    assert {each.data_set for each in completed.data_sets} == set(DataSet) - RETIRED
    assert {each.status for each in completed.data_sets} == {SyncStatus.COMPLETE}
    landed = {data_set: len(await bench.rows(dataset.landing, company_id)) for data_set, dataset in DATASETS.items()}
    assert {each.data_set: each.rows for each in completed.data_sets if each.data_set in DATASETS} == landed
    asked = await bench.visma.operations(visma_company_id)
    assert (asked["OrgUnitRows"], asked["GeneralLedgerTransactionGroupsEach"], asked["VoucherGroups"]) == (1, 1, 1)
    [planned] = await bench.of(SyncPlanned, company_id)
    periods = next(each.periods for each in planned.data_sets if each.data_set is DataSet.LEDGER_LINES)
    assert [later.first_day > earlier.last_day for later, earlier in pairwise(periods)] == [True] * (len(periods) - 1)
    ours = {
        (row["account_no"], row["year"], row["period"]): (row["lines"], row["sum"])
        for row in await bench.pool.fetch(
            "SELECT account_no, year, period, count(*) AS lines, sum(amount) AS sum FROM sync.ledger_line GROUP BY 1, 2, 3"
        )
    }
    numbers = {
        (row["year"], row["period"])
        for row in await bench.pool.fetch(
            "SELECT year, period FROM sync.accounting_period WHERE first_day BETWEEN $1 AND $2", periods[-1].first_day, periods[0].last_day
        )
    }
    theirs = {
        (each["accountNo"], each["year"], each["period"]): (each["lines"], Decimal(each["sum"]))
        for each in await bench.visma.totals(visma_company_id)
        if (each["year"], each["period"]) in numbers
    }
    assert ours == theirs
    assert ours
    [ledger] = [each for each in completed.data_sets if each.data_set is DataSet.LEDGER_LINES]
    assert ledger.debit == ledger.credit > 0
    assert ledger.difference == 0
    assert len(await bench.of(PeriodVerified, company_id)) == len(periods)
    assert len(await bench.of(SyncStarted, company_id)) == 1
    [unposted] = await bench.of(UnpostedVouchersFound, company_id)
    assert [(row.batches, row.vouchers > 0, row.amount > 0) for row in unposted.rows] == [(1, True, True)] * 2
    assert await bench.of(SyncNeedsAttention, company_id, count=0) == []
