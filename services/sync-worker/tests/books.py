"""Companies in books of their own, retrieved and proven by real workers, over real PostgreSQL and the simulator of Visma.

No Kafka: events are read where the relay would take them.
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
from pydantic import SecretStr

from contracts.company import CompanyCreated, Module
from eventing.outbox import Outbox
from eventing.work import Cause, Work
from servicekit.health import Health
from servicekit.migrations import migrate
from servicekit.postgres import postgres_pool
from servicekit.settings import PostgresSettings
from sync_worker.__main__ import PROGRAM
from sync_worker.domain.page_sizes import PageSizes
from sync_worker.domain.plan import Source
from sync_worker.handlers import start_retrieval
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

from .conftest import EVERY_ORGANIZATION, company_created

BUILDER, PAINTER = 7100002, 7100004
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
    """One company, retrieved and proven. ``pool`` sees every organisation's rows, the workers only those they work for."""

    dsn: str
    pool: asyncpg.Pool
    outbox: Outbox
    visma: VismaClient
    control: httpx.AsyncClient
    company: CompanyCreated

    @asynccontextmanager
    async def workers(self, *, page_size: int = 200) -> AsyncIterator[None]:
        settings = RetrievalSettings(poll_seconds=0.02, smallest_page=min(page_size, 100))
        pages = PageSizes(settings.pages(most=page_size))
        steps = Steps(self.visma, None, self.outbox, pages, settings.pace, settings.freshness)  # type: ignore[arg-type] - no payroll here
        workers = Workers(Source.VISMA, steps.visma, self.outbox, settings, side_by_side=4)
        running = asyncio.create_task(workers.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """As when a message about the company is handled."""
        async with self.outbox.work(Cause(organization_id=self.company.organization_id, correlation_id="c", causation_id=None)) as work:
            yield work

    async def settle(self, *, within: float = 30) -> None:
        """Let workers do whatever is open."""
        async with self.workers():
            await probe(self._settled, within=within, every=0.01)

    async def _settled(self) -> bool:
        return bool(
            await self.pool.fetchval(
                "SELECT count(*) > 0 AND bool_and(status IN ('complete', 'needs_attention', 'retired'))"
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
        return [value for said, value in await self.said() if said == name]

    async def said(self) -> list[tuple[str, dict[str, Any]]]:
        """All events since then, each with the name of its type."""
        rows = await self.pool.fetch("SELECT header_names, header_values, value FROM eventing.outbox ORDER BY id")
        await self.pool.execute("DELETE FROM eventing.outbox")
        found = [(dict(zip(row["header_names"], row["header_values"], strict=True)), orjson.loads(row["value"])) for row in rows]
        return [(headers["ce_type"].decode().split(".")[-2], value) for headers, value in found]


async def _migrate(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


@asynccontextmanager
async def retrieved(templates: Templates, *numbers: int, modules: tuple[Module, ...] = (), lines: int = 2000) -> AsyncIterator[list[Books]]:
    """Companies of Visma with these numbers, each of an organisation of its own, retrieved side by side by the same workers."""
    companies = [{"number": number, "name": f"Bygg {number} AS", "lines": lines} for number in numbers]
    described = {
        "clients": [{"id": "isv_accountflow", "secret": "simulator-secret"}],
        "customers": [{"number": 12345, "name": "Fjordregnskap AS", "companies": companies}],
    }
    facts = scenario.read(described)
    dsn = await templates.clone("sync_worker", _migrate)
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
            await _pool(dsn) as workers,
            await _pool(dsn + EVERY_ORGANIZATION) as pool,
            visma,
            httpx.AsyncClient(base_url=url + CONTROL_PATH) as control,
        ):
            outbox = Outbox(workers, "/sync-worker")
            all_books = []
            for company in facts.customers[0].companies:
                created = company_created(
                    organization_id=uuid4(),
                    visma_company_id=company.number,
                    name=company.name,
                    organisation_number=company.organisation_number,
                    reconciliation_start=(facts.today - timedelta(days=150)).replace(day=1),
                    modules=list(modules),
                )
                cause = Cause(organization_id=created.organization_id, correlation_id="c", causation_id=None)
                async with outbox.work(cause) as work:
                    await start_retrieval(created, work)
                all_books.append(Books(dsn, pool, outbox, visma, control, created))
            for books in all_books:
                await books.settle(within=120)
            yield all_books
    await templates.drop(dsn)


async def _pool(dsn: str) -> asyncpg.Pool:
    return await postgres_pool(PostgresSettings(dsn=SecretStr(dsn), pool_max=8), application="test", health=Health())
