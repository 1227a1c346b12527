"""Sources that are away, doors that are closed, and answers of somebody else."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from contracts.a07 import A07ReportRetrieved
from contracts.accounting import AccountingData
from contracts.company import Module
from contracts.org import Role
from contracts.results import CommandRejected, CommandSucceeded
from contracts.sync import DataSet, RetrySync, SyncCompleted, SyncNeedsAttention, SyncProgressed, SyncStatus
from skatteetaten_simulator.faults import Fault, Status
from testkit.probe import probe

pytestmark = pytest.mark.long

BAKERY, BUILDER, RESTAURANT = 7100001, 7100002, 7100003


def retry(bench: Any, company_id: Any) -> RetrySync:
    return RetrySync(company_id=company_id, organization_id=bench.organization_id)


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "drop", "times": 30},
        {"effect": "status", "status": 503, "times": 30},
        {"effect": "truncate", "times": 20},
        {"effect": "status", "status": 429, "retry_after": 0, "times": 20},
    ],
    ids=lambda fault: f"{fault['effect']}",
)
async def test_retrieval_goes_on_by_itself_when_visma_was_away(bench: Any, fault: dict[str, Any]) -> None:
    await bench.visma.fault(**fault, skip=8)
    async with bench.worker(retry_longest_seconds=0.5):
        company_id = await bench.create(BUILDER)
        await bench.of(SyncCompleted, company_id)
    assert await bench.of(SyncNeedsAttention, company_id, count=0) == []
    waiting = [each for each in await bench.of(SyncProgressed, company_id) if each.next_attempt_at is not None]
    assert waiting
    assert all(each.message for each in waiting)


async def test_a_company_that_is_not_opened_needs_consent_once_and_goes_on_when_asked(bench: Any) -> None:
    await bench.hire()
    await bench.visma.open(BUILDER, "closed")
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        [attention] = await bench.of(SyncNeedsAttention, company_id)
        assert (attention.status, attention.reason) == (SyncStatus.NEEDS_CONSENT, "company_not_opened")
        assert "Connect Application Access" in attention.hint
        await bench.visma.open(BUILDER, "open")
        assert isinstance(await bench.gateway.ask(retry(bench, company_id), actor="kari"), CommandSucceeded)
        await bench.of(SyncCompleted, company_id)
    assert len(await bench.of(SyncNeedsAttention, company_id)) == 1


async def test_access_withdrawn_in_the_middle_stops_the_company_once_and_no_other(bench: Any) -> None:
    await bench.hire()
    await bench.visma.fault(effect="no_grant", company=BUILDER, skip=9, times=None)
    async with bench.worker():
        closed, other = await bench.create(BUILDER), await bench.create(RESTAURANT)
        await bench.of(SyncNeedsAttention, closed)
        await bench.of(SyncCompleted, other)
        await probe(lambda: stopped(bench, closed), within=10)
        await bench.visma.clear_faults()
        assert isinstance(await bench.gateway.ask(retry(bench, closed), actor="kari"), CommandSucceeded)
        await bench.of(SyncCompleted, closed)
    assert len(await bench.of(SyncNeedsAttention, closed)) == 1


async def stopped(bench: Any, company_id: Any) -> bool:
    rows = await bench.pool.fetch("SELECT DISTINCT status FROM sync.work_item WHERE company_id = $1", company_id)
    return {row["status"] for row in rows} <= {"complete", "needs_consent"}


async def test_visma_does_not_accept_us_and_when_it_does_again_every_company_goes_on_without_a_command(bench: Any) -> None:
    await bench.visma.latency(30)
    async with bench.worker(credentials_minutes=0.01):
        companies = [await bench.create(number) for number in (BUILDER, RESTAURANT)]
        for company_id in companies:
            await probe(lambda company_id=company_id: bench.rows("ledger_line", company_id), within=20, every=0.01)
        refused = {"effect": "status", "status": 401, "body": '{"error": "invalid_client"}', "content_type": "application/json"}
        await bench.visma.fault(**refused, endpoint="token", times=None)
        await bench.visma.revoke_tokens()
        for company_id in companies:
            [attention] = await bench.of(SyncNeedsAttention, company_id)
            assert (attention.status, attention.reason) == (SyncStatus.NEEDS_ATTENTION, "not_authenticated")
            assert "client_secret" in attention.hint
            assert "goes on by itself" in attention.hint
            await bench.said(company_id, DataSet, tried_again_and_refused)
            assert await bench.of(SyncCompleted, company_id, count=0) == []
        await bench.visma.clear_faults()
        for company_id in companies:
            await bench.of(SyncCompleted, company_id)
    assert len(await bench.gateway.published(SyncNeedsAttention)) == 2


def tried_again_and_refused(found: list[SyncProgressed]) -> bool:
    refused = [each for each in found if each.status is SyncStatus.NEEDS_ATTENTION and each.next_attempt_at]
    return len({each.last_attempt_at for each in refused}) >= 4


async def test_an_expired_key_stops_a07_alone_and_it_completes_when_there_is_a_new_one(bench: Any) -> None:
    expired = {"error": "invalid_grant", "error_description": "Key has expired (MP-121)"}
    bench.skatteetaten.faults.add(Fault(match="token", times=None, effect=Status(status=400, body=expired)))
    async with bench.worker(credentials_minutes=0.01):
        company_id = await bench.create(BUILDER, months=3, modules=[Module.PAYROLL])
        [attention] = await bench.of(SyncNeedsAttention, company_id)
        assert (attention.data_set, attention.status) == (DataSet.A07_REPORTS, SyncStatus.NEEDS_ATTENTION)
        assert attention.reason == "configuration"
        assert "register a new one" in attention.hint
        assert "goes on by itself" in attention.hint
        await bench.said(company_id, {DataSet.A07_REPORTS}, tried_again_and_refused)
        bench.skatteetaten.faults.clear()
        await bench.of(SyncCompleted, company_id)
    assert len(await bench.of(SyncNeedsAttention, company_id)) == 1


async def test_a07_without_consent_holds_nothing_else_back_and_completes_when_asked(bench: Any) -> None:
    await bench.hire()
    number = (await bench.visma.facts(BUILDER))["organisation_number"]
    bench.skatteetaten.system_users.withdraw(number)
    async with bench.worker():
        company_id = await bench.create(BUILDER, modules=[Module.PAYROLL])
        [attention] = await bench.of(SyncNeedsAttention, company_id)
        assert (attention.data_set, attention.status) == (DataSet.A07_REPORTS, SyncStatus.NEEDS_CONSENT)
        assert "Altinn" in attention.hint
        await probe(lambda: only_a07_is_left(bench), within=20)
        assert await bench.of(SyncCompleted, company_id, count=0) == []
        bench.skatteetaten.system_users.grant(number)
        assert isinstance(await bench.gateway.ask(retry(bench, company_id), actor="kari"), CommandSucceeded)
        await bench.of(SyncCompleted, company_id)
    assert len(await bench.of(SyncNeedsAttention, company_id)) == 1


async def contradicting_month(bench: Any) -> tuple[str, Status]:
    """The current month, and an answer for it that states a tax without a line."""
    number = (await bench.visma.facts(BUILDER))["organisation_number"]
    month = f"{datetime.now(ZoneInfo('Europe/Oslo')):%Y-%m}"
    report = {
        "fomKalendermaaned": month,
        "tomKalendermaaned": month,
        "opplysningspliktig": {"norskIdentifikator": number, "innsendinger": []},
        "oppgave": {"betalingsinformasjon": {"sumForskuddstrekk": 100}, "oppsummerteVirksomheter": {}},
    }
    return month, Status(status=200, body={"mottatt": report})


async def test_an_a07_report_that_contradicts_itself_is_published_and_needs_attention(bench: Any) -> None:
    await bench.hire()
    month, contradicting = await contradicting_month(bench)
    bench.skatteetaten.faults.add(Fault(match="report", month=month, effect=contradicting))
    async with bench.worker():
        company_id = await bench.create(BUILDER, months=0, modules=[Module.PAYROLL])
        [attention] = await bench.of(SyncNeedsAttention, company_id)
        assert (attention.reason, attention.period.label) == ("a07_checks_failed", month)
        [retrieved] = await bench.of(A07ReportRetrieved, company_id)
        assert retrieved.submitted
        assert "withholding-lines" in " ".join(retrieved.failed_checks)
        assert isinstance(await bench.gateway.ask(retry(bench, company_id), actor="kari"), CommandSucceeded)
        await bench.of(SyncCompleted, company_id)
        later = (await bench.of(A07ReportRetrieved, company_id, count=2))[-1]
    assert later.failed_checks == []


async def test_a_month_that_contradicts_itself_is_asked_for_again_and_its_correction_noticed(bench: Any) -> None:
    month, contradicting = await contradicting_month(bench)
    bench.skatteetaten.faults.add(Fault(match="report", month=month, times=2, effect=contradicting))
    async with bench.worker():
        company_id = await bench.create(BUILDER, months=0, modules=[Module.PAYROLL])
        await bench.of(SyncNeedsAttention, company_id)
        await bench.said(company_id, {DataSet.A07_REPORTS}, tomorrow)
        await a_day_passes(bench, company_id)
        await probe(lambda: bench.pool.fetchval(_WAITS_AGAIN, company_id), within=20)
        await a_day_passes(bench, company_id)
        await bench.of(SyncCompleted, company_id)
        reports = await bench.of(A07ReportRetrieved, company_id, count=2)
    assert [bool(each.failed_checks) for each in reports] == [True, False]
    assert len(await bench.of(SyncNeedsAttention, company_id)) == 1


_WAITS_AGAIN = "SELECT true FROM sync.work_item WHERE company_id = $1 AND status = 'needs_attention' AND refresh_at > now()"


def tomorrow(found: list[SyncProgressed]) -> bool:
    """It is tried again, at the pace of the newest months."""
    [*_, last] = found
    return last.next_attempt_at is not None and timedelta(hours=23) < last.next_attempt_at - datetime.now(UTC) <= timedelta(days=1)


async def a_day_passes(bench: Any, company_id: Any) -> None:
    await bench.pool.execute("UPDATE sync.work_item SET refresh_at = now() WHERE company_id = $1 AND data_set = 'a07_reports'", company_id)


async def only_a07_is_left(bench: Any) -> bool:
    rows = await bench.pool.fetch("SELECT data_set, status FROM sync.work_item WHERE status <> 'complete'")
    return {(row["data_set"], row["status"]) for row in rows} == {("a07_reports", "needs_consent")}


async def test_rows_of_another_company_are_refused(bench: Any) -> None:
    await bench.visma.fault(effect="wrong_company", answer=BAKERY, operation="GeneralLedgerTransactionRows", times=None)
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        attention = await bench.of(SyncNeedsAttention, company_id, count=6)
    assert {each.reason for each in attention} == {"wrong_company_answered"}
    assert await bench.rows("ledger_line", company_id) == []
    data = [each for each in bench.gateway.seen if isinstance(each.message, AccountingData)]
    assert "LedgerLinesRetrieved" not in {type(each.message).__name__ for each in data}


async def test_who_may_ask_for_another_attempt(bench: Any) -> None:
    await bench.hire()
    await bench.hire(Role.READER, user="per")
    async with bench.worker():
        sent = [await bench.gateway.command(retry(bench, uuid4()), actor=actor) for actor in ("liv", "per", "kari")]
        codes = [outcome.code for command_id in sent for outcome in await bench.gateway.outcomes(command_id)]
    assert codes == ["not_a_member", "role_too_low", "unknown_company"]


async def test_a_company_of_another_organisation_is_unknown(bench: Any) -> None:
    await bench.hire()
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        await bench.of(SyncCompleted, company_id)
        stranger = dataclasses.replace(bench, organization_id=uuid4())
        await stranger.hire()
        outcome = await bench.gateway.ask(retry(stranger, company_id), actor="kari")
    assert isinstance(outcome, CommandRejected)
    assert outcome.code == "unknown_company"
