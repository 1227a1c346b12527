"""The whole, with the smallest of programs, over the servers of the test run; and the command line over servers of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest

from contracts import topics as contracts
from local_stack.background import State
from local_stack.child import ChildDied
from local_stack.postgres import PostgresAddress
from local_stack.programs import PROGRAMS, Program
from local_stack.stack import AlreadyRunning, LocalStack, NotReady
from local_stack.throwaway import throwaway_folder
from provisioning.cluster import admin
from testkit import probe

pytestmark = [pytest.mark.long, pytest.mark.servers]

HERE = str(Path(__file__).parent)
PULSE = Program("pulse", "pulse", "/readyz", arguments=lambda around: (around.port("pulse"),), environment=lambda _: {"PYTHONPATH": HERE})
LEDGER = replace(
    PULSE,
    name="ledger",
    arguments=lambda around: (around.port("ledger"),),
    environment=lambda around: {"PYTHONPATH": HERE, "POSTGRES__DSN": around.databases["ledger"]},
    owns_database=True,
    listens=("ledger-door",),
)

Make = Callable[..., LocalStack]


@pytest.fixture
def folder() -> Iterator[Path]:
    with throwaway_folder() as folder:
        yield folder / ".local"


@pytest.fixture
def make(folder: Path, kafka: str, postgres: PostgresAddress, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("ACCOUNTFLOW_KAFKA", kafka)
    monkeypatch.setenv("ACCOUNTFLOW_POSTGRES", postgres.dsn)
    return lambda *programs, **options: LocalStack(folder, programs=programs, topics=[], prefix=f"t{uuid4().hex[:8]}.", **options)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pids(system: LocalStack) -> list[int]:
    return [part.process.pid for part in system.parts if part.process and part.process.pid]


async def test_everything_is_ready_inside_and_gone_after(make: Make) -> None:
    async with make(PULSE, LEDGER) as system, httpx.AsyncClient() as client:
        assert str(system) == "Kafka 4.3.0 given, PostgreSQL 18 given; Kafka lets anybody in"
        given = (await client.get(f"{system.urls['ledger']}/environment")).json()
        connection = await asyncpg.connect(given["POSTGRES__DSN"])
        assert await connection.fetchval("SELECT current_database()") == await connection.fetchval("SELECT current_user::text")
        await connection.close()
        addresses = system.assignments()
        assert addresses["LEDGER_DATABASE_URL"] == given["POSTGRES__DSN"]
        assert addresses["LEDGER_HEALTH_URL"] == system.urls["ledger"]
        assert addresses["PULSE_URL"] == system.urls["pulse"]
        assert addresses["LEDGER_DOOR_URL"] == system.urls["ledger-door"]
        assert len(set(system.urls.values())) == 3
        running = pids(system)
        assert len(running) == 2
    assert not any(map(alive, running))


async def test_a_program_that_dies_is_started_again(make: Make) -> None:
    async with make(PULSE) as system, httpx.AsyncClient() as client:
        (before,) = pids(system)
        with pytest.raises(httpx.HTTPError):
            await client.get(f"{system.urls['pulse']}/die")

        async def answers_again() -> bool:
            try:
                return (await client.get(f"{system.urls['pulse']}/readyz")).is_success
            except httpx.HTTPError:
                return False

        await probe(answers_again, within=15)
        assert system.restarts("pulse") == 1
        assert pids(system) != [before]


async def test_a_program_that_cannot_start_ends_the_start_and_the_others(make: Make) -> None:
    broken = replace(LEDGER, module="no_such_module")
    system = make(PULSE, broken)
    with pytest.raises(ChildDied, match="No module named no_such_module"):
        await system.__aenter__()
    assert pids(system) == []


async def test_a_program_that_is_never_ready_ends_the_start(make: Make) -> None:
    mute = replace(PULSE, module="timeit", arguments=lambda _: ("-n1", "import time; time.sleep(60)"))
    with pytest.raises(NotReady, match="pulse is not ready after 1 s: ConnectError"):
        await make(mute, ready_within=1).__aenter__()


async def test_a_program_left_out_has_its_database_and_address_all_the_same(make: Make) -> None:
    async with make(PULSE, LEDGER, without=["ledger"]) as system:
        connection = await asyncpg.connect(system.databases["ledger"])
        await connection.close()
        assert [part.name for part in system.parts] == ["kafka", "postgres", "pulse"]
    with pytest.raises(ValueError, match="no such program: ledgr"):
        make(PULSE, without=["ledgr"])


async def test_one_folder_holds_one_system(make: Make) -> None:
    async with make(PULSE):
        with pytest.raises(AlreadyRunning):
            await make(PULSE).__aenter__()


async def test_sigterm_ends_the_body_and_stops_everything(make: Make) -> None:
    running: list[int] = []

    async def body() -> None:
        async with make(PULSE) as system:
            running.extend(pids(system))
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.create_task(body()), 30)
    assert len(running) == 1
    assert not any(map(alive, running))


async def topics_seen_by_anybody(servers: str) -> set[str]:
    async with admin(servers) as client:
        return set(await client.list_topics())


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "local_stack", *arguments, "--directory", str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ACCOUNTFLOW_")} | {"ACCOUNTFLOW_RUNG": "local"}
    return subprocess.run(line, capture_output=True, text=True, timeout=100, env=environment)


def test_the_command_line_from_up_to_clean(folder: Path) -> None:
    services = [f"--without={program.name}" for program in PROGRAMS if program.owns_database]
    try:
        started = command(folder, "up", *services)
        assert started.returncode == 0, started.stdout + started.stderr
        state = State.read(folder)
        assert state
        running = [part.pid for part in state.parts if part.pid]
        assert len(running) == 4
        assert "as a local process" in started.stdout
        assert (folder / "env").stat().st_mode & 0o777 == 0o600
        sourced = subprocess.run(["sh", "-c", f". {folder}/env; echo $KAFKA_BOOTSTRAP_SERVERS"], capture_output=True, text=True, check=True)
        assert sourced.stdout.strip() == state.parts[0].address
        assert "already runs" in command(folder, "up").stdout
        assert "visma-simulator" in command(folder, "status").stdout
        assert "graphql_url" in command(folder, "logs", "visma-simulator").stdout
        assert command(folder, "down").stdout == "stopped\n"
        assert not any(map(alive, running))
        assert (folder / "kafka" / "data").exists()
    finally:
        cleaned = command(folder, "clean")
    assert cleaned.returncode == 0
    assert not folder.exists()


def test_without_protection_anybody_is_let_in_and_a_killed_owner_takes_everything_along(folder: Path) -> None:
    services = [f"--without={program.name}" for program in PROGRAMS if program.owns_database]
    started = command(folder, "up", "--unprotected", *services)
    assert started.returncode == 0, started.stdout + started.stderr
    assert "Kafka lets anybody in" in started.stdout
    state = State.read(folder)
    assert state
    assert {topic.name for topic in contracts.load()} <= asyncio.run(topics_seen_by_anybody(state.parts[0].address))
    environment = dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines() if "KAFKA" in line and "=" in line)
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == state.parts[0].address
    assert not [name for name in environment if "SASL" in name or "CA_FILE" in name]
    os.kill(int((folder / "lock").read_text()), signal.SIGKILL)
    if sys.platform == "linux":
        deadline = [part.pid for part in state.parts if part.pid]
        psutil.wait_procs([psutil.Process(pid) for pid in deadline if psutil.pid_exists(pid)], timeout=20)
        assert not any(map(alive, deadline))
    assert command(folder, "status").returncode == 1
    assert command(folder, "clean").returncode == 0
