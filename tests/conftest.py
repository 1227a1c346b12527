"""The whole system for tests wider than one service: the run's Kafka and PostgreSQL, simulators and services as processes."""

import io
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import NAMESPACE_OID, uuid4, uuid5

import pytest
from rich.console import Console

from contracts import topics
from demo.display import Display
from demo.gateway import Gateway, gateway
from demo.walk import Walk
from local_stack.ladder import kafka_address
from local_stack.postgres import PostgresAddress
from local_stack.programs import PROGRAMS, Program
from local_stack.provision import delete_topics
from local_stack.stack import LocalStack
from local_stack.throwaway import throwaway_folder
from provisioning.granting import withdraw
from provisioning.rights import parties
from servicekit.settings import KafkaSettings


@dataclass
class System:
    """A running system and a gateway connected to it."""

    stack: LocalStack
    gateway: Gateway
    prefix: str
    administrator: KafkaSettings

    def walk(self) -> Walk:
        """The guide's six steps, with ids that are the same in every system."""
        numbers = itertools.count()
        return Walk(
            self.gateway,
            Display(Console(file=io.StringIO())),
            today=datetime.now(UTC).date(),
            new_id=lambda: uuid5(NAMESPACE_OID, f"id {next(numbers)}"),
        )

    def kill(self, name: str) -> None:
        """SIGKILL; the supervisor starts it again."""
        process = next(part.process for part in self.stack.parts if part.name == name)
        assert process is not None
        process.kill()


Systems = Callable[..., AbstractAsyncContextManager[System]]


@pytest.fixture(scope="session")
def systems(kafka_administrator: KafkaSettings, postgres: PostgresAddress) -> Systems:
    """``async with systems() as system``: a system of its own on the servers of the run, protected as in production, gone afterwards; of
    other programs when given."""
    return partial(running, kafka_administrator, postgres)


@asynccontextmanager
async def running(
    administrator: KafkaSettings, postgres: PostgresAddress, programs: Sequence[Program] = PROGRAMS, *, prefix: str = ""
) -> AsyncIterator[System]:
    """A system on these servers; its topics, under a prefix of its own, and its databases are gone afterwards."""
    prefix = prefix or f"s{uuid4().hex[:8]}."
    with pytest.MonkeyPatch.context() as environment, throwaway_folder() as folder:
        environment.setenv("ACCOUNTFLOW_KAFKA", kafka_address(administrator))
        environment.setenv("ACCOUNTFLOW_POSTGRES", postgres.dsn)
        async with (
            LocalStack(folder, programs=programs, prefix=prefix, durable=False, ready_within=90) as stack,
            gateway(stack.clients["ui-gateway"], beside=stack.clients["operators"]) as connected,
        ):
            yield System(stack, connected, prefix, administrator)
        declared = topics.load()
        await delete_topics(administrator, [prefix + topic.name for topic in declared])
        if stack.protected:
            await withdraw(administrator, declared, [prefix + party for party in parties(declared)], prefix=prefix)
        await drop_databases(postgres, list(stack.databases.values()), [f"{prefix.replace('.', '_')}operator"])
        shutil.rmtree(folder, ignore_errors=True)


async def drop_databases(server: PostgresAddress, dsns: list[str], roles: list[str]) -> None:
    names = [dsn.rpartition("/")[2] for dsn in dsns]
    connection = await server.connect()
    try:
        for name in names:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}_shadow" WITH (FORCE)')
        for name in [*names, *roles]:
            await connection.execute(f'DROP ROLE "{name}"')
    finally:
        await connection.close()
