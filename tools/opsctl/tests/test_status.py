"""What `opsctl status` says of retrievals, from the real schema of sync-worker."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from opsctl.cli import cli
from servicekit.migrations import migrate
from sync_worker.__main__ import PROGRAM
from testkit.databases import DatabaseFactory
from testkit.probe import probe

from .conftest import Answer

pytestmark = pytest.mark.servers

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said to have happened now has: the module may have been read minutes ago."""
    monkeypatch.setattr(sys.modules[__name__], "NOW", datetime.now(UTC))


@dataclass
class Retrieval:
    """The database of a sync-worker, and opsctl beside it."""

    dsn: str
    connection: asyncpg.Connection

    async def opsctl(self, *arguments: str) -> Answer:
        environment = {
            "OPSCTL__SERVICES__SYNC_WORKER__POSTGRES__DSN": self.dsn,
            "OPSCTL__KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",  # is not asked
        }
        result = await asyncio.to_thread(CliRunner().invoke, cli, ["status", *arguments], env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    async def company(self, number: int, *, measured_for: timedelta | None = None) -> UUID:
        company_id = uuid4()
        await self.connection.execute(
            "INSERT INTO sync.company (company_id, organization_id, visma_customer_id, visma_company_id, organisation_number, period_type,"
            " financial_year_start_month, reconciliation_start, modules, created_at)"
            " VALUES ($1, $1, 12345, $2, '999888777', 'month', 1, '2026-01-01', '{}', now())",
            company_id,
            number,
        )
        await self.connection.execute(
            "INSERT INTO sync.turn (source, company_id, measured_from) VALUES ('visma', $1, $2)",
            company_id,
            measured_for and NOW - measured_for,
        )
        return company_id

    async def item(self, company_id: UUID, data_set: str, status: str, month: int | None = None, **more: Any) -> None:
        first = None if month is None else date(2026, month, 1)
        values: dict[str, Any] = {
            "company_id": company_id,
            "organization_id": company_id,
            "source": "visma",
            "data_set": data_set,
            "status": status,
            "period_label": "" if first is None else f"{first:%Y-%m}",
            "first_day": first,
            "last_day": first,
            "rank": 0 if month is None else 13 - month,
            "next_attempt_at": NOW,
            "attempted_at": NOW,
            "correlation_id": "c",
            **more,
        }
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        await self.connection.execute(f"INSERT INTO sync.work_item ({', '.join(values)}) VALUES ({places})", *values.values())


@pytest.fixture
async def retrieval(database: DatabaseFactory) -> AsyncIterator[Retrieval]:
    async def migrated(dsn: str) -> None:
        await migrate(dsn, PROGRAM.migration_sets())

    dsn = await database("sync_worker", migrated)
    connection = await asyncpg.connect(dsn)
    yield Retrieval(dsn, connection)
    await connection.close()


async def test_every_company_data_set_and_period_has_its_place(retrieval: Retrieval) -> None:
    going_on = await retrieval.company(7100001, measured_for=timedelta(seconds=100))
    await retrieval.item(going_on, "ledger_lines", "complete", 11, scanned=10_000, expected=10_000, succeeded_at=NOW, requests=6)
    await retrieval.item(going_on, "ledger_lines", "retrieving", 10, scanned=2_500, expected=10_000)
    await retrieval.item(going_on, "capital_assets", "not_supported", reason="not_supported", refresh_at=NOW + timedelta(days=1))
    complete = await retrieval.company(7100002)
    await retrieval.item(complete, "account_balances", "complete", succeeded_at=NOW, refresh_at=NOW + timedelta(minutes=15))

    answer = await retrieval.opsctl("--json")
    assert answer.status == 0
    [first, second] = answer.json["companies"]
    assert (first["visma_company_id"], first["company_id"], first["organization_id"]) == (7100001, str(going_on), str(going_on))
    lines, assets = first["data_sets"]
    assert (lines["data_set"], lines["status"], lines["rows"], lines["rows_expected"], lines["percent"]) == (
        *("ledger_lines", "retrieving", 12_500, 20_000, 62),
    )
    assert [(part["period"], part["status"], part["percent"]) for part in lines["parts"]] == [
        ("2026-11", "complete", 100),
        ("2026-10", "retrieving", 25),
    ]
    # 13,000 rows and questions took 100 s; 8,000 are left.
    told = datetime.fromisoformat(lines["estimated_completion_at"])
    assert timedelta(seconds=55) < told - NOW < timedelta(seconds=90)
    assert first["estimated_completion_at"] == lines["estimated_completion_at"]
    assert (assets["status"], assets["parts"][0]["reason"]) == ("not_supported", "not_supported")
    assert datetime.fromisoformat(assets["parts"][0]["next_attempt_at"]) == NOW + timedelta(days=1)
    [balances] = second["data_sets"]
    assert datetime.fromisoformat(balances["parts"][0]["next_refresh_at"]) == NOW + timedelta(minutes=15)

    one = await retrieval.opsctl(str(complete))
    assert one.status == 0
    assert "7100002" in one.out
    assert "7100001" not in one.out
    assert "2026-10" in (await retrieval.opsctl("7100001")).out
    unknown = await retrieval.opsctl("7999999")
    assert unknown.status == 1
    assert "nothing is retrieved for a company 7999999" in unknown.err


@pytest.mark.parametrize(("status", "again"), [("needs_consent", timedelta(hours=1)), ("needs_attention", None)])
async def test_what_needs_a_person_is_shown_with_its_remedy(retrieval: Retrieval, status: str, again: timedelta | None) -> None:
    company_id = await retrieval.company(7100001)
    await retrieval.item(company_id, "customers", "complete")
    why = {"reason": "company_not_opened", "message": "not opened", "hint": "Open it.", "refresh_at": again and NOW + again}
    await retrieval.item(company_id, "suppliers", status, **why)
    answer = await retrieval.opsctl()
    assert answer.status == 1
    for word in ("7100001", "suppliers", status, "not opened", "Open it."):
        assert word in answer.out
    assert (await retrieval.opsctl("--follow")).status == 1


async def test_it_is_shown_as_of_when_all_of_it_holds_together_or_why_it_does_not(retrieval: Retrieval) -> None:
    company_id = await retrieval.company(7100001)
    await retrieval.item(company_id, "customers", "complete")
    await retrieval.item(company_id, "suppliers", "needs_attention", reason="mismatch", message="Two rows differ.")
    await retrieval.item(company_id, "a07_reports", "queued", source="skatteetaten")
    [company] = (await retrieval.opsctl("--json")).json["companies"]
    assert (company["as_of"], company["not_included"]) == (
        None,
        [{"data_set": "suppliers", "period": None, "reason": "mismatch", "message": "Two rows differ."}],
    )
    shown = (await retrieval.opsctl("7100001")).out
    assert "as of one moment: not yet" in shown
    assert "suppliers first: Two rows differ." in shown

    left_out = {"data_set": "a07_reports", "period": None, "reason": "other_source", "message": "From elsewhere."}
    cut = json.dumps({"periods": [], "data_sets": ["customers"], "not_included": [left_out]})
    await retrieval.connection.execute("UPDATE sync.company SET cut = $1, cut_as_of = '2026-11-23 19:29:49Z'", cut)
    [company] = (await retrieval.opsctl("--json")).json["companies"]
    assert datetime.fromisoformat(company["as_of"]) == datetime(2026, 11, 23, 19, 29, 49, tzinfo=UTC)
    assert company["not_included"] == [left_out]
    shown = (await retrieval.opsctl("7100001")).out
    assert "as of one moment: 2026-11-23 19:29:49" in shown
    assert "without a07_reports: From elsewhere." in shown


async def test_a_pause_is_shown_and_nothing_is_estimated(retrieval: Retrieval) -> None:
    company_id = await retrieval.company(7100001, measured_for=timedelta(seconds=100))
    await retrieval.item(company_id, "ledger_lines", "retrieving", 10, scanned=2_500, expected=10_000)
    await retrieval.connection.execute("UPDATE sync.company SET paused_at = now()")
    [company] = (await retrieval.opsctl("--json")).json["companies"]
    assert [(each["status"], each["estimated_completion_at"]) for each in company["data_sets"]] == [("paused", None)]
    assert "paused since" in (await retrieval.opsctl("7100001")).out


async def test_what_is_held_up_by_an_id_that_was_given_up_is_shown_with_its_remedy(retrieval: Retrieval) -> None:
    company_id = await retrieval.company(7100001, measured_for=timedelta(seconds=100))
    await retrieval.item(company_id, "ledger_lines", "retrieving", 10, scanned=2_500, expected=10_000)
    await retrieval.item(company_id, "customers", "complete")
    await retrieval.item(company_id, "a07_reports", "queued", 10, source="skatteetaten")
    await retrieval.connection.execute("INSERT INTO sync.given_up_id VALUES ($1, 12345)", company_id)
    answer = await retrieval.opsctl("--json")
    assert answer.status == 1
    [company] = answer.json["companies"]
    shown = {each["data_set"]: (each["status"], each["parts"][0]["reason"]) for each in company["data_sets"]}
    assert shown == {
        "ledger_lines": ("needs_consent", "visma_customer_id_given_up"),
        "customers": ("complete", None),
        "a07_reports": ("queued", None),
    }
    assert "Register the Visma customer ID" in (await retrieval.opsctl()).out


async def test_following_shows_changes_and_ends_when_nothing_goes_on(retrieval: Retrieval) -> None:
    company_id = await retrieval.company(7100001)
    await retrieval.item(company_id, "customers", "retrieving", scanned=5, expected=10)
    following = asyncio.create_task(retrieval.opsctl("--follow", "--json"))
    await probe(lambda: _is_looked_at(retrieval), within=20)
    await retrieval.connection.execute("UPDATE sync.work_item SET status = 'complete', scanned = 10")
    answer = await following
    assert answer.status == 0
    statuses = [line["companies"][0]["data_sets"][0]["status"] for line in answer.lines]
    assert (statuses[0], statuses[-1]) == ("retrieving", "complete")


async def _is_looked_at(retrieval: Retrieval) -> bool:
    """The follower's first look has been answered."""
    return bool(
        await retrieval.connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'opsctl' AND datname = current_database() AND state = 'idle'"
            " AND query LIKE '%operators.retrieval%'"
        )
    )
