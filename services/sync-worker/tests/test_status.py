"""What is said of a retrieval while it goes on: where each data set and period stands, when it was tried, and when it will be complete."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.company import Module
from contracts.sync import DataSet, PauseSync, ResumeSync, RetrySync, SyncCompleted, SyncPaused, SyncProgressed, SyncResumed, SyncStatus
from testkit.probe import probe

pytestmark = pytest.mark.long

BAKERY = 7100001


async def test_a_retrieval_that_is_paused_says_when_it_will_be_complete(bench: Any) -> None:
    await bench.hire()
    bench.visma_settings = {"page_size": 50}
    await bench.visma.latency(30)
    async with bench.worker(workers=3, progress_seconds=0.05):
        company_id = await bench.create(BAKERY, months=12)
        about = {"company_id": company_id, "organization_id": bench.organization_id}
        await probe(lambda: landed(bench, company_id), within=20, every=0.01)
        await bench.gateway.ask(PauseSync(**about), actor="kari")
        await bench.gateway.ask(ResumeSync(**about), actor="kari")
        idle = await bench.pool.fetchval("SELECT idle FROM sync.turn WHERE company_id = $1", company_id)
        assert idle == when(bench, SyncResumed, company_id) - when(bench, SyncPaused, company_id)
        await bench.of(SyncCompleted, company_id)
    said = [each for each in bench.gateway.seen if isinstance(each.message, SyncProgressed) and each.message.company_id == company_id]
    the_estimate_is_there_and_sane([each for each in said if each.message.data_set is DataSet.LEDGER_LINES])
    last = {each.message.data_set: each.message for each in said}
    assert all(each.status is SyncStatus.COMPLETE and each.estimated_completion_at is None for each in last.values())
    assert all(each.last_attempt_at <= each.last_success_at for each in last.values())
    assert last[DataSet.ACCOUNT_BALANCES].next_refresh_at > last[DataSet.ACCOUNT_BALANCES].last_success_at
    verified = [each.message for each in said if each.message.period_status is SyncStatus.COMPLETE]
    assert len({each.period.label for each in verified if each.data_set is DataSet.LEDGER_LINES}) == 13


async def test_a_data_set_and_a_period_say_each_word_of_the_list(bench: Any) -> None:
    await bench.hire()
    bench.visma_settings = {"page_size": 50, "retry_attempts": 1}
    await bench.visma.latency(30)
    await bench.visma.fault(effect="error", message="Cannot query field 'x'.", code="FIELDS_ON_CORRECT_TYPE", operation="TaxCodeRows")
    await bench.visma.fault(effect="status", status=503, operation="CustomerTransactionRows")
    async with bench.worker(workers=3, progress_seconds=0, consent_minutes=0.005):
        company_id = await bench.create(BAKERY, months=12, modules=[Module.VAT])
        about = {"company_id": company_id, "organization_id": bench.organization_id}
        await probe(lambda: landed(bench, company_id), within=20, every=0.01)
        await bench.gateway.ask(PauseSync(**about), actor="kari")
        lines = {"operation": "GeneralLedgerTransactionRows", "company": BAKERY}
        await bench.visma.fault_all(
            [
                {"effect": "no_grant", **lines},
                {"effect": "status", "status": 503, **lines, "skip": 4},
                {"effect": "wrong_company", "answer": BAKERY + 1, **lines, "skip": 6},
            ]
        )
        await bench.gateway.ask(ResumeSync(**about), actor="kari")
        await bench.said(company_id, {DataSet.LEDGER_LINES}, lambda said: any(each.status is SyncStatus.NEEDS_ATTENTION for each in said))
        await bench.gateway.ask(RetrySync(**about), actor="kari")
        await bench.of(SyncCompleted, company_id)
    said = [each for each in await bench.of(SyncProgressed, company_id) if each.data_set is not DataSet.ACCOUNT_BALANCES]
    of_data_sets, of_periods = statuses(said)
    assert of_data_sets == set(SyncStatus)
    # The plan, and what a customer's Visma may lack, are of no period.
    assert of_periods == set(SyncStatus) - {SyncStatus.PLANNING, SyncStatus.NOT_SUPPORTED}
    retrying = [each for each in said if each.period_status is SyncStatus.RETRYING]
    assert all(each.next_attempt_at and "HTTP 503" in each.message for each in retrying)
    last: dict[str, SyncStatus] = {}
    for each in said:
        if each.data_set is DataSet.LEDGER_LINES:
            last |= each.period_statuses or {each.period.label: each.period_status}
    assert set(last.values()) == {SyncStatus.COMPLETE}


def statuses(said: list[SyncProgressed]) -> tuple[set[SyncStatus], set[SyncStatus]]:
    """Of data sets, and of periods: in a message about one, or about all of them."""
    of_periods = {status for each in said for status in (each.period_statuses or {}).values()}
    return {each.status for each in said}, of_periods | {each.period_status for each in said if each.period_status}


def the_estimate_is_there_and_sane(ledger: list[Any]) -> None:
    end = ledger[-1].attributes.time
    going_on = [
        each for each in ledger if each.message.percent >= 25 and each.message.status not in {SyncStatus.COMPLETE, SyncStatus.PAUSED}
    ]
    assert going_on
    for each in going_on:
        told, left = each.message.estimated_completion_at, end - each.attributes.time
        assert each.attributes.time <= told <= each.attributes.time + 4 * left + timedelta(seconds=5)


def when(bench: Any, kind: type[Any], company_id: UUID) -> datetime:
    moment: datetime = next(
        each.attributes.time for each in bench.gateway.seen if isinstance(each.message, kind) and each.message.company_id == company_id
    )
    return moment


async def landed(bench: Any, company_id: UUID) -> bool:
    return bool(await bench.pool.fetchval("SELECT count(*) > 100 FROM sync.ledger_line WHERE company_id = $1", company_id))
