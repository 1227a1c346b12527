"""How a service reaches Kafka: the one translation of `KafkaSettings` into the terms of the client libraries."""

from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.helpers import create_ssl_context
from aiokafka.protocol.metadata import MetadataRequest
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from eventing.kafka import KafkaAccess
from servicekit.clock import Clock
from servicekit.health import Health
from servicekit.settings import KafkaSettings
from servicekit.waiting import wait_for

AWAY = (OSError, KafkaError)

_SASL = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


def broker_security(settings: KafkaSettings) -> BaseSecurity:
    """For `KafkaBroker(security=...)`."""
    encrypted = settings.security_protocol.endswith("SSL")
    context = create_ssl_context(cafile=settings.ca_file and str(settings.ca_file)) if encrypted else None
    if not settings.security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context)
    if settings.sasl_username is None or settings.sasl_password is None:  # the settings class has refused this before
        raise ValueError("SASL needs a user and a password")
    return _SASL[settings.sasl_mechanism](settings.sasl_username, settings.sasl_password.get_secret_value(), ssl_context=context)


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments of `AIOKafkaProducer`, `AIOKafkaConsumer` and `AIOKafkaAdminClient`: addresses and security."""
    return {"bootstrap_servers": settings.bootstrap_servers.split(","), **parse_security(broker_security(settings))}


def kafka_access(settings: KafkaSettings, *, client_id: str) -> KafkaAccess:
    """For the message core."""
    return KafkaAccess(
        client_id=client_id,
        options=client_options(settings),
        security=broker_security(settings),
        topic_prefix=settings.topic_prefix,
        group_instance_id=settings.group_instance_id,
    )


async def wait_for_topics(kafka: KafkaAccess, topics: Sequence[str], *, health: Health, clock: Clock | None = None) -> None:
    """Wait until the topics exist; they are created from the contracts, by provisioning."""
    wanted = {kafka.topic_prefix + topic for topic in topics}

    async def attempt() -> None:
        admin = AIOKafkaAdminClient(**kafka.options, client_id=kafka.client_id)
        try:
            await admin.start()
            missing = wanted - set(await admin.list_topics())
        finally:
            await admin.close()
        if missing:
            raise UnknownTopicOrPartitionError(f"missing: {', '.join(sorted(missing))}; run the provisioning")

    await wait_for("the topics", attempt, health=health, away=AWAY, clock=clock)


async def wait_for_kafka(settings: KafkaSettings, *, health: Health, clock: Clock | None = None) -> None:
    """Wait until one of the brokers lets us in and answers a request."""
    await wait_for(f"Kafka at {settings.bootstrap_servers}", lambda: ask_kafka(settings), health=health, away=AWAY, clock=clock)


async def ask_kafka(settings: KafkaSettings) -> None:
    """Return when one of the brokers lets us in and answers a request. Raises one of `AWAY`, with the last one's reason."""
    options = client_options(settings)
    addresses = options.pop("bootstrap_servers")
    for address in addresses:
        try:
            await _ask(address, options)
        except AWAY:
            if address == addresses[-1]:
                raise
        else:
            return


async def _ask(address: str, options: dict[str, Any]) -> None:
    """One request on one connection.

    The client's own bootstrap hides the reason ("unable to bootstrap"); a bare connection tells a refused connection
    from a refused password.
    """
    host, _, port = address.rpartition(":")
    connection = await create_conn(host.strip("[]"), int(port), **options)
    try:
        await connection.send(MetadataRequest([]))
    finally:
        connection.close()
