"""The servers of a test run: one Kafka and one PostgreSQL from the ladder, shared by all.

They are started when the first test needs them. Where tests run side by side in processes, the process that hands out the tests starts the
servers for all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pytest

from local_stack.ladder import AnyKafka, AnyPostgres, GivenKafka, GivenPostgres, Ladder, LadderError, kafka_address
from local_stack.ports import free_port
from local_stack.postgres import PostgresAddress
from local_stack.throwaway import throwaway_folder
from servicekit.settings import KafkaSettings

SHARED = frozenset({"kafka", "postgres"})
PRIVATE = frozenset({"own_kafka", "own_postgres", "module_kafka", "module_postgres", "protected_kafka"})

ladder_key = pytest.StashKey[Ladder]()
needed_key = pytest.StashKey[frozenset[str]]()
shared_key = pytest.StashKey[tuple[ExitStack, dict[str, str]]]()


@dataclass(frozen=True)
class RunServers:
    kafka: AnyKafka
    postgres: AnyPostgres

    @classmethod
    def of(cls, ladder: Ladder, folder: Path) -> Self:
        """Not started yet."""
        return cls(
            ladder.kafka_server(folder, folder, durable=False, protected=True, plain_port=free_port()),
            ladder.postgres_server(folder, folder, durable=False),
        )

    def shared(self, folder: Path) -> dict[str, str]:
        """What another process has to know to use them, in a form that can be handed over."""
        return {
            "folder": str(folder),
            "kafka": kafka_address(self.kafka.administrator),
            "open_kafka": self.kafka.plain_servers,
            "postgres": self.postgres.address.dsn,
        }

    @classmethod
    def at(cls, shared: Mapping[str, str]) -> Self:
        """The servers that another process has started."""
        kafka = replace(GivenKafka.at(shared["kafka"]), open_servers=shared["open_kafka"])
        return cls(kafka, GivenPostgres(PostgresAddress(shared["postgres"])))


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


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Before a process for tests begins: start the servers, once, and say where they are. Those of a local process end with this thread."""
    config: pytest.Config = node.config
    if "not servers" in config.getoption("markexpr"):
        return
    if shared_key not in config.stash:
        exits = ExitStack()
        folder = exits.enter_context(throwaway_folder())
        servers = RunServers.of(Ladder.choose(), folder)
        exits.callback(lambda: asyncio.run(_stop(servers)))
        config.stash[shared_key] = exits, {}
        asyncio.run(_start(servers))
        config.stash[shared_key] = exits, servers.shared(folder)
    node.workerinput["servers"] = config.stash[shared_key][1]


def pytest_unconfigure(config: pytest.Config) -> None:
    if shared_key in config.stash:
        config.stash[shared_key][0].close()


async def _start(servers: RunServers) -> None:
    await asyncio.gather(servers.kafka.start(), servers.postgres.start())


async def _stop(servers: RunServers) -> None:
    await asyncio.gather(servers.kafka.stop(), servers.postgres.stop())


@pytest.fixture(scope="session")
def run_folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where the servers of this run keep their data and logs."""
    if shared := _shared(request.config):
        yield Path(shared["folder"])
        return
    with throwaway_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
async def run_servers(request: pytest.FixtureRequest, run_folder: Path) -> AsyncIterator[RunServers]:
    """Both servers; what the selected tests need is started at once, side by side."""
    if shared := _shared(request.config):
        yield RunServers.at(shared)
        return
    servers = RunServers.of(request.config.stash.get(ladder_key, None) or Ladder.choose(), run_folder)
    needed = request.config.stash.get(needed_key, SHARED)
    try:
        await asyncio.gather(*(server.start() for name, server in vars(servers).items() if name in needed))
        yield servers
    finally:
        await _stop(servers)


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


def _shared(config: pytest.Config) -> Mapping[str, str] | None:
    """What the process that hands out the tests has told this one."""
    told: Mapping[str, str] | None = getattr(config, "workerinput", {}).get("servers")
    return told


def _servers_of(item: pytest.Item) -> frozenset[str]:
    return (SHARED | PRIVATE).intersection(getattr(item, "fixturenames", ()))
