"""Errors planted among landed lines: found by few questions, mended by reading one voucher again, unseen without the check that sees them.

No Kafka: workers, PostgreSQL and the simulator of Visma are real, events are read where the relay would take them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import orjson
import pytest
from pydantic import SecretStr

from contracts.company import CompanyCreated, PeriodType, VatFrequency
from eventing.outbox import Outbox
from eventing.work import Cause
from servicekit.health import Health
from servicekit.migrations import migrate
from servicekit.postgres import postgres_pool
from servicekit.settings import PostgresSettings
from sync_worker.__main__ import PROGRAM
from sync_worker.domain import locating as rules
from sync_worker.domain.page_sizes import PageSizes
from sync_worker.domain.plan import Source
from sync_worker.domain.proof import Difference
from sync_worker.handlers import start_retrieval
from sync_worker.retrieval import locating, verification
from sync_worker.retrieval.steps import Steps
from sync_worker.retrieval.workers import Workers
from sync_worker.settings import RetrievalSettings
from testkit.databases import Templates
from testkit.probe import probe
from visma_nxt import VismaClient, VismaSettings
from visma_simulator import scenario
from visma_simulator import server as visma_server
from visma_simulator.app import CONTROL_PATH, GRAPHQL_PATH, TOKEN_PATH, build_app
from visma_simulator.limits import Limits

BUILDER = 7100002
LINES, GROUPS = "GeneralLedgerTransactionRows", "GeneralLedgerTransactionGroups"
COLUMNS = (
    "organization_id, company_id, voucher_journal_no, audit_no, account_no, year, period, voucher_no, voucher_type, voucher_date, "
    " value_date, text, amount, currency_no, vat_code, customer_no, supplier_no, org_unit_1, org_unit_2, scan, changed_at"
)


@dataclass(frozen=True)
class Voucher:
    """A landed voucher of three lines, in whose period there is another one that has a line on the same account."""

    journal: int
    number: int
    year: int
    period: int
    item: int


@dataclass
class Books:
    """One company, retrieved and proven."""

    pool: asyncpg.Pool
    outbox: Outbox
    visma: VismaClient
    control: httpx.AsyncClient
    company: CompanyCreated

    @asynccontextmanager
    async def workers(self) -> AsyncIterator[None]:
        settings = RetrievalSettings(poll_seconds=0.02)
        pages = PageSizes(settings.pages(most=200))
        steps = Steps(self.visma, None, self.outbox, pages, settings.freshness)  # type: ignore[arg-type] - no payroll here
        workers = Workers(Source.VISMA, steps.visma, self.outbox, settings, side_by_side=4)
        running = asyncio.create_task(workers.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def settle(self) -> None:
        """Let workers do whatever is open."""
        async with self.workers():
            await probe(self._settled, within=30, every=0.01)

    async def _settled(self) -> bool:
        return bool(
            await self.pool.fetchval(
                "SELECT count(*) > 0 AND bool_and(status IN ('complete', 'needs_attention'))"
                " FROM sync.work_item WHERE source = 'visma' AND company_id = $1",
                self.company.company_id,
            )
        )

    async def prove_again(self, item: int) -> None:
        """Take an item to where its rows have all landed and are not proven, and let workers go on."""
        await self.pool.execute(
            "INSERT INTO sync.turn (source, company_id) VALUES ('visma', $1) ON CONFLICT DO NOTHING", self.company.company_id
        )
        await self.pool.execute("UPDATE sync.work_item SET status = 'verifying', refetched = false WHERE work_item_id = $1", item)
        await self.settle()

    async def voucher(self) -> Voucher:
        row = await self.pool.fetchrow(
            "SELECT min(l.voucher_journal_no) AS journal, l.voucher_no AS number, l.year, l.period, min(i.work_item_id) AS item"
            " FROM sync.ledger_line l JOIN sync.work_item i ON i.ledger_periods @> jsonb_build_array(jsonb_build_array(l.year, l.period))"
            " AND i.data_set = 'ledger_lines' WHERE l.account_no <> 1920"
            " GROUP BY l.voucher_journal_no, l.voucher_no, l.year, l.period, l.voucher_type"
            " HAVING count(*) = 3 AND min(i.rank) > 1 ORDER BY 1, 2 LIMIT 1"
        )
        return Voucher(**row)

    async def execute(self, statement: str, voucher: Voucher) -> int:
        """How many lines the statement touched."""
        values = {"journal": voucher.journal, "number": voucher.number, "year": voucher.year, "period": voucher.period}
        return int((await self.pool.execute(statement.format(columns=COLUMNS, **values))).split()[-1])

    async def lines(self) -> list[tuple[Any, ...]]:
        names = COLUMNS.replace(", scan, changed_at", "")
        return [tuple(row) for row in await self.pool.fetch(f"SELECT {names} FROM sync.ledger_line ORDER BY 3, 4")]

    async def asked(self) -> list[dict[str, Any]]:
        """The requests about the ledger since the last time this was asked."""
        found = (await self.control.get("/requests")).json()["requests"]
        await self.control.delete("/requests")
        return [each for each in found if each["operation"] in (LINES, GROUPS)]

    async def published(self, name: str) -> list[dict[str, Any]]:
        """The events of a type since the last time any were asked for."""
        rows = await self.pool.fetch("SELECT header_names, header_values, value FROM eventing.outbox ORDER BY id")
        await self.pool.execute("DELETE FROM eventing.outbox")
        found = [(dict(zip(row["header_names"], row["header_values"], strict=True)), orjson.loads(row["value"])) for row in rows]
        return [value for headers, value in found if headers["ce_type"].decode().endswith(f".{name}.v1")]


async def _migrate(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


@pytest.fixture(scope="module")
async def books(database_templates: Templates) -> AsyncIterator[Books]:
    described = {
        "clients": [{"id": "isv_accountflow", "secret": "simulator-secret"}],
        "customers": [{"number": 12345, "name": "Fjordregnskap AS", "companies": [{"number": BUILDER, "name": "Bygg AS", "lines": 2000}]}],
    }
    facts = scenario.read(described)
    dsn = await database_templates.clone("sync_worker", _migrate)
    with visma_server.running(build_app(facts, Limits(requests_per_minute=1_000_000))) as url:
        visma = VismaClient(
            VismaSettings(
                token_url=url + TOKEN_PATH,
                graphql_url=url + GRAPHQL_PATH,
                client_id="isv_accountflow",
                client_secret=SecretStr("simulator-secret"),
                requests_per_minute=60_000,
            )
        )
        async with (
            await postgres_pool(PostgresSettings(dsn=SecretStr(dsn), pool_max=8), application="test", health=Health()) as pool,
            visma,
            httpx.AsyncClient(base_url=url + CONTROL_PATH) as control,
        ):
            created = CompanyCreated(
                company_id=uuid4(),
                organization_id=uuid4(),
                visma_customer_id=12345,
                visma_company_id=BUILDER,
                name="Bygg AS",
                comment="",
                organisation_number=facts.customers[0].companies[0].organisation_number,
                period_type=PeriodType.MONTH,
                financial_year_start_month=1,
                reconciliation_start=(facts.today - timedelta(days=150)).replace(day=1),
                responsible_user="kari",
                vat_frequency=VatFrequency.TWO_MONTHLY,
                company_groups=[],
                modules=[],
                created_by="kari",
            )
            found = Books(pool, Outbox(pool, "/sync-worker"), visma, control, created)
            cause = Cause(organization_id=created.organization_id, correlation_id="c", causation_id=None)
            async with found.outbox.work(cause) as work:
                await start_retrieval(created, work)
            await found.settle()
            yield found
    await database_templates.drop(dsn)


IN_VOUCHER = "voucher_journal_no = {journal} AND voucher_no = {number}"
FIRST, SECOND = (
    f"{IN_VOUCHER} AND audit_no = (SELECT {which}(audit_no) FROM sync.ledger_line WHERE {IN_VOUCHER})" for which in ("min", "max")
)
DOUBLED = (
    "INSERT INTO sync.ledger_line ({columns}) SELECT " + COLUMNS.replace("audit_no", "audit_no + 20000") + " FROM sync.ledger_line WHERE "
)
ON_THE_SAME_ACCOUNT = f"""(voucher_journal_no, audit_no) = (
    SELECT o.voucher_journal_no, o.audit_no FROM sync.ledger_line o JOIN sync.ledger_line mine ON mine.account_no = o.account_no
    WHERE o.year = {{year}} AND o.period = {{period}} AND o.voucher_no <> {{number}}
      AND (mine.voucher_journal_no, mine.audit_no) = (SELECT voucher_journal_no, audit_no FROM sync.ledger_line WHERE {FIRST})
    ORDER BY 1, 2 LIMIT 1)"""


@dataclass(frozen=True)
class Planted:
    """An error among the landed lines, and which checks of the proof see it."""

    statements: tuple[str, ...]
    seen_by: frozenset[str]
    vouchers: int = 1


def planted(*statements: str, seen_by: str, vouchers: int = 1) -> Planted:
    return Planted(statements, frozenset(seen_by.split()), vouchers)


ERRORS = {
    "a line lost": planted(f"DELETE FROM sync.ledger_line WHERE {FIRST}", seen_by="count sum voucher"),
    "a voucher lost": planted(f"DELETE FROM sync.ledger_line WHERE {IN_VOUCHER}", seen_by="count sum"),
    "a line doubled": planted(DOUBLED + FIRST, seen_by="count sum voucher"),
    "a voucher doubled": planted(DOUBLED + IN_VOUCHER, seen_by="count sum"),
    "an øre on a line": planted(f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}", seen_by="sum voucher"),
    "an øre from account to account": planted(
        f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}",
        f"UPDATE sync.ledger_line SET amount = amount - 0.01 WHERE {SECOND}",
        seen_by="sum",
    ),
    "a line on another account": planted(f"UPDATE sync.ledger_line SET account_no = account_no + 1 WHERE {FIRST}", seen_by="count sum"),
    "lines that cancel out": planted(
        DOUBLED + FIRST,
        DOUBLED.replace("20000", "20001").replace(" amount,", " -amount,") + FIRST,
        seen_by="count",
    ),
    "a krone from voucher to voucher on one account": planted(
        f"UPDATE sync.ledger_line SET amount = amount + 1 WHERE {FIRST}",
        f"UPDATE sync.ledger_line SET amount = amount - 1 WHERE {ON_THE_SAME_ACCOUNT}",
        seen_by="voucher",
        vouchers=2,
    ),
    "a voucher moved to another period": planted(
        f"UPDATE sync.ledger_line SET period = period + 1 WHERE {IN_VOUCHER}", seen_by="count sum"
    ),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_a_planted_error_is_found_by_few_questions_and_mended_by_one(
    books: Books, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, voucher, right = ERRORS[name], await books.voucher(), await books.lines()
    for statement in error.statements:
        assert await books.execute(statement, voucher)
    wrong = await books.lines()
    assert wrong != right

    with monkeypatch.context() as without:
        blind(without, error.seen_by)
        await books.prove_again(voucher.item)
        assert await books.lines() == wrong  # nothing else would have seen it
    await books.asked()
    await books.published("any")

    await books.prove_again(voucher.item)
    asked = await books.asked()
    kinds = "".join("L" if each["operation"] == LINES else "g" for each in asked)
    questions, _, proof = kinds.partition("L")
    assert len(questions) <= 5
    assert proof == "g"
    assert await books.lines() == right
    [repaired] = await books.published("PeriodRepaired")
    assert len(repaired["vouchers"]) == error.vouchers
    assert [each["rows"] for each in asked if each["operation"] == LINES] == [
        sum(each["lines_after"] for each in repaired["vouchers"]) + 1
    ]  # and whose they are
    assert (voucher.journal, voucher.number) in {(each["voucher_journal_no"], each["voucher_no"]) for each in repaired["vouchers"]}
    assert bool(repaired["differences"]) == (error.seen_by != {"voucher"})


def blind(patch: pytest.MonkeyPatch, checks: frozenset[str]) -> None:
    """Take these checks out of the proof."""
    real = verification.differences

    def differences(*sides: Any) -> list[Difference]:
        found = real(*sides)
        return [
            each
            for each in found
            if ("sum" not in checks and each.amount) or ("count" not in checks and each.landed.rows != each.stated.rows)
        ]

    async def no_voucher(*_: Any) -> list[Any]:
        return []

    patch.setattr(verification, "differences", differences)
    if "voucher" in checks:
        patch.setattr(verification, "_unbalanced", no_voucher)


async def test_large_answers_are_avoided_by_asking_coarse_questions_first(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    voucher, right = await books.voucher(), await books.lines()
    await books.execute(f"DELETE FROM sync.ledger_line WHERE {IN_VOUCHER}", voucher)
    monkeypatch.setattr(locating, "MOST_GROUPS", -1)
    await books.asked()
    await books.prove_again(voucher.item)
    asked = await books.asked()
    assert [each["operation"] for each in asked] == [GROUPS, GROUPS, GROUPS, GROUPS, LINES, GROUPS]  # the proof, day, journal, voucher
    assert await books.lines() == right


async def test_what_is_wrong_in_many_places_is_read_anew(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    voucher, right = await books.voucher(), await books.lines()
    await books.execute("DELETE FROM sync.ledger_line WHERE year = {year} AND period = {period} AND amount > 0", voucher)
    monkeypatch.setattr(rules, "MOST_PLACES", 5)
    await books.published("any")
    await books.prove_again(voucher.item)
    assert await books.lines() == right
    assert await books.pool.fetchval("SELECT refetched FROM sync.work_item WHERE work_item_id = $1", voucher.item)
    assert await books.published("PeriodRepaired") == []


async def test_an_answer_cut_short_removes_nothing(books: Books) -> None:
    voucher, right = await books.voucher(), await books.lines()
    await books.execute(f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}", voucher)
    rule = {"effect": "drop_row", "operation": LINES, "index": 1, "times": 1}
    (await books.control.post("/faults", json=rule)).raise_for_status()
    await books.published("any")
    await books.prove_again(voucher.item)
    assert await books.lines() == right
    assert await books.published("LedgerLinesRemoved") == []


async def test_a_wrong_entry_of_another_data_set_is_mended_the_same_way(books: Books) -> None:
    item = await books.pool.fetchval("SELECT work_item_id FROM sync.work_item WHERE data_set = 'customer_transactions'")
    right = await books.pool.fetch("SELECT voucher_journal_no, audit_no, amount FROM sync.customer_transaction ORDER BY 1, 2")
    await books.pool.execute(
        "DELETE FROM sync.customer_transaction WHERE (voucher_journal_no, audit_no) = ("
        "SELECT max(voucher_journal_no), max(audit_no) FROM sync.customer_transaction GROUP BY voucher_journal_no ORDER BY 1 LIMIT 1)"
    )
    await books.control.delete("/requests")
    await books.prove_again(item)
    found = (await books.control.get("/requests")).json()["requests"]
    assert [each["operation"].removeprefix("CustomerTransaction") for each in found] == ["Groups", "Groups", "Rows", "Groups"]
    assert await books.pool.fetch("SELECT voucher_journal_no, audit_no, amount FROM sync.customer_transaction ORDER BY 1, 2") == right
