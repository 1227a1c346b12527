"""One wrong voucher among a million lines: the questions until it is known, the pages to mend it, and what reading its period anew takes.

Periods are years, the largest there are. `python -m bench.locate 100000` does it for as many lines and prints what was asked.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import structlog
import uvloop
from pydantic import SecretStr

from bench.rounds import Comparison
from bench.servers import Servers, servers
from contracts.company import CompanyCreated, PeriodType, VatFrequency
from eventing.outbox import Outbox
from eventing.work import Cause
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
from visma_nxt import VismaClient, VismaSettings
from visma_simulator import server as visma_server

LINES = 1_000_000
COMPANY, CLIENT, SECRET = 7100001, "isv_accountflow", "simulator-secret"

BREAK = """
UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE (company_id, voucher_journal_no, audit_no) = (
    SELECT company_id, voucher_journal_no, audit_no FROM sync.ledger_line
    WHERE account_no = 1500 AND year = $1 ORDER BY 2, 3 OFFSET $2 LIMIT 1)
RETURNING voucher_journal_no, voucher_no"""
LOSE = """
DELETE FROM sync.ledger_line WHERE (voucher_journal_no, voucher_no) = (
    SELECT voucher_journal_no, voucher_no FROM sync.ledger_line
    WHERE account_no = 1500 AND year = $1 ORDER BY 1, audit_no OFFSET $2 LIMIT 1)
RETURNING voucher_journal_no, voucher_no"""
PROVE_AGAIN = "UPDATE sync.work_item SET status = 'verifying', refetched = false WHERE data_set = 'ledger_lines' AND period_label LIKE $1"
READ_ANEW = """
UPDATE sync.work_item
SET status = 'retrieving', scan = nextval('sync.scan'), cursor = NULL, scanned = 0, expected = NULL, scan_complete = false
WHERE data_set = 'ledger_lines' AND period_label LIKE $1"""
DONE = "SELECT count(*) > 1 AND bool_and(status = 'complete') FROM sync.work_item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What was asked from the first proof to the one that held: questions before the first page, pages, questions after it."""

    questions: int
    pages: int
    rows: int
    seconds: float

    @property
    def requests(self) -> int:
        return self.questions + self.pages + 1


@dataclass
class Ledger:
    """One company of so many lines, retrieved and proven."""

    pool: asyncpg.Pool
    control: httpx.AsyncClient
    workers: Workers

    async def settle(self) -> None:
        running = asyncio.create_task(self.workers.run())
        while not await self.pool.fetchval(DONE):
            await asyncio.sleep(0.02)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def way(self, statement: str, year: int) -> Way:
        """Let the year's item be open again by this statement, and see what is asked until it is proven."""
        await self.pool.execute(
            "INSERT INTO sync.turn (source, company_id) SELECT 'visma', company_id FROM sync.company ON CONFLICT DO NOTHING"
        )
        await self.pool.execute("TRUNCATE eventing.outbox")
        (await self.control.delete("/requests")).raise_for_status()
        await self.pool.execute(statement, f"{year}-%")
        start = time.perf_counter()
        await self.settle()
        seconds = time.perf_counter() - start
        asked: list[dict[str, Any]] = (await self.control.get("/requests")).json()["requests"]
        kinds = [each["operation"].removeprefix("GeneralLedgerTransaction") for each in asked if each["operation"]]
        return Way(
            questions=kinds.index("Rows"),
            pages=kinds.count("Rows"),
            rows=sum(each["rows"] for each, kind in zip(asked, kinds, strict=True) if kind == "Rows"),
            seconds=seconds,
        )


