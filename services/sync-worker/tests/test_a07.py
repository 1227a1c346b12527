"""A07 from the start date's month on: months that are missing, that come late, that are replaced; and the proof of all of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from contracts.a07 import A07ReportRetrieved
from contracts.company import Module
from contracts.results import CommandSucceeded
from contracts.sync import A07MonthStatus, A07MonthsVerified, DataSet, RefetchPeriods, SyncCompleted, SyncProgressed
from opsctl.proof import differences_of
from skatteetaten_simulator.employer import employer
from skatteetaten_simulator.payroll import MonthOnRequest
from sync_worker.domain.a07_months import status_of

from .conftest import months_back

BUILDER = 7100002
LABELS = [f"{months_back(age):%Y-%m}" for age in range(5)]
CURRENT, LAST, LATE, CORRECTED, REFUSED = LABELS
SUBMITTED, NOT_YET_DUE, MISSING = A07MonthStatus


async def test_every_month_is_accounted_for_and_no_change_is_silent(bench: Any) -> None:
    number = (await bench.visma.facts(BUILDER))["organisation_number"]
    bench.a07_settings = {"employee_key": "k" * 32}
    for month in (CURRENT, LAST, LATE):
        bench.skatteetaten.ask_for(MonthOnRequest(organisation_number=number, month=month, days_late=500))
    bench.skatteetaten.ask_for(MonthOnRequest(organisation_number=number, month=CORRECTED))
    bench.skatteetaten.ask_for(MonthOnRequest(organisation_number=number, month=REFUSED, kind="refused"))
    await bench.hire()
    async with bench.worker():
        company_id = await bench.create(BUILDER, months=4, modules=[Module.PAYROLL])
        await months_that_lack_are_named_and_all_are_proven_together(bench, company_id)
        await the_same_said_later_is_not_published(bench, company_id)
        bench.skatteetaten.ask_for(MonthOnRequest(organisation_number=number, month=LATE))
        bench.skatteetaten.ask_for(MonthOnRequest(organisation_number=number, month=CORRECTED, kind="resubmitted"))
        await what_differs_is_told_with_what_was_before(bench, company_id)
    await a_planted_error_is_told_by_both_receipts(bench, company_id)
    await no_person_is_written(bench, number)


async def months_that_lack_are_named_and_all_are_proven_together(bench: Any, company_id: UUID) -> None:
    last = status_of(months_back(1), datetime.now(ZoneInfo("Europe/Oslo")).date(), accepted=False)
    lacking = [LATE, REFUSED] if last is NOT_YET_DUE else [LAST, LATE, REFUSED]
    [completed] = await bench.of(SyncCompleted, company_id)
    [totals] = [each for each in completed.data_sets if each.data_set is DataSet.A07_REPORTS]
    assert (totals.missing, totals.not_yet_due) == (lacking, [label for label in LABELS[:2] if label not in lacking])
    [verified] = await bench.of(A07MonthsVerified, company_id)
    assert [each.month for each in verified.months] == LABELS
    assert [each.status for each in verified.months] == [NOT_YET_DUE, last, MISSING, SUBMITTED, MISSING]
    assert {each.difference for each in verified.sums if not each.figure.endswith("-zones")} == {Decimal(0)}
    assert {each.figure for each in verified.sums} >= {"submissions:withholding-tax", "submissions:financial-tax", "withholding-lines"}
    said = {each.message for each in await bench.of(SyncProgressed, company_id) if each.data_set is DataSet.A07_REPORTS} - {None}
    assert len(said) == len(lacking)
    assert all("was due on" in message for message in said)


async def refetch(bench: Any, company_id: UUID) -> None:
    done = len(await bench.of(SyncCompleted, company_id))
    wish = RefetchPeriods(company_id=company_id, organization_id=bench.organization_id, data_sets=[DataSet.A07_REPORTS])
    assert isinstance(await bench.gateway.ask(wish, actor="kari"), CommandSucceeded)
    await bench.of(SyncCompleted, company_id, count=done + 1)


async def the_same_said_later_is_not_published(bench: Any, company_id: UUID) -> None:
    bench.skatteetaten.set_today(datetime.now(UTC).date() + timedelta(days=1))  # a later snapshot of the same
    await refetch(bench, company_id)
    assert len(await bench.of(A07ReportRetrieved, company_id, count=len(LABELS))) == len(LABELS)
    assert len(await bench.of(A07MonthsVerified, company_id)) == 1


async def what_differs_is_told_with_what_was_before(bench: Any, company_id: UUID) -> None:
    before = {each.month: each for each in await bench.of(A07ReportRetrieved, company_id)}
    await refetch(bench, company_id)
    news = {each.month: each for each in (await bench.of(A07ReportRetrieved, company_id, count=len(LABELS) + 2))[len(LABELS) :]}
    assert {month: each.version for month, each in news.items()} == {LATE: 2, CORRECTED: 2}
    assert (news[LATE].previous.status, news[LATE].status) == (MISSING, SUBMITTED)
    corrected, was = news[CORRECTED], before[CORRECTED]
    assert [(each.counts, each.replaced_by is not None) for each in corrected.messages] == [(False, True), (True, False)]
    assert corrected.previous.withholding_tax == was.withholding_tax != corrected.withholding_tax
    assert corrected.previous.counted == [was.messages[0].message_id] == [corrected.messages[0].message_id]
    assert corrected.previous.verified_at is not None
    kept = await bench.pool.fetch(
        "SELECT month, version, was FROM sync.a07_report_version WHERE company_id = $1 ORDER BY month", company_id
    )
    assert [(row["month"], row["version"]) for row in kept] == [(CORRECTED, 1), (LATE, 1)]
    assert Decimal(str(kept[0]["was"]["withholding_tax"])) == was.withholding_tax

    first, second = await bench.of(A07MonthsVerified, company_id, count=2)
    assert [each.status for each in second.months] == [*(each.status for each in first.months[:2]), SUBMITTED, SUBMITTED, MISSING]
    proof = await bench.pool.fetchrow("SELECT rows, totals FROM sync.proof WHERE data_set = 'a07_reports' AND period_label = ''")
    assert (proof["rows"], proof["totals"]) == (len(LABELS), [second.model_dump(mode="json", include={"months", "sums"})])


async def a_planted_error_is_told_by_both_receipts(bench: Any, company_id: UUID) -> None:
    """That of the month, and that of all months together."""
    proofs = {
        row["period_label"]: orjson.loads(row["receipt"])
        for row in await bench.pool.fetch("SELECT * FROM operators.proofs($1)", company_id)
        if row["data_set"] == "a07_reports"
    }
    assert list(proofs) == [*LABELS, ""]
    columns = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'sync' AND table_name = 'a07_report'"
    told = {row["column_name"] for row in await bench.pool.fetch(columns)} - {"organization_id", "company_id", "changed_at"}
    assert all(set(receipt["landed"]["columns"]) == told for receipt in proofs.values())
    planted = ["UPDATE sync.a07_report SET withholding = '[{}]' WHERE month = $1", "DELETE FROM sync.a07_report WHERE month = $1"]
    for statement, found in ((None, set()), *((statement, {CORRECTED, ""}) for statement in planted)):
        async with bench.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            if statement:
                await connection.execute(statement, CORRECTED)
            assert {
                label
                for label, receipt in proofs.items()
                if differences_of(
                    receipt, await connection.fetchval("SELECT operators.recomputed($1, 'a07_reports', $2)", company_id, label)
                )
            } == found
            await transaction.rollback()


async def no_person_is_written(bench: Any, number: str) -> None:
    people = [person for unit in employer(1, number).workplaces for person in unit.people]
    tables = ("a07_report", "a07_report_version", "proof")
    kept = "".join([str(row) for table in tables for row in await bench.pool.fetch(f"SELECT t::text FROM sync.{table} t")])
    said = "".join(each.message.model_dump_json() for each in bench.gateway.seen)
    assert [person.number for person in people if person.number in kept + said or person.name in kept + said] == []
    assert '"pseudonym"' in said
