"""A protected installation without its services: who may do what is decided before any of them runs."""

from collections.abc import AsyncIterator

import pytest

from contracts import topics as contracts
from local_stack.kafka import KafkaServer
from local_stack.ladder import kafka_address
from local_stack.postgres import PostgresAddress
from local_stack.programs import PROGRAMS
from local_stack.provision import delete_topics
from local_stack.stack import LocalStack
from local_stack.throwaway import throwaway_folder
from provisioning.granting import withdraw
from testkit.own_servers import kafka_of_its_own
from testkit.servers import RunServers

from ..conftest import drop_databases


@pytest.fixture(scope="module")
async def guarded_kafka(kafka: str, run_servers: RunServers) -> AsyncIterator[KafkaServer]:
    """The run's broker, or one of our own where the run's lets anybody in because it was given or is a container."""
    del kafka  # has been started
    if isinstance(run_servers.kafka, KafkaServer):
        yield run_servers.kafka
        return
    async with kafka_of_its_own(protected=True) as own:
        await own.server.start()
        yield own.server


@pytest.fixture(scope="module")
async def installation(guarded_kafka: KafkaServer, postgres: PostgresAddress) -> AsyncIterator[LocalStack]:
    """Topics, users, rights, databases and roles of the whole system; no program runs."""
    with pytest.MonkeyPatch.context() as environment, throwaway_folder() as folder:
        environment.setenv("ACCOUNTFLOW_KAFKA", kafka_address(guarded_kafka.administrator))
        environment.setenv("ACCOUNTFLOW_POSTGRES", postgres.dsn)
        async with LocalStack(folder, prefix="guarded.", without=[program.name for program in PROGRAMS]) as stack:
            yield stack
        declared = contracts.load()
        await delete_topics(guarded_kafka.administrator, ["guarded." + topic.name for topic in declared])
        await withdraw(guarded_kafka.administrator, declared, [f"guarded.{party}" for party in stack.clients], prefix="guarded.")
        await drop_databases(postgres, list(stack.databases.values()), ["guarded_operator"])