@asynccontextmanager
async def ledger(servers: Servers, lines: int) -> AsyncIterator[Ledger]:
    """Retrieve it, whole years at a time."""
    first_year = datetime.now(UTC).year - 2
    company = {"number": COMPANY, "name": "Stor AS", "organisation_number": "914594685", "lines": lines, "first_year": first_year}
    described = {
        "clients": [{"id": CLIENT, "secret": SECRET}],
        "customers": [{"number": 12345, "name": "Fjordregnskap AS", "companies": [company]}],
    }
    with TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.json"
        scenario.write_text(json.dumps(described))
        with visma_server.process("--scenario", str(scenario), "--requests-per-minute", "1000000") as urls:
            settings = VismaSettings(
                token_url=urls["token_url"],
                graphql_url=urls["graphql_url"],
                client_id=CLIENT,
                client_secret=SecretStr(SECRET),
                requests_per_minute=60_000,
            )
            async with (
                servers.database("sync_worker", _migrate) as dsn,
                await postgres_pool(PostgresSettings(dsn=SecretStr(dsn)), application="bench", health=Health()) as workers,
                asyncpg.create_pool(dsn, server_settings={"accountflow.every_organization": "on"}) as pool,
                VismaClient(settings) as visma,
                httpx.AsyncClient(base_url=urls["control_url"], timeout=120) as control,
            ):
                outbox, retrieval = Outbox(workers, "/sync-worker"), RetrievalSettings(poll_seconds=0.02)
                pages = PageSizes(retrieval.pages(most=settings.page_size))
                steps = Steps(visma, None, outbox, pages, retrieval.pace, retrieval.freshness)  # type: ignore[arg-type] - no payroll
                found = Ledger(pool, control, Workers(Source.VISMA, steps.visma, outbox, retrieval, side_by_side=8))
                created = _created(first_year)
                async with outbox.work(Cause(organization_id=created.organization_id, correlation_id="bench", causation_id=None)) as work:
                    await start_retrieval(created, work)
                start = time.perf_counter()
                await found.settle()
                landed = await pool.fetchval("SELECT count(*) FROM sync.ledger_line")
                await pool.execute("ANALYZE sync.ledger_line")
                print(f"{landed:,} lines retrieved and proven in {time.perf_counter() - start:.0f} s", flush=True)
                yield found


async def compared(servers: Servers, lines: int, rounds: int) -> list[Comparison]:
    """An øre too much on a line, then a voucher that is lost, in turns; and the same year read anew."""
    year = datetime.now(UTC).year - 1
    found: list[Way] = []
    async with ledger(servers, lines) as books:
        for number in range(rounds):
            statement = (BREAK, LOSE)[number % 2]
            wrong = await books.pool.fetch(statement, year, lines // 100 * (number + 1))
            found.append(await books.way(PROVE_AGAIN, year))
            voucher = wrong[0]["voucher_journal_no"], wrong[0]["voucher_no"]
            print(f"{('an øre', 'a voucher lost')[number % 2]} at {voucher}: {found[-1]}", flush=True)
        anew = await books.way(READ_ANEW, year)
        print(f"read anew: {anew}", flush=True)
    return [
        Comparison(
            what=f"questions until one wrong voucher among {lines:,} lines is known, the proof included",
            against="the most there may be",
            unit="requests",
            ours=[each.questions for each in found],
            theirs=[5] * rounds,
            at_most=1,
        ),
        Comparison(
            what="pages to mend it",
            against="one",
            unit="requests",
            ours=[each.pages for each in found],
            theirs=[1] * rounds,
            at_most=1,
        ),
        *(
            Comparison(
                what=f"{unit} from the proof that failed to the one that holds",
                against="reading the year anew",
                unit=unit,
                ours=[getattr(each, unit) for each in found],
                theirs=[getattr(anew, unit)] * rounds,
                at_most=1,
            )
            for unit in ("requests", "rows", "seconds")
        ),
    ]


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """A million lines."""
    found = await compared(servers, LINES, rounds)
    print(*found, sep="\n", flush=True)
    return found


async def _migrate(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


def _created(first_year: int) -> CompanyCreated:
    return CompanyCreated(
        company_id=uuid4(),
        organization_id=uuid4(),
        visma_customer_id=12345,
        visma_company_id=COMPANY,
        name="Stor AS",
        comment="",
        organisation_number="914594685",
        period_type=PeriodType.YEAR,
        financial_year_start_month=1,
        reconciliation_start=date(first_year, 1, 1),
        responsible_user="kari",
        vat_frequency=VatFrequency.TWO_MONTHLY,
        company_groups=[],
        modules=[],
        created_by="kari",
    )


async def _main(lines: int) -> None:
    async with servers() as running:
        print(*await compared(running, lines, 4), sep="\n")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.disable(logging.WARNING)
    uvloop.run(_main(int(sys.argv[1])))
