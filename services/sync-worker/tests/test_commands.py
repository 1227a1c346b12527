"""What users ask of the retrieval of a company: to pause and go on, to retrieve anew, to publish once more."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from contracts.a07 import A07ReportRetrieved
from contracts.accounting import CustomersRetrieved, LedgerLinesRetrieved
from contracts.company import Module
from contracts.results import CommandRejected, CommandSucceeded
from contracts.sync import (
    A07MonthsVerified,
    AccountBalancesVerified,
    CapitalAssetsCompared,
    ConsistentCutVerified,
    DataSet,
    PauseSync,
    PeriodsRepublished,
    PeriodVerified,
    RefetchPeriods,
    RepublishPeriods,
    ResumeSync,
    SyncCompleted,
    SyncPaused,
    SyncProgressed,
    SyncResumed,
    SyncStatus,
)
from testkit.probe import probe

pytestmark = pytest.mark.long

BAKERY = 7100001


async def test_a_company_is_paused_resumed_retrieved_anew_and_published_once_more(bench: Any) -> None:
    await bench.hire()
    await bench.visma.latency(30)
    async with bench.worker():
        company_id = await bench.create(BAKERY, months=2, modules=list(Module))
        await paused_nothing_is_asked_until_it_is_resumed(bench, company_id)
        await bench.visma.latency(0)
        await bench.of(SyncCompleted, company_id)
        await a_period_retrieved_anew_is_put_right_and_proven_again(bench, company_id)
        await what_has_landed_is_published_once_more_without_a_request(bench, company_id)
        await periods_that_are_not_there_are_refused(bench, company_id)


async def paused_nothing_is_asked_until_it_is_resumed(bench: Any, company_id: UUID) -> None:
    about = {"company_id": company_id, "organization_id": bench.organization_id}
    await probe(lambda: landed(bench, company_id), within=20, every=0.01)
    outcome = await bench.gateway.ask(PauseSync(**about, reason="Vent"), actor="kari")
    assert outcome.result == {"changed": True}
    assert (await bench.gateway.ask(PauseSync(**about), actor="kari")).result == {"changed": False}
    [paused] = await bench.of(SyncPaused, company_id)
    assert (paused.reason, paused.paused_by) == ("Vent", "kari")
    await probe(lambda: nobody_works(bench, company_id), within=10)
    await bench.visma.operations(BAKERY)
    said = [each for each in await bench.of(SyncProgressed, company_id) if each.status is SyncStatus.PAUSED]
    assert DataSet.LEDGER_LINES in {each.data_set for each in said}
    assert not await bench.pool.fetchval("SELECT bool_or(lease_until > now()) FROM sync.work_item")
    assert (await bench.gateway.ask(ResumeSync(**about), actor="kari")).result == {"changed": True}
    assert len(await bench.of(SyncResumed, company_id)) == 1


async def a_period_retrieved_anew_is_put_right_and_proven_again(bench: Any, company_id: UUID) -> None:
    [newest, *_] = await bench.of(PeriodVerified, company_id)
    wrong = await bench.pool.fetchrow(
        "UPDATE sync.ledger_line SET text = 'falsk' WHERE audit_no = 1 AND (company_id, year, period) = ($1, $2, $3) RETURNING *",
        company_id,
        newest.accounts[0].year,
        newest.accounts[0].period,
    )
    about = {"company_id": company_id, "organization_id": bench.organization_id, "periods": [newest.period.label]}
    await bench.of(ConsistentCutVerified, company_id)
    await bench.visma.operations(BAKERY)
    outcome = await bench.gateway.ask(RefetchPeriods(**about, data_sets=[DataSet.LEDGER_LINES]), actor="kari")
    assert outcome.result == {"data_sets": ["ledger_lines", "account_balances", "unposted_vouchers", "vat_figures"]}
    await bench.of(SyncCompleted, company_id, count=2)
    await bench.of(ConsistentCutVerified, company_id, count=2)
    of_the_ledger = {"GeneralLedgerTransactionRows", "GeneralLedgerTransactionGroups", "GeneralLedgerTransactionGroupsEach"}
    assert set(await bench.visma.operations(BAKERY)) == of_the_ledger | {"VoucherGroups", "Marks"}
    [event] = [each for each in await bench.of(LedgerLinesRetrieved, company_id) if each.before]
    assert {row.text for row in event.before} == {"falsk"}
    assert (wrong["voucher_journal_no"], 1) in {(row.voucher_journal_no, row.audit_no) for row in event.rows}


async def what_has_landed_is_published_once_more_without_a_request(bench: Any, company_id: UUID) -> None:
    about = {"company_id": company_id, "organization_id": bench.organization_id}
    await bench.visma.operations(BAKERY)
    before = {kind: await bench.of(kind, company_id, count=0) for kind in (LedgerLinesRetrieved, CustomersRetrieved, A07ReportRetrieved)}
    verified = Counter(each.period.label for each in await bench.of(PeriodVerified, company_id, count=0))
    assert isinstance(await bench.gateway.ask(RepublishPeriods(**about), actor="kari"), CommandSucceeded)
    [done] = await bench.of(PeriodsRepublished, company_id)
    lines = await bench.rows("ledger_line", company_id)
    assert done.rows > len(lines)
    assert set(done.periods) == set(verified)
    known = len(before[LedgerLinesRetrieved])
    after = await bench.of(LedgerLinesRetrieved, company_id, count=known + len(verified))
    again = [row for event in after[known:] for row in event.rows]
    assert {(row.voucher_journal_no, row.audit_no, row.text, row.amount) for row in again} == {
        (row["voucher_journal_no"], row["audit_no"], row["text"], row["amount"]) for row in lines
    }
    assert len(again) == len(lines)
    await bench.of(PeriodVerified, company_id, count=verified.total() + len(verified))
    months = await bench.of(A07ReportRetrieved, company_id, count=2 * len(before[A07ReportRetrieved]))
    assert months[len(months) // 2 :] == sorted(before[A07ReportRetrieved], key=lambda each: each.month, reverse=True)
    first, second = await bench.of(CustomersRetrieved, company_id, count=2)
    assert sorted(first.rows, key=repr) == sorted(second.rows, key=repr)
    balances = await bench.of(AccountBalancesVerified, company_id, count=3)
    assert balances[-1] == balances[-2]
    for kind in (CapitalAssetsCompared, SyncCompleted, ConsistentCutVerified):
        *_, last, repeated = await bench.of(kind, company_id)
        assert repeated == last
    stated, repeated = await bench.of(A07MonthsVerified, company_id)
    assert (repeated.months, repeated.sums) == (stated.months, stated.sums)
    statements = A07MonthsVerified | CapitalAssetsCompared | SyncCompleted | ConsistentCutVerified | PeriodsRepublished
    said = [type(each.message) for each in bench.gateway.seen if isinstance(each.message, statements)]
    assert said[-5:] == [A07MonthsVerified, CapitalAssetsCompared, SyncCompleted, ConsistentCutVerified, PeriodsRepublished]
    assert await bench.visma.operations(BAKERY) == {}


async def periods_that_are_not_there_are_refused(bench: Any, company_id: UUID) -> None:
    about = {"company_id": company_id, "organization_id": bench.organization_id}
    for command in (RefetchPeriods(**about, periods=["2019-01"]), RepublishPeriods(**about, periods=["2019-01"])):
        rejected = await bench.gateway.ask(command, actor="kari")
        assert isinstance(rejected, CommandRejected)
        assert [(error.field, error.code) for error in rejected.errors] == [("periods", "unknown_period")]


async def landed(bench: Any, company_id: UUID) -> bool:
    return bool(await bench.pool.fetchval("SELECT count(*) FROM sync.ledger_line WHERE company_id = $1", company_id))


async def nobody_works(bench: Any, company_id: UUID) -> bool:
    return not await bench.pool.fetchval("SELECT count(*) FROM sync.work_item WHERE company_id = $1 AND lease_until > now()", company_id)
