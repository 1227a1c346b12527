"""The whole system for tests wider than one service: the run's Kafka and PostgreSQL, simulators and services as processes."""

import io
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, uuid4, uuid5

import pytest
from rich.console import Console

from contracts import topics
from demo.display import Display
from demo.gateway import Gateway, gateway
from demo.walk import Walk
from local_stack.postgres import PostgresAddress
from local_stack.programs import PROGRAMS, Program
from local_stack.provision import delete_topics
from local_stack.stack import LocalStack
from local_stack.throwaway import throwaway_folder


@dataclass
class System:
    """A running system and a gateway connected to it."""

    stack: LocalStack
    gateway: Gateway
    prefix: str

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
def systems(kafka: str, postgres: PostgresAddress) -> Systems:
    """``async with systems() as system``: a system of its own on the servers of the run, gone afterwards; of other programs when given."""

    @asynccontextmanager
    async def start(programs: Sequence[Program] = PROGRAMS) -> AsyncIterator[System]:
        prefix = f"s{uuid4().hex[:8]}."
        with pytest.MonkeyPatch.context() as environment, throwaway_folder() as folder:
            environment.setenv("ACCOUNTFLOW_KAFKA", kafka)
            environment.setenv("ACCOUNTFLOW_POSTGRES", postgres.dsn)
            async with (
                LocalStack(folder, programs=programs, prefix=prefix, durable=False, ready_within=90) as stack,
                gateway(kafka, prefix) as connected,
            ):
                yield System(stack, connected, prefix)
            await delete_topics(kafka, [prefix + topic.name for topic in topics.load()])
            await drop_databases(postgres, list(stack.databases.values()))
            shutil.rmtree(folder, ignore_errors=True)

    return start


async def drop_databases(server: PostgresAddress, dsns: list[str]) -> None:
    connection = await server.connect()
    try:
        for dsn in dsns:
            name = dsn.rpartition("/")[2]
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            await connection.execute(f'DROP ROLE "{name}"')
    finally:
        await connection.close()
