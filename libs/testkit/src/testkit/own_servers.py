"""Servers of a test module's own, to be stopped, killed and cut off without disturbing other tests. Always local processes.

Each is reached through a proxy, and comes back whole for the next test of the module: running, with its data, and connected.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from local_stack.kafka import KafkaServer
from local_stack.ports import free_port
from local_stack.postgres import PostgresAddress, PostgresServer
from local_stack.throwaway import throwaway_folder
from testkit.proxy import Proxy


@dataclass(frozen=True)
class OwnKafka:
    """`await own.server.stop()`, `own.server.kill()`, `await own.server.start()`; `await own.proxy.refuse()` and its like."""

    server: KafkaServer
    proxy: Proxy

    @property
    def bootstrap_servers(self) -> str:
        """Through the proxy, and so are the addresses that the broker gives to its clients."""
        return self.proxy.address


@dataclass(frozen=True)
class OwnPostgres:
    """`await own.server.stop()`, `own.server.kill()`, `await own.server.start()`; `await own.proxy.refuse()` and its like."""

    server: PostgresServer
    proxy: Proxy

    @property
    def address(self) -> PostgresAddress:
        """Through the proxy. `local_stack.provision.create_database` makes databases there."""
        return self.server.address.at(self.proxy.port)


@asynccontextmanager
async def kafka_of_its_own(*, protected: bool) -> AsyncIterator[OwnKafka]:
    """Not started yet; stopped at the end."""
    port = free_port()
    with throwaway_folder() as folder:
        server = KafkaServer(folder / "kafka", folder / "kafka.log", through=port, short_lived=True, protected=protected)
        try:
            yield OwnKafka(server, Proxy(server.proxied_port, port=port))
        finally:
            await server.stop()


@pytest.fixture(scope="module")
async def module_kafka() -> AsyncIterator[OwnKafka]:
    async with kafka_of_its_own(protected=False) as own:
        yield own


@pytest.fixture(scope="module")
async def protected_kafka() -> AsyncIterator[OwnKafka]:
    """A broker that wants users, passwords and TLS, and allows what is granted; started."""
    async with kafka_of_its_own(protected=True) as own:
        await own.server.start()
        yield own


@pytest.fixture(scope="module")
async def module_postgres() -> AsyncIterator[OwnPostgres]:
    with throwaway_folder() as folder:
        server = PostgresServer(folder / "postgres", folder / "postgres.log", durable=False)
        try:
            yield OwnPostgres(server, Proxy(server.port))
        finally:
            await server.stop()


@pytest.fixture
async def own_kafka(module_kafka: OwnKafka) -> AsyncIterator[OwnKafka]:
    await module_kafka.server.start()
    async with module_kafka.proxy:
        yield module_kafka


@pytest.fixture
async def own_postgres(module_postgres: OwnPostgres) -> AsyncIterator[OwnPostgres]:
    await module_postgres.server.start()
    async with module_postgres.proxy:
        yield module_postgres
