"""The servers of a test run: one Kafka and one PostgreSQL from the ladder, started when the first test needs them, shared by all."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_stack.ladder import AnyKafka, AnyPostgres, Ladder, LadderError
from local_stack.ports import free_port
from local_stack.postgres import PostgresAddress
from local_stack.throwaway import throwaway_folder
from servicekit.settings import KafkaSettings

SHARED = frozenset({"kafka", "postgres"})
PRIVATE = frozenset({"own_kafka", "own_postgres", "module_kafka", "module_postgres", "protected_kafka"})

ladder_key = pytest.StashKey[Ladder]()
needed_key = pytest.StashKey[frozenset[str]]()


@dataclass(frozen=True)
class RunServers:
    kafka: AnyKafka
    postgres: AnyPostgres


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whoever uses a server, directly or by way of another fixture, carries the mark `servers`."""
    if _servers_of(item):
        item.add_marker("servers")


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> str | None:
    """The line that says on which rung the servers of the selected tests stand. Nothing is started here."""
    needed = frozenset[str]().union(*map(_servers_of, items))
    config.stash[needed_key] = needed & SHARED
    if not needed & SHARED:
        return None
    try:
        config.stash[ladder_key] = ladder = Ladder.choose()
    except LadderError as error:
        raise pytest.UsageError(str(error)) from None
    return f"servers: {ladder}"


def pytest_report_header(config: pytest.Config) -> str | None:
    """The same line where the tests run side by side: then nothing is collected in this process."""
    side_by_side = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    return f"servers: {Ladder.choose()}" if side_by_side else None


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """Where the servers of this run keep their data and logs."""
    with throwaway_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
async def run_servers(request: pytest.FixtureRequest, run_folder: Path) -> AsyncIterator[RunServers]:
    """Both servers; what the selected tests need is started at once, side by side."""
    ladder = request.config.stash.get(ladder_key, None) or Ladder.choose()
    servers = RunServers(
        ladder.kafka_server(run_folder, run_folder, durable=False, protected=True, plain_port=free_port()),
        ladder.postgres_server(run_folder, run_folder, durable=False),
    )
    needed = request.config.stash.get(needed_key, SHARED)
    try:
        await asyncio.gather(*(server.start() for name, server in vars(servers).items() if name in needed))
        yield servers
    finally:
        await asyncio.gather(servers.kafka.stop(), servers.postgres.stop())


@pytest.fixture(scope="session")
async def kafka(run_servers: RunServers) -> str:
    """Bootstrap servers of the run's broker, where anybody may do anything. Use topics, groups and transactional ids of your own."""
    await run_servers.kafka.start()
    return run_servers.kafka.plain_servers


@pytest.fixture(scope="session")
async def kafka_administrator(kafka: str, run_servers: RunServers) -> KafkaSettings:
    """The run's broker as its administrator reaches it: where users have passwords and rights, unless it is a container or given plain."""
    del kafka  # has been started
    return run_servers.kafka.administrator


@pytest.fixture(scope="session")
async def postgres(run_servers: RunServers) -> PostgresAddress:
    """The run's PostgreSQL as its administrator reaches it. For a database to work in take the fixture `database`."""
    await run_servers.postgres.start()
    return run_servers.postgres.address


def _servers_of(item: pytest.Item) -> frozenset[str]:
    return (SHARED | PRIVATE).intersection(getattr(item, "fixturenames", ()))
