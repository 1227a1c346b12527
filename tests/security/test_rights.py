"""What a party of the contracts may not do on Kafka, tried with its own user; and what it may, so that a refusal is not an accident."""

import asyncio
import ssl
from contextlib import suppress

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from pydantic import SecretStr

from contracts import topics as contracts
from local_stack.stack import LocalStack
from provisioning.cluster import admin
from servicekit.health import Health
from servicekit.kafka import client_options, wait_for_kafka
from servicekit.settings import KafkaSettings
from testkit.patience import patient

from .conftest import GuardedKafka

pytestmark = pytest.mark.long

DECLARED = contracts.load()
PARTIES = sorted({party for topic in DECLARED for party in (*topic.producers, *topic.consumers)})


async def write(settings: KafkaSettings, topic: str) -> None:
    producer = AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=True)
    try:
        await producer.start()
        await producer.send_and_wait(settings.topic_prefix + topic, b"{}", b"key")
    finally:
        await producer.stop()


async def read(settings: KafkaSettings, *topics: str, group: str | None = None) -> None:
    """Return when records of all of them could be asked for, in the group where one is named."""
    names = [settings.topic_prefix + topic for topic in topics]
    consumer = AIOKafkaConsumer(*names, **client_options(settings), group_id=group and settings.topic_prefix + group)
    try:
        await consumer.start()
        await consumer.getmany(timeout_ms=200)
        for partition in consumer.assignment():
            await consumer.position(partition)
    finally:
        await consumer.stop()


@pytest.mark.parametrize("party", PARTIES)
async def test_a_party_writes_its_own_topics_and_no_other(installation: LocalStack, party: str) -> None:
    written, refused = set(), set()
    async with AIOKafkaProducer(**client_options(installation.clients[party]), acks="all", enable_idempotence=False) as producer:
        for topic in DECLARED:
            try:
                await producer.send_and_wait(installation.clients[party].topic_prefix + topic.name, b"{}", b"key")
                written.add(topic.name)
            except TopicAuthorizationFailedError:
                refused.add(topic.name)
    assert written == {topic.name for topic in DECLARED if party in topic.producers}
    assert written | refused == {topic.name for topic in DECLARED}


@pytest.mark.parametrize("party", PARTIES)
async def test_a_party_reads_its_own_topics_and_no_other(installation: LocalStack, party: str) -> None:
    settings = installation.clients[party]
    everything = {topic.name for topic in DECLARED}
    allowed = everything if party == "operators" else {topic.name for topic in DECLARED if party in topic.consumers}
    await read(settings, *allowed)
    # Who may write a topic sees that it is there and is refused when reading; the others do not see it, and seeing is part of reading.
    written = {topic.name for topic in DECLARED if party in topic.producers} - allowed
    for topic in written:
        with pytest.raises(TopicAuthorizationFailedError):
            await read(settings, topic)
    async with admin(settings) as client:
        assert set(await client.list_topics()) == {settings.topic_prefix + topic for topic in allowed | written}
    if unseen := sorted(everything - allowed - written):
        with pytest.raises(TopicAuthorizationFailedError):
            await read(settings, unseen[0])


async def test_an_idempotent_producer_needs_no_further_right(installation: LocalStack) -> None:
    await write(installation.clients["org-service"], "org-events")


async def test_nobody_joins_the_group_of_another(installation: LocalStack) -> None:
    settings = installation.clients["reconciliation"]
    await read(settings, "company-events", group="reconciliation-of-vat")
    with pytest.raises(GroupAuthorizationFailedError):
        await read(settings, "company-events", group="sync-worker")


async def test_nobody_but_the_administrator_makes_or_deletes_a_topic(installation: LocalStack) -> None:
    settings = installation.clients["org-service"]
    async with admin(settings) as client:
        created = await client.create_topics([NewTopic("mine", 1, 1)])
        assert [error[1] for error in created.topic_errors] == [TopicAuthorizationFailedError.errno]
        deleted = await client.delete_topics([settings.topic_prefix + "org-events"])
        assert [error[1] for error in deleted.topic_error_codes] == [TopicAuthorizationFailedError.errno]


async def test_a_wrong_password_is_refused_and_named_in_readiness_without_being_shown(installation: LocalStack) -> None:
    wrong = installation.clients["org-service"].model_copy(update={"sasl_password": SecretStr("gue55ed")})
    with pytest.raises(KafkaConnectionError):
        await write(wrong, "org-events")
    health = Health()
    waiting = asyncio.create_task(wait_for_kafka(wrong, health=health))
    try:
        async with asyncio.timeout(patient(15)):
            while "credentials" not in (phase := str((await health._ready())[1]["phase"])):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert "gue55ed" not in phase


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
async def test_nobody_speaks_to_the_broker_in_plain_text(installation: LocalStack, protocol: str) -> None:
    plain = installation.clients["org-service"].model_copy(update={"security_protocol": protocol})
    with pytest.raises(KafkaError):
        await asyncio.wait_for(write(plain, "org-events"), 30)


async def test_a_broker_with_an_unknown_certificate_is_not_trusted(installation: LocalStack) -> None:
    without_authority = installation.clients["org-service"].model_copy(update={"ca_file": None})
    with pytest.raises(KafkaConnectionError):
        await write(without_authority, "org-events")


@pytest.mark.parametrize("listener", ["BROKER", "CONTROLLER"])
async def test_the_listeners_of_brokers_and_controllers_want_a_certificate(guarded_kafka: GuardedKafka, listener: str) -> None:
    port, administrator = guarded_kafka.port(listener), guarded_kafka.administrator
    trusting = ssl.create_default_context(cafile=str(administrator.ca_file))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    try:
        with pytest.raises((ssl.SSLError, ConnectionError)):  # TLS 1.3 tells of a missing certificate after the handshake
            await asyncio.wait_for(reader.readexactly(1), 20)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
