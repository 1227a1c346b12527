"""Two organisations with the same numbers in their books: nothing of one is with the other, and each guard is missed when it is gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest
from typer.testing import CliRunner

from contracts.company import Module
from contracts.sync import RepublishPeriods, RetrySync
from contracts.visma import VismaCompanyAccessChanged
from eventing.errors import NotYet
from eventing.work import Cause
from local_stack import provision
from local_stack.postgres import PostgresAddress
from opsctl.cli import cli
from skatteetaten import reading
from skatteetaten.document import UnreadableValueError
from skatteetaten_simulator import payroll
from skatteetaten_simulator.employer import employer
from skatteetaten_simulator.payroll import MonthOnRequest
from skatteetaten_simulator.report import report
from sync_worker import handlers
from sync_worker.domain.datasets import DATASETS, LEDGER_LINES
from sync_worker.retrieval.republishing import Republishing
from sync_worker.store import companies, landing, taking_up
from sync_worker.store.companies import COMPANIES, company_of
from testkit.databases import Templates
from testkit.probe import probe
from visma_nxt import client
from visma_nxt.errors import WrongCompanyAnswered
from visma_nxt.tables import GENERAL_LEDGER_ACCOUNT

from .books import BUILDER, PAINTER, Books, retrieved

MONTH, TODAY = "2026-01", date(2026, 3, 1)
QUEUE = {"company", "work_item", "turn", "republication"}
OF_ORGANIZATIONS = """
SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'sync' AND column_name = 'organization_id' ORDER BY 1
"""


class Neighbours:
    """Two companies in one database, and an operator who may look at both."""

    def __init__(self, ours: Books, theirs: Books, operator: str) -> None:
        self.ours, self.theirs, self.operator = ours, theirs, operator
        self.pool = ours.pool

    async def attest(self, books: Books) -> tuple[int, dict[str, Any]]:
        environment = {"OPSCTL__KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "OPSCTL__SERVICES__SYNC_WORKER__POSTGRES__DSN": self.operator}
        command = ["attest", str(books.company.organization_id), "--no-stream", "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, cli, command, env=environment)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.exit_code, orjson.loads(result.stdout)

    async def off(self, books: Books) -> set[str]:
        """Where `opsctl attest` finds something, if its exit status says so, too."""
        status, answer = await self.attest(books)
        found = {each["place"] for each in answer["held"] if each["crossing"] or each["strangers_see"] or each["behind_wall"] is False}
        assert status == bool(found) == (not answer["holds"])
        return found


@pytest.fixture(scope="module")
async def neighbours(database_templates: Templates, postgres: PostgresAddress) -> AsyncIterator[Neighbours]:
    async with retrieved(database_templates, BUILDER, PAINTER, modules=(Module.VAT, Module.ASSETS), lines=1500) as [ours, theirs]:
        name = f"operator_{uuid4().hex[:8]}"
        operator = postgres.database(ours.dsn.rpartition("/")[2], name, "secret")
        await provision.admit_operator(postgres, operator, owner=ours.dsn)
        yield Neighbours(ours, theirs, operator)
    connection = await postgres.connect()
    await connection.execute(f"DROP ROLE {name}")
    await connection.close()


async def test_the_same_numbers_never_meet(neighbours: Neighbours) -> None:
    """Retrieved, proven, changed, repaired, read anew and published once more, side by side."""
    ours, theirs, pool = neighbours.ours, neighbours.theirs, neighbours.pool
    for table, numbers in (
        ("ledger_line", "voucher_journal_no, audit_no"),
        ("ledger_line", "account_no, voucher_no"),
        ("customer", "customer_no"),
        ("supplier", "supplier_no"),
        ("vat_code", "vat_code"),
        ("capital_asset", "capital_asset_no"),
    ):
        same = (
            f"SELECT {numbers} FROM sync.{table} WHERE company_id = $1 INTERSECT SELECT {numbers} FROM sync.{table} WHERE company_id = $2"
        )
        assert await pool.fetch(same, ours.company.company_id, theirs.company.company_id), f"no {numbers} is in both books"

    line = await pool.fetchrow(
        "UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE (company_id, voucher_journal_no, audit_no) ="
        " (SELECT company_id, voucher_journal_no, audit_no FROM sync.ledger_line WHERE company_id = $1 ORDER BY 2, 3 LIMIT 1)"
        " RETURNING year, period",
        ours.company.company_id,
    )
    item = await pool.fetchval(
        "SELECT work_item_id FROM sync.work_item WHERE company_id = $1 AND data_set = 'ledger_lines' AND ledger_periods @> $2",
        ours.company.company_id,
        [list(line)],
    )
    await ours.prove_again(item)
    await republished(theirs)

    whose = {books.company.company_id: books.company.organization_id for books in (ours, theirs)}
    tables = [row["table_name"] for row in await pool.fetch(OF_ORGANIZATIONS)]
    for table in tables:
        found = {tuple(row) for row in await pool.fetch(f"SELECT DISTINCT company_id, organization_id FROM sync.{table}")}
        assert found <= set(whose.items()), table
        if table in {dataset.landing for dataset in DATASETS.values()} | {"proof"}:
            assert found == set(whose.items()), f"nothing landed in {table}"
    for books, other in ((ours, theirs), (theirs, ours)):
        await assert_only_their_own(books, other)
        assert await neighbours.off(books) == set()


async def assert_only_their_own(books: Books, other: Books) -> None:
    """Lines are those of the books; receipts and events name nobody else."""
    company, organization = books.company.company_id, books.company.organization_id
    strangers = (str(other.company.company_id), str(other.company.organization_id), other.company.organisation_number)
    strangers += (str(other.company.visma_company_id),)
    landed = {
        (row["account_no"], row["year"], row["period"]): (row["lines"], row["sum"])
        for row in await books.pool.fetch(
            "SELECT account_no, year, period, count(*) AS lines, sum(amount) FROM sync.ledger_line WHERE company_id = $1 GROUP BY 1, 2, 3",
            company,
        )
    }
    facts = (await books.control.get("/companies", params={"company": books.company.visma_company_id})).json()[0]["totals"]
    stated = {(each["accountNo"], each["year"], each["period"]): (each["lines"], float(each["sum"])) for each in facts}
    assert landed
    assert {group: (lines, float(amount)) for group, (lines, amount) in landed.items()}.items() <= stated.items()
    for row in await books.pool.fetch("SELECT receipt, totals::text AS totals FROM sync.proof WHERE company_id = $1", company):
        receipt = orjson.loads(row["receipt"])
        assert (receipt["company_id"], receipt["organization_id"]) == (str(company), str(organization))
        assert {each["variables"]["company"] for each in receipt["asked"]} <= {books.company.visma_company_id}
        assert not [stranger for stranger in strangers if stranger in row["receipt"]]
    events = await books.pool.fetch("SELECT header_names, header_values, value FROM eventing.outbox WHERE key = $1", str(company).encode())
    assert events
    for event in events:
        headers = dict(zip(event["header_names"], event["header_values"], strict=True))
        body = orjson.loads(event["value"])
        assert headers["ce_organizationid"].decode() == body["organization_id"] == str(organization)
        assert headers["ce_subject"].decode() == body["company_id"] == str(company)
        assert not [stranger for stranger in strangers[:2] if stranger in event["value"].decode()]


async def republished(books: Books) -> None:
    """Everything of a company is published once more."""
    about = {"company_id": books.company.company_id, "organization_id": books.company.organization_id}
    async with books.outbox.work(cause_of(books)) as work:
        await handlers.republish_periods(RepublishPeriods(**about), work)
    publishing = asyncio.create_task(Republishing(books.outbox, poll_seconds=0.02).run())
    try:
        await probe(lambda: nothing_to_publish(books), within=30, every=0.02)
    finally:
        publishing.cancel()
        with suppress(asyncio.CancelledError):
            await publishing


async def nothing_to_publish(books: Books) -> bool:
    return not await books.pool.fetchval("SELECT count(*) FROM sync.republication")


def cause_of(books: Books) -> Cause:
    return Cause(organization_id=books.company.organization_id, correlation_id="c", causation_id=None)


async def test_whoever_has_not_said_whom_they_work_for_sees_and_writes_nothing(neighbours: Neighbours) -> None:
    pool, walled = neighbours.ours.outbox.pool, await landed_tables(neighbours)
    assert {dataset.landing for dataset in DATASETS.values()} | {"proof", "a07_report", "a07_report_version"} == set(walled)
    for table in walled:
        assert await pool.fetchval(f"SELECT count(*) FROM sync.{table}") == 0, table
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT sync.work_for($1)", neighbours.ours.company.organization_id)
        assert await connection.fetchval("SELECT count(DISTINCT company_id) FROM sync.ledger_line") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE sync.customer SET organization_id = $1", neighbours.theirs.company.organization_id)
    assert await pool.fetchval("SELECT count(*) FROM sync.customer") == 0  # the transaction is over, and with it what it said


async def landed_tables(neighbours: Neighbours) -> list[str]:
    return [row["table_name"] for row in await neighbours.pool.fetch(OF_ORGANIZATIONS) if row["table_name"] not in QUEUE]


OWN = "organization_id = (SELECT nullif(current_setting('accountflow.organization_id', true), '')::uuid)"
OPENED = {
    "a policy opened": (
        "sync.ledger_line",
        "ALTER POLICY own_organization ON {table} USING (true)",
        f"ALTER POLICY own_organization ON {{table}} USING ({OWN})",
    ),
    "the way past opened": (
        "sync.proof",
        "ALTER POLICY every_organization ON {table} USING (true)",
        "ALTER POLICY every_organization ON {table} USING ((SELECT current_setting('accountflow.every_organization', true)) = 'on')",
    ),
    "not forced": ("sync.vat_figure", "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY", "ALTER TABLE {table} FORCE ROW LEVEL SECURITY"),
    "switched off": ("sync.customer", "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"),
}


@pytest.mark.parametrize("name", OPENED)
async def test_an_open_wall_is_attested(neighbours: Neighbours, name: str) -> None:
    table, opened, closed = OPENED[name]
    await neighbours.pool.execute(opened.format(table=table))
    try:
        assert await neighbours.off(neighbours.ours) == {table}
    finally:
        await neighbours.pool.execute(closed.format(table=table))


async def test_a_row_and_an_event_with_another_organisation_are_attested(neighbours: Neighbours) -> None:
    ours, theirs, pool = neighbours.ours.company, neighbours.theirs.company, neighbours.pool
    moved = await pool.fetchval(
        "UPDATE sync.customer SET organization_id = $2 WHERE (company_id, associate_no) = (SELECT $1::uuid, min(associate_no)"
        " FROM sync.customer WHERE company_id = $1) RETURNING associate_no",
        ours.company_id,
        theirs.organization_id,
    )
    told = await pool.fetchval(
        "INSERT INTO eventing.outbox (topic, key, header_names, header_values, value)"
        " VALUES ('accounting-data', $1, '{ce_organizationid}', ARRAY[$2::bytea], '{}') RETURNING id",
        str(ours.company_id).encode(),
        str(theirs.organization_id).encode(),
    )
    for books in (neighbours.ours, neighbours.theirs):  # whichever of the two is asked about
        assert await neighbours.off(books) == {"sync.customer", "eventing.outbox"}
    await pool.execute("DELETE FROM eventing.outbox WHERE id = $1", told)
    await pool.execute(
        "UPDATE sync.customer SET organization_id = $2 WHERE (company_id, associate_no) = ($1, $3)",
        ours.company_id,
        ours.organization_id,
        moved,
    )
    assert await neighbours.off(neighbours.ours) == set()


# Each attempt says whether it got across; each removal takes away the one guard that stops it.
Attempt = Callable[[Neighbours], Awaitable[bool]]
Removal = Callable[[Neighbours, pytest.MonkeyPatch], Any]


async def a_command_about_their_company(neighbours: Neighbours) -> bool:
    theirs = neighbours.theirs.company
    command = RetrySync(company_id=theirs.company_id, organization_id=neighbours.ours.company.organization_id)
    try:
        async with neighbours.ours.outbox.work(cause_of(neighbours.ours)) as work:
            await handlers.retry_sync(command, work)
    except NotYet:
        return False
    return True


async def a_hint_about_their_company(neighbours: Neighbours) -> bool:
    async with neighbours.ours.outbox.work(cause_of(neighbours.ours)) as work:
        return await companies.find_by_visma_company(work, PAINTER) is not None


async def lines_of_their_company(neighbours: Neighbours) -> bool:
    """Work that is for us, with a company in hand that is theirs."""
    async with neighbours.ours.outbox.work(cause_of(neighbours.ours)) as work:
        await work.connection.execute("SELECT sync.work_for($1)", work.organization_id)
        row = await work.connection.fetchrow("SELECT * FROM sync.company WHERE company_id = $1", neighbours.theirs.company.company_id)
        periods = await work.connection.fetchval(
            "SELECT ledger_periods FROM sync.work_item WHERE company_id = $1 AND data_set = 'ledger_lines' AND rank > 0 LIMIT 1",
            neighbours.theirs.company.company_id,
        )
        return bool(await landing.totals(work, LEDGER_LINES, company_of(row), [tuple(each) for each in periods]))


async def an_answer_of_their_company(neighbours: Neighbours) -> bool:
    ours = neighbours.ours
    (await ours.control.post("/faults", json={"effect": "wrong_company", "answer": PAINTER, "times": 1})).raise_for_status()
    try:
        await ours.visma.rows(GENERAL_LEDGER_ACCOUNT, BUILDER, organisation_number=ours.company.organisation_number)
    except WrongCompanyAnswered:
        return False
    finally:
        await ours.control.delete("/faults")
    return True


async def a_report_of_their_company(neighbours: Neighbours) -> bool:
    ours, theirs = (books.company.organisation_number for books in (neighbours.ours, neighbours.theirs))
    asked = MonthOnRequest(organisation_number=theirs, month=MONTH)
    sent = payroll.messages(1, employer(1, theirs), MONTH, TODAY, asked)
    try:
        reading.read_report(report(employer(1, theirs), MONTH, sent, TODAY), ours, MONTH, fetched_at=datetime.now(UTC))
    except UnreadableValueError:
        return False
    return True


async def their_consent(neighbours: Neighbours) -> bool:
    """That our company can be read is what another organisation was told."""
    ours, theirs = neighbours.ours, neighbours.theirs
    waits = "UPDATE sync.work_item SET status = $2 WHERE company_id = $1 AND data_set = 'customers'"
    await ours.pool.execute(waits, ours.company.company_id, "needs_consent")
    changed = VismaCompanyAccessChanged(
        organization_id=theirs.company.organization_id,
        visma_customer_id=ours.company.visma_customer_id,
        visma_company_id=BUILDER,
        readable=True,
        hint=None,
        checked_at=datetime.now(UTC),
    )
    try:
        async with theirs.outbox.work(cause_of(theirs)) as work:
            await handlers.on_company_access_changed(changed, work)
        taken_up = "SELECT status <> 'needs_consent' FROM sync.work_item WHERE company_id = $1 AND data_set = 'customers'"
        return bool(await ours.pool.fetchval(taken_up, ours.company.company_id))
    finally:
        await ours.pool.execute(waits, ours.company.company_id, "complete")


@asynccontextmanager
async def any_company_is_found(_: Neighbours, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    async def find(connection: Any, company_id: Any, organization_id: Any) -> Any:
        del organization_id
        return await connection.fetchrow("SELECT * FROM sync.company WHERE company_id = $1", company_id)

    patch.setattr(COMPANIES, "find", find)
    yield


@asynccontextmanager
async def any_visma_company_is_found(_: Neighbours, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    async def find(connection: Any, visma_company_id: Any, organization_id: Any) -> Any:
        del organization_id
        return await connection.fetchrow("SELECT * FROM sync.company WHERE visma_company_id = $1", visma_company_id)

    patch.setattr(COMPANIES, "find_by_visma_company", find)
    yield


@asynccontextmanager
async def no_wall(neighbours: Neighbours, _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    await neighbours.pool.execute("ALTER TABLE sync.ledger_line DISABLE ROW LEVEL SECURITY")
    yield
    await neighbours.pool.execute("ALTER TABLE sync.ledger_line ENABLE ROW LEVEL SECURITY")


@asynccontextmanager
async def any_answer_is_taken(_: Neighbours, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    real = client.contents_of
    patch.setattr(client, "contents_of", lambda answer, **_: real(answer, organisation_number=None))
    yield


@asynccontextmanager
async def any_report_is_taken(_: Neighbours, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    patch.setattr(reading, "_must_be_what_was_asked_for", lambda *_: None)
    yield


@asynccontextmanager
async def anybodys_consent_is_taken(neighbours: Neighbours, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    real = taking_up._TAKING_UP.consent_given

    def of_whoever_has_it(connection: Any, **about: Any) -> Any:
        return real(connection, **about | {"organization_id": neighbours.ours.company.organization_id})

    patch.setattr(taking_up._TAKING_UP, "consent_given", of_whoever_has_it)
    yield


@pytest.mark.parametrize(
    ("attempt", "removed"),
    [
        (a_command_about_their_company, any_company_is_found),
        (a_hint_about_their_company, any_visma_company_is_found),
        (lines_of_their_company, no_wall),
        (an_answer_of_their_company, any_answer_is_taken),
        (a_report_of_their_company, any_report_is_taken),
        (their_consent, anybodys_consent_is_taken),
    ],
)
async def test_each_guard_is_missed_when_it_is_gone(
    neighbours: Neighbours, attempt: Attempt, removed: Removal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not await attempt(neighbours)
    with monkeypatch.context() as patch:
        async with removed(neighbours, patch):
            assert await attempt(neighbours)
    assert not await attempt(neighbours)
