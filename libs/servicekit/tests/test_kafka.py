import asyncio
import ssl
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path

import certifi
import pytest
from pydantic import SecretStr

from servicekit.clock import SettableClock
from servicekit.health import Health
from servicekit.kafka import client_options, kafka_access, wait_for_kafka, wait_for_topics
from servicekit.settings import KafkaSettings
from testkit import Proxy
from testkit.patience import patient
from testkit.topics import TopicFactory

NOBODY = "127.0.0.1:1"
USER = {"sasl_username": "org", "sasl_password": SecretStr("s3cr3t")}


def settings(**values: object) -> KafkaSettings:
    return KafkaSettings.model_validate({"bootstrap_servers": NOBODY} | values)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(datetime(2026, 1, 1, tzinfo=UTC))


async def phase_of(waiting: Awaitable[None], health: Health, clock: SettableClock) -> str:
    """What `/readyz` says once the first attempt has failed."""
    task = asyncio.ensure_future(waiting)
    try:
        async with asyncio.timeout(patient(15)):
            while clock.sleepers == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return str((await health._ready())[1]["phase"])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_addresses_are_a_list_and_the_default_is_plain():
    options = client_options(settings(bootstrap_servers="a:9092,b:9092"))
    assert (options["bootstrap_servers"], options["security_protocol"]) == (["a:9092", "b:9092"], "PLAINTEXT")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_user_and_encryption_reach_the_client(mechanism):
    options = client_options(settings(security_protocol="SASL_SSL", sasl_mechanism=mechanism, ca_file=Path(certifi.where()), **USER))
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", mechanism)
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("org", "s3cr3t")
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED


def test_encryption_without_a_user():
    options = client_options(settings(security_protocol="SSL"))
    assert (options["security_protocol"], options["ssl_context"].check_hostname) == ("SSL", True)


async def test_answers_when_one_of_the_brokers_is_there(kafka):
    async with asyncio.timeout(patient(10)):
        await wait_for_kafka(settings(bootstrap_servers=f"{NOBODY},{kafka}"), health=Health())


async def test_broker_that_is_away_and_comes_is_found(kafka, clock):
    health = Health(clock=clock)
    async with Proxy(int(kafka.rpartition(":")[2])) as proxy:
        await proxy.refuse()
        at = settings(bootstrap_servers=proxy.address)
        waiting = asyncio.create_task(wait_for_kafka(at, health=health, clock=clock))
        async with asyncio.timeout(patient(15)):
            while clock.sleepers == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert proxy.address in str((await health._ready())[1]["phase"])
            await proxy.restore()
            clock.advance(2)
            await waiting


async def test_refused_connection_is_named(clock):
    health = Health(clock=clock)
    assert "127.0.0.1:1: [Errno 111] Connection refused" in await phase_of(
        wait_for_kafka(settings(), health=health, clock=clock), health, clock
    )


async def test_missing_topics_are_named(kafka, topic: TopicFactory, clock):
    health = Health(clock=clock)
    there = await topic("there")
    access = kafka_access(settings(bootstrap_servers=kafka), client_id="org-service")
    phase = await phase_of(wait_for_topics(access, [there, "absent"], health=health, clock=clock), health, clock)
    assert "missing: absent; run the provisioning" in phase


async def test_topics_are_looked_for_under_the_prefix(kafka, topic: TopicFactory):
    prefix, _, name = (await topic("there")).rpartition(".")
    access = kafka_access(settings(bootstrap_servers=kafka, topic_prefix=f"{prefix}."), client_id="org-service")
    async with asyncio.timeout(patient(10)):
        await wait_for_topics(access, [name], health=Health())
