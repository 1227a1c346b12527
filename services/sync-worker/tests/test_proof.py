"""Differences between what landed and what Visma states: found, mended when they can be, reported when not."""

from decimal import Decimal
from typing import Any

import pytest

from contracts.accounting import LedgerLinesRemoved
from contracts.results import CommandSucceeded
from contracts.sync import (
    DataSet,
    PeriodMismatched,
    PeriodRepaired,
    PeriodVerified,
    RetrySync,
    SyncCompleted,
    SyncNeedsAttention,
    SyncStatus,
)
from testkit.probe import probe

pytestmark = pytest.mark.long

BUILDER = 7100002
LINES, GROUPS = "GeneralLedgerTransactionRows", "GeneralLedgerTransactionGroups"


async def retry(bench: Any, company_id: Any) -> None:
    outcome = await bench.gateway.ask(RetrySync(company_id=company_id, organization_id=bench.organization_id), actor="kari")
    assert isinstance(outcome, CommandSucceeded), outcome


async def refetched(bench: Any, data_set: DataSet = DataSet.LEDGER_LINES) -> int:
    count: int = await bench.pool.fetchval("SELECT count(*) FROM sync.work_item WHERE refetched AND data_set = $1", data_set.value)
    return count


async def test_one_question_proves_many_periods(bench: Any) -> None:
    async with bench.worker():
        company_id = await bench.create(BUILDER, months=10)
        await bench.of(SyncCompleted, company_id)
        verified = await bench.of(PeriodVerified, company_id)
    assert len(verified) == 11
    asked = await bench.visma.operations(BUILDER)
    assert asked[GROUPS] <= 3 + 4  # the plan, the opening balances and the balances; the newest period alone, the others together


async def test_a_row_lost_on_the_way_is_fetched_by_reading_its_voucher_again(bench: Any) -> None:
    await bench.visma.fault(effect="drop_row", operation=LINES, index=3, times=1)
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        await bench.of(SyncCompleted, company_id)
        [repaired] = await bench.of(PeriodRepaired, company_id)
        verified = await bench.of(PeriodVerified, company_id)
    assert await refetched(bench) == 0
    assert [each.lines_after - each.lines_before for each in repaired.vouchers] == [1]
    assert repaired.differs_since < repaired.repaired_at
    assert [each.period for each in verified].count(repaired.period) == 1
    assert await bench.of(PeriodMismatched, company_id, count=0) == []


async def test_a_row_lost_again_is_fetched_by_reading_the_period_again(bench: Any) -> None:
    await bench.visma.fault(effect="drop_row", operation=LINES, index=0, times=3)  # the page, the look for more rows, the repair
    async with bench.worker(workers=1):
        company_id = await bench.create(BUILDER)
        await bench.of(SyncCompleted, company_id)
    assert await refetched(bench) == 1
    assert await bench.of(PeriodRepaired, company_id, count=0) == []
    assert await bench.of(PeriodMismatched, company_id, count=0) == []


async def test_a_doubled_row_lands_once(bench: Any) -> None:
    await bench.visma.fault(effect="duplicate_row", operation=LINES, index=3, times=None)
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        await bench.of(SyncCompleted, company_id)
    assert await refetched(bench) == 0


async def test_a_list_that_was_cut_short_is_read_again(bench: Any) -> None:
    await bench.visma.fault(effect="drop_row", operation="AssociateRows", index=1, times=1)
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        await bench.of(SyncCompleted, company_id)
    assert await refetched(bench, DataSet.CUSTOMERS) + await refetched(bench, DataSet.SUPPLIERS) == 1


async def test_a_difference_that_stays_is_reported_and_the_rest_goes_on(bench: Any) -> None:
    await bench.hire()
    await bench.visma.fault(effect="change_amount", operation=LINES, by="0.01", index=0, times=None)
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        mismatched = await bench.of(PeriodMismatched, company_id, count=6)
        attention = await bench.of(SyncNeedsAttention, company_id, count=6)
        assert {each.data_set for each in attention} == {DataSet.LEDGER_LINES}
        assert {each.reason for each in attention} == {"mismatch"}
        for each in mismatched:
            assert sum(part.difference for part in each.differences) % Decimal("0.01") == 0
            assert all(part.landed_balance - part.visma_balance == part.difference != 0 for part in each.differences)
            assert each.unbalanced_vouchers
            assert each.differs_since < each.checked_at
        await probe(lambda: all_but_the_ledger_complete(bench), within=20)
        assert await bench.of(SyncCompleted, company_id, count=0) == []

        await bench.visma.clear_faults()
        await retry(bench, company_id)
        [completed] = await bench.of(SyncCompleted, company_id)
        assert len(await bench.of(PeriodVerified, company_id)) == 6
    [ledger] = [each for each in completed.data_sets if each.data_set is DataSet.LEDGER_LINES]
    assert ledger.debit == ledger.credit


async def all_but_the_ledger_complete(bench: Any) -> bool:
    rows = await bench.pool.fetch("SELECT DISTINCT data_set FROM sync.work_item WHERE status <> 'complete'")
    return {row["data_set"] for row in rows} == {DataSet.LEDGER_LINES.value, DataSet.ACCOUNT_BALANCES.value}


async def test_lines_that_visma_no_longer_has_are_removed_and_said_to_be(bench: Any) -> None:
    await bench.hire()
    await bench.visma.fault(effect="drop_row", operation=GROUPS, index=1, times=None)
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        await probe(lambda: ledger_stands(bench), within=30)
        await bench.visma.clear_faults()
        voucher = await bench.pool.fetch(
            "SELECT voucher_journal_no, audit_no FROM sync.ledger_line"
            " WHERE (voucher_journal_no, voucher_no) = ("
            "   SELECT voucher_journal_no, voucher_no FROM sync.ledger_line l JOIN sync.work_item i"
            "   ON i.ledger_periods @> jsonb_build_array(jsonb_build_array(l.year, l.period)) WHERE i.status = 'needs_attention' LIMIT 1)"
        )
        for row in voucher:
            await bench.visma.change_ledger(BUILDER, "delete", {"voucherJournalNo": row["voucher_journal_no"], "auditNo": row["audit_no"]})
        await retry(bench, company_id)
        await bench.of(SyncCompleted, company_id)
        [removed] = await bench.of(LedgerLinesRemoved, company_id)
    assert {(each.voucher_journal_no, each.audit_no) for each in removed.rows} == {
        (row["voucher_journal_no"], row["audit_no"]) for row in voucher
    }


async def test_an_incomplete_scan_removes_nothing(bench: Any) -> None:
    await bench.hire()
    await bench.visma.fault(effect="drop_row", operation=GROUPS, index=1, times=None)
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        await probe(lambda: ledger_stands(bench), within=30)
        landed = await bench.rows("ledger_line", company_id)
        await bench.visma.clear_faults()
        await bench.visma.fault(effect="drop_row", operation=LINES, index=2, times=None)
        await retry(bench, company_id)
        await bench.of(SyncCompleted, company_id)
    assert await bench.rows("ledger_line", company_id) == landed
    assert await bench.of(LedgerLinesRemoved, company_id, count=0) == []


async def ledger_stands(bench: Any) -> bool:
    """A period needs attention, the others are proven."""
    rows = await bench.pool.fetch("SELECT DISTINCT status FROM sync.work_item WHERE data_set = 'ledger_lines'")
    return {row["status"] for row in rows} == {SyncStatus.NEEDS_ATTENTION.value, SyncStatus.COMPLETE.value}
