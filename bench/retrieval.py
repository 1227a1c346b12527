"""The ledger of one company into PostgreSQL and Kafka with its proof, by sync-worker; against dlt, and a loop that keeps nothing safe.

All three read the same pages of 2,000 rows from the same simulator, eight or more at a time, and land them in the same PostgreSQL. Ours
lands everything else of the company too, publishes and proves it; what is counted is ledger lines. ``SIZE=100000`` takes another number
of lines, ``PROCESSES=2`` as many workers.
"""

import asyncio
import json
import os
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import psutil  # type: ignore[import-untyped]

from bench.keyset import where
from bench.retrieving import CLIENT, FIRST_YEAR, SECRET, UNLIMITED, Landed, Watch, landed, others, visma
from bench.rounds import Comparison, spread
from bench.servers import Servers
from bench.their_packages import HERE, python_with
from visma_nxt.documents import rows as document
from visma_nxt.tables import GENERAL_LEDGER_TRANSACTION as LEDGER

LINES = int(os.environ.get("SIZE", "1000000"))
PROCESSES = int(os.environ.get("PROCESSES", "1"))
COMPANY, PAGE_SIZE, SIDE_BY_SIDE = 7_100_001, 2000, 8
TEXTS = ["text", "invoiceNo", "changedTimestamp", *(f"orgUnit{number}" for number in range(7, 13))]
QUERY = document(LEDGER, with_total=False)
PERIODS = [(year, period) for year in range(FIRST_YEAR, datetime.now(UTC).year + 1) for period in range(1, 14)]
SHARES = [PERIODS[number::SIDE_BY_SIDE] for number in range(SIDE_BY_SIDE)]
FORMAT = os.environ.get("DLT_FORMAT", "csv")


async def dlt(servers: Servers, urls: dict[str, str]) -> Landed:
    """Lines per second, and MB at most of dlt and its children."""
    async with servers.database("dlt", None) as dsn, _asker(urls) as (_, token):
        said = {
            "url": urls["graphql_url"],
            "token": token,
            "query": QUERY,
            "company": COMPANY,
            "page_size": PAGE_SIZE,
            "shares": SHARES,
            "columns": LEDGER.columns,
            "texts": TEXTS,
            "amounts": sorted(LEDGER.amounts),
            "dsn": dsn,
            "format": FORMAT,
        }
        command = (python_with("dlt"), "-m", "bench.retrieval_dlt")
        program = await asyncio.create_subprocess_exec(*command, cwd=HERE.parent, stdin=PIPE, stdout=PIPE)
        watch = Watch()
        async with watch.over(others() | {"dlt": [psutil.Process(program.pid)]}, memory_of="dlt"):
            out, _ = await program.communicate(json.dumps(said).encode())
        if program.returncode:
            raise RuntimeError("dlt has failed")
        async with servers.pool(dsn) as pool:
            lines = await pool.fetchval("SELECT count(*) FROM landed.ledger_line")
        found = Landed(lines / json.loads(out.splitlines()[-1])["seconds"], watch.megabytes)
        print(f"dlt: {found.rows_per_second:,.0f} rows/s, {found.megabytes:.0f} MB", flush=True)
        return found


async def bare(servers: Servers, urls: dict[str, str]) -> float:
    """Lines per second of a loop that fetches, parses and copies."""
    numbers = ", ".join(f'"{name}" {"float8" if name in LEDGER.amounts else "text" if name in TEXTS else "int"}' for name in LEDGER.columns)
    async with servers.database("bare", None) as dsn, servers.pool(dsn) as pool:
        await pool.execute(f"CREATE TABLE ledger_line ({numbers})")

        async def copy(rows: Sequence[dict[str, Any]]) -> None:
            await pool.copy_records_to_table("ledger_line", columns=LEDGER.columns, records=[tuple(row.values()) for row in rows])

        start = time.perf_counter()
        await _read(urls, copy)
        seconds = time.perf_counter() - start
        lines = await pool.fetchval("SELECT count(*) FROM ledger_line")
        print(f"bare loop: {lines / seconds:,.0f} rows/s", flush=True)
        return lines / seconds


async def ceiling(urls: dict[str, str]) -> float:
    """Lines per second that the simulator gives to a client which throws them away."""
    lines = 0

    async def count(rows: Sequence[dict[str, Any]]) -> None:
        nonlocal lines
        lines += len(rows)

    start = time.perf_counter()
    await _read(urls, count)
    seconds = time.perf_counter() - start
    print(f"the simulator alone: {lines / seconds:,.0f} rows/s, {lines / PAGE_SIZE / seconds:.0f} pages/s", flush=True)
    return lines / seconds


async def _read(urls: dict[str, str], take: Any) -> None:
    async with _asker(urls) as (http, _):

        async def share(periods: Sequence[tuple[int, int]]) -> None:
            for year, period in periods:
                after = None
                while True:
                    variables = {"company": COMPANY, "first": PAGE_SIZE, "filter": where(year, period, after)}
                    async with http.post(urls["graphql_url"], data=orjson.dumps({"query": QUERY, "variables": variables})) as answer:
                        rows = orjson.loads(await answer.read())["data"]["useCompany"]["generalLedgerTransaction"]["items"]
                    if rows:
                        await take(rows)
                    if len(rows) < PAGE_SIZE:
                        break
                    after = rows[-1]["voucherJournalNo"], rows[-1]["auditNo"]

        await asyncio.gather(*map(share, SHARES))


@asynccontextmanager
async def _asker(urls: dict[str, str]) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scope": "business-graphql-service-api:access-group-based-readonly",
    }
    async with aiohttp.ClientSession() as http, http.post(urls["token_url"], data=form) as answer:
        token = (await answer.json())["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http, token


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """One after the other, in turns who is first."""
    python_with("dlt")
    found: dict[str, list[Any]] = {"ours": [], "dlt": [], "bare": [], "ceiling": []}
    with visma({COMPANY: LINES}, *UNLIMITED) as urls:
        contenders = {
            "ours": lambda: landed(servers, urls, [COMPANY], PROCESSES),
            "dlt": lambda: dlt(servers, urls),
            "bare": lambda: bare(servers, urls),
            "ceiling": lambda: ceiling(urls),
        }
        for number in range(rounds):
            for name in list(contenders)[:: -1 if number % 2 else 1]:
                found[name].append(await contenders[name]())
    rows, their_rows = ([each.rows_per_second for each in found[name]] for name in ("ours", "dlt"))
    megabytes, their_megabytes = ([each.megabytes for each in found[name]] for name in ("ours", "dlt"))
    print(f"the simulator alone gives {spread(found['ceiling'])} rows/s", flush=True)
    what = f"{LINES:,} ledger lines into PostgreSQL and Kafka with proof, {PROCESSES} worker process(es)"
    comparisons = [
        Comparison(what=what, against=f"dlt, Arrow and {FORMAT}", unit="rows/s", ours=rows, theirs=their_rows, at_least=5),
        Comparison(what=f"memory: {what}", against="dlt", unit="MB", ours=megabytes, theirs=their_megabytes, at_most=1),
        Comparison(
            what=f"requests that prove: {what}",
            against="requests that retrieve",
            unit="requests",
            ours=[each.proving for each in found["ours"]],
            theirs=[each.retrieving for each in found["ours"]],
            at_most=0.02,
        ),
        Comparison(what=what, against="fetch, parse, COPY", unit="rows/s", ours=rows, theirs=found["bare"], at_least=0.6),
    ]
    print(*comparisons, sep="\n", flush=True)
    return comparisons
