"""What the rows about retrieval share: a Visma with companies in it, and sync-worker in processes of its own beside it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import psutil  # type: ignore[import-untyped]
from aiokafka import AIOKafkaProducer

from bench.messages import sent
from bench.servers import Servers
from contracts.company import CompanyCreated, PeriodType, VatFrequency
from eventing.kafka import KafkaAccess
from local_stack.ports import free_port
from servicekit.migrations import MigrationSet, migrate
from skatteetaten_simulator import keys
from sync_worker.__main__ import PROGRAM
from visma_simulator import server as visma_server
from visma_simulator.scenario import organisation_number

CLIENT, FREE_CLIENT, SECRET = "isv_accountflow", "isv_without_limits", "simulator-secret"
CUSTOMER, SEED = 12345, 7
FIRST_YEAR = datetime.now(UTC).year - 2
_GROUPED_DATA = 3
"""Questions for sums that are data themselves: what the plan is made from, opening balances, unposted vouchers."""
NOBODY = "http://127.0.0.1:9/"
"""Companies here have no payroll, so Skatteetaten is never asked."""


@dataclass
class Site:
    """One Visma, one database, topics of its own."""

    bootstrap_servers: str
    kafka: KafkaAccess
    producer: AIOKafkaProducer
    dsn: str
    budget_dsn: str
    pool: asyncpg.Pool
    urls: Mapping[str, str]
    control: httpx.AsyncClient
    key_file: Path
    organization_id: UUID = field(default_factory=uuid4)

    async def create(self, number: int, period_type: PeriodType = PeriodType.MONTH) -> UUID:
        """Publish a company as company-service does; returns when the broker has it."""
        created = CompanyCreated(
            company_id=uuid4(),
            organization_id=self.organization_id,
            visma_customer_id=CUSTOMER,
            visma_company_id=number,
            name=f"Kunde {number} AS",
            comment="",
            organisation_number=organisation_number(SEED, number),
            period_type=period_type,
            financial_year_start_month=1,
            reconciliation_start=date(FIRST_YEAR, 1, 1),
            responsible_user="kari",
            vat_frequency=VatFrequency.TWO_MONTHLY,
            company_groups=[],
            modules=[],
            created_by="kari",
        )
        key, value, headers = sent(created, self.organization_id, source="/company-service", sequence=1)
        await self.producer.send_and_wait(self.kafka.topic_prefix + "company-events", value, key, headers=headers)
        return created.company_id

    @asynccontextmanager
    async def workers(self, count: int = 1, **settings: object) -> AsyncIterator[list[psutil.Process]]:
        """So many processes that are ready; terminated at the end."""
        ports = [free_port() for _ in range(count)]
        given = {name.upper(): str(value) for name, value in settings.items()}
        environments = [self._environment(f"worker-{port}", port) | given for port in ports]
        command = [sys.executable, "-m", "sync_worker"]
        started = [subprocess.Popen(command, env=each, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for each in environments]  # noqa: ASYNC220
        try:
            await asyncio.gather(*map(_ready, ports, started))
            yield [psutil.Process(each.pid) for each in started]
        finally:
            for each in started:
                each.terminate()
            for each in started:
                await asyncio.to_thread(each.wait)

    async def complete(self, companies: int = 1) -> None:
        """Wait until so many are proven to the last item, and everything said about them is published."""
        while await self.pool.fetchval("SELECT count(completed_at) FROM sync.company") < companies:
            await asyncio.sleep(0.02)
        while await self.pool.fetchval("SELECT EXISTS (SELECT FROM eventing.outbox)"):
            await asyncio.sleep(0.02)

    async def asked(self, since: int = 0) -> tuple[list[dict[str, Any]], int]:
        """GraphQL requests that the simulator got after the one of this number, and the number of the last."""
        found = (await self.control.get("/requests", params={"since": since})).json()
        return [each for each in found["requests"] if each["endpoint"] == "graphql"], found["last"]

    def _environment(self, name: str, port: int) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "KAFKA__BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "KAFKA__TOPIC_PREFIX": self.kafka.topic_prefix,
            "KAFKA__GROUP_INSTANCE_ID": name,
            "POSTGRES__DSN": self.dsn,
            "HEALTH__PORT": str(port),
            "LOG_LEVEL": "ERROR",
            "VISMA__BUDGET__DSN": self.budget_dsn,
            "VISMA__TOKEN_URL": self.urls["token_url"],
            "VISMA__GRAPHQL_URL": self.urls["graphql_url"],
            "VISMA__CLIENT_ID": CLIENT,
            "VISMA__CLIENT_SECRET": SECRET,
            "SKATTEETATEN__MASKINPORTEN__ISSUER": NOBODY,
            "SKATTEETATEN__MASKINPORTEN__TOKEN_URL": NOBODY,
            "SKATTEETATEN__MASKINPORTEN__CLIENT_ID": "bench",
            "SKATTEETATEN__MASKINPORTEN__KEY_ID": "bench",
            "SKATTEETATEN__MASKINPORTEN__PRIVATE_KEY_FILE": str(self.key_file),
            "SKATTEETATEN__A07__BASE_URL": NOBODY,
        }


FREELY = {"visma__requests_per_minute": 1_000_000, "visma__burst": 1000}
"""Settings of a worker that nobody rations, for a simulator with `UNLIMITED`: what limits is the machine."""
UNLIMITED = ("--requests-per-minute", "100000000")


@contextmanager
def visma(companies: Mapping[int, int], *options: str, access: str = "open") -> Iterator[dict[str, str]]:
    """The simulator with these companies (number to ledger lines) since `FIRST_YEAR`, all made; gives its addresses."""
    made = [_company(*each, access) for each in companies.items()]
    described = {
        "clients": [{"id": each, "secret": SECRET} for each in (CLIENT, FREE_CLIENT)],
        "customers": [{"number": CUSTOMER, "name": "Fjordregnskap AS", "companies": made}],
    }
    with TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.json"
        scenario.write_text(json.dumps(described))
        with visma_server.process("--scenario", str(scenario), "--seed", str(SEED), *options) as urls:
            for number in companies if access == "open" else ():
                httpx.get(urls["control_url"] + "/companies", params={"company": number}, timeout=600).raise_for_status()
            yield urls


@asynccontextmanager
async def site(servers: Servers, urls: Mapping[str, str]) -> AsyncIterator[Site]:
    """Databases and topics of one run, beside a simulator that runs."""
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(TemporaryDirectory()))
        key_file = folder / "key.pem"
        key_file.write_bytes(keys.pem(keys.new_key()))
        kafka = await exits.enter_async_context(servers.access("bench"))
        dsn = await exits.enter_async_context(servers.database("sync_worker", migrate_sync_worker))
        budget_dsn = await exits.enter_async_context(servers.database("visma_budget", _migrate_budget))
        pool = await exits.enter_async_context(servers.pool(f"{dsn}?accountflow.every_organization=on"))
        control = await exits.enter_async_context(httpx.AsyncClient(base_url=urls["control_url"], timeout=120))
        producer = await exits.enter_async_context(kafka.producer())
        (await control.delete("/requests")).raise_for_status()
        yield Site(servers.bootstrap_servers, kafka, producer, dsn, budget_dsn, pool, urls, control, key_file)


@dataclass
class Watch:
    """What processes and all their children take: MB at most, and seconds of processor time, while they are watched."""

    megabytes: float = 0.0
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    """Seconds of processor time by name."""

    @asynccontextmanager
    async def over(self, processes: Mapping[str, Iterable[psutil.Process]], *, memory_of: str) -> AsyncIterator[None]:
        """Look ten times a second."""
        before = {name: sum(map(_cpu, found)) for name, found in processes.items()}
        began = time.perf_counter()
        looking = asyncio.create_task(self._look(list(processes[memory_of])))
        try:
            yield
        finally:
            looking.cancel()
            self.seconds = time.perf_counter() - began
            self.cpu = {name: sum(map(_cpu, found)) - before[name] for name, found in processes.items()}

    async def _look(self, processes: list[psutil.Process]) -> None:
        while True:
            self.megabytes = max(self.megabytes, sum(_rss(each) for process in processes for each in _family(process)) / 2**20)
            await asyncio.sleep(0.1)

    def shares(self) -> str:
        """``simulator 0.93, worker 0.71`` in processors."""
        return ", ".join(f"{name} {used / self.seconds:.2f}" for name, used in self.cpu.items())


def others() -> dict[str, list[psutil.Process]]:
    """The servers and the simulator that this process has started, by name."""
    found: dict[str, list[psutil.Process]] = {"kafka": [], "postgres": [], "simulator": []}
    for child in psutil.Process().children(recursive=True):
        line = " ".join(child.cmdline()) if child.is_running() else ""
        name = next((name for name, word in (("kafka", "kafka.Kafka"), ("simulator", "visma_simulator")) if word in line), None)
        if name or child.name().startswith("postgres"):
            found[name or "postgres"].append(child)
    return {name: each for name, each in found.items() if each}


@dataclass(frozen=True, slots=True)
class Landed:
    """Ledger lines per second, from CompanyCreated to the last proof and the last message, and MB of all workers at most.

    ``proving`` of the requests asked for sums to compare with, ``retrieving`` for anything else.
    """

    rows_per_second: float
    megabytes: float
    proving: int = 0
    retrieving: int = 0


async def landed(servers: Servers, urls: Mapping[str, str], companies: Iterable[int], processes: int = 1) -> Landed:
    """Retrieve them as fast as the machine can, and say what it was busy with."""
    numbers = list(companies)
    async with site(servers, urls) as here, here.workers(processes, **FREELY) as workers:
        watch = Watch()
        async with watch.over(others() | {"workers": workers}, memory_of="workers"):
            start = time.perf_counter()
            for number in numbers:
                await here.create(number)
            await here.complete(len(numbers))
            seconds = time.perf_counter() - start
        lines = await here.pool.fetchval("SELECT count(*) FROM sync.ledger_line")
        asked, _ = await here.asked()
    grouped = sum("Groups" in each["operation"] for each in asked)
    proving = grouped - _GROUPED_DATA * len(numbers)
    print(
        f"{processes} worker process(es): {lines:,} lines, {lines / seconds:,.0f} rows/s, {watch.megabytes:.0f} MB; "
        f"{len(asked)} requests, {proving} of them to prove; "
        f"processors used of {os.cpu_count()}: {watch.shares()}",
        flush=True,
    )
    return Landed(lines / seconds, watch.megabytes, proving, len(asked) - proving)


async def migrate_sync_worker(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


async def _migrate_budget(dsn: str) -> None:
    await migrate(dsn, [MigrationSet.of_package("budget", "visma_nxt")])


async def _ready(port: int, program: subprocess.Popen[bytes]) -> None:
    async with httpx.AsyncClient() as health, asyncio.timeout(60):
        while True:
            if program.poll() is not None:
                raise RuntimeError(f"sync-worker has ended with status {program.returncode}")
            try:
                if (await health.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


def _company(number: int, lines: int, access: str) -> dict[str, Any]:
    return {"number": number, "name": f"Kunde {number} AS", "lines": lines, "first_year": FIRST_YEAR, "access": access}


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
        return float(times.user + times.system)
    except psutil.Error:
        return 0.0
