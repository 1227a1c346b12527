"""A protected installation without its services: who may do what is decided before any of them runs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from contracts import topics as contracts
from local_stack.ladder import kafka_address
from local_stack.postgres import PostgresAddress
from local_stack.programs import PROGRAMS
from local_stack.provision import delete_topics
from local_stack.stack import LocalStack
from local_stack.throwaway import throwaway_folder
from provisioning.granting import withdraw
from servicekit.settings import KafkaSettings
from testkit.own_servers import kafka_of_its_own

from ..conftest import drop_databases


@dataclass(frozen=True)
class GuardedKafka:
    """A broker that wants users, passwords and TLS, and allows what is granted."""

    administrator: KafkaSettings
    directory: Path

    def port(self, listener: str) -> int:
        """Where it listens for others than clients: BROKER or CONTROLLER."""
        [properties] = [line for line in (self.directory / "server.properties").read_text().splitlines() if line.startswith("listeners=")]
        return int(properties.partition(f"{listener}://127.0.0.1:")[2].partition(",")[0])


@pytest.fixture(scope="module")
async def guarded_kafka(kafka_administrator: KafkaSettings, run_folder: Path) -> AsyncIterator[GuardedKafka]:
    """The run's broker, or one of our own where the run's lets anybody in because it was given or is a container."""
    if kafka_administrator.sasl_username and (run_folder / "kafka").exists():
        yield GuardedKafka(kafka_administrator, run_folder / "kafka")
        return
    async with kafka_of_its_own(protected=True) as own:
        await own.server.start()
        yield GuardedKafka(own.server.administrator, own.server.directory)


@pytest.fixture(scope="module")
async def installation(guarded_kafka: GuardedKafka, postgres: PostgresAddress) -> AsyncIterator[LocalStack]:
    """Topics, users, rights, databases and roles of the whole system; no program runs."""
    prefix = f"g{uuid4().hex[:8]}."
    with pytest.MonkeyPatch.context() as environment, throwaway_folder() as folder:
        environment.setenv("ACCOUNTFLOW_KAFKA", kafka_address(guarded_kafka.administrator))
        environment.setenv("ACCOUNTFLOW_POSTGRES", postgres.dsn)
        async with LocalStack(folder, prefix=prefix, without=[program.name for program in PROGRAMS]) as stack:
            yield stack
        declared = contracts.load()
        await delete_topics(guarded_kafka.administrator, [prefix + topic.name for topic in declared])
        await withdraw(guarded_kafka.administrator, declared, [f"{prefix}{party}" for party in stack.clients], prefix=prefix)
        await drop_databases(postgres, list(stack.databases.values()), [f"{prefix.rstrip('.')}_operator"])
