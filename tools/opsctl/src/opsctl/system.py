"""The running system as opsctl reaches it: Kafka, and each service's schema `eventing`. Connected when first needed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from contracts import topics as contracts
from contracts.topics import Topic
from opsctl.settings import ServiceAddress, Settings
from servicekit.kafka import AWAY as KAFKA_AWAY
from servicekit.kafka import ask_kafka, client_options
from servicekit.postgres import AWAY as POSTGRES_AWAY
from servicekit.redaction import redact_text

CLIENT = "opsctl"
_ANSWER_SECONDS = 10
_CONNECT_SECONDS = 5


class Away(Exception):
    """A server does not answer; the text names it and says why, without secrets."""

    def __init__(self, server: str, why: object) -> None:
        self.server = server
        self.why = redact_text(f"{type(why).__name__}: {why}" if isinstance(why, Exception) else str(why))
        super().__init__(f"{server} does not answer: {self.why}")


class Refused(Exception):
    """What was asked for cannot be done; the text says why and what to do instead."""


class System:
    """``async with System(settings) as system``. Connections to databases only read unless asked for otherwise."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.prefix = settings.kafka.topic_prefix
        self.services: Mapping[str, ServiceAddress] = settings.addresses
        self.topics: Mapping[str, Topic] = {topic.name: topic for topic in contracts.load()}
        self._exits = AsyncExitStack()
        self._admin: AIOKafkaAdminClient | None = None
        self._databases: dict[tuple[str, bool], asyncpg.Connection] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def admin(self) -> AIOKafkaAdminClient:
        """The cluster's administration, as far as the operator may. Raises `Away`."""
        if self._admin is None:
            try:
                await ask_kafka(self.settings.kafka)
                self._admin = AIOKafkaAdminClient(
                    **client_options(self.settings.kafka), client_id=CLIENT, request_timeout_ms=_ANSWER_SECONDS * 1000
                )
                self._exits.push_async_callback(self._admin.close)
                await self._admin.start()
            except KAFKA_AWAY as error:
                raise Away(f"Kafka at {self.settings.kafka.bootstrap_servers}", error) from None
        return self._admin

    @asynccontextmanager
    async def consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """A reader without a group: it disturbs nobody's offsets."""
        await self.admin()
        consumer = AIOKafkaConsumer(
            **client_options(self.settings.kafka),
            client_id=CLIENT,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=_ANSWER_SECONDS * 1000,
            fetch_max_wait_ms=100,
        )
        try:
            await consumer.start()
            await asyncio.sleep(0)  # stopped before its own tasks have begun, it would raise their cancellation as ours
            yield consumer
        finally:
            await consumer.stop()

    async def database(self, service: str, *, writing: bool = False) -> asyncpg.Connection:
        """The service's database. Raises `Away`, or `Refused` for a service that the settings do not name."""
        if service not in self.services:
            known = ", ".join(self.services) or "none"
            variable = f"OPSCTL__SERVICES__{service.upper().replace('-', '_')}__POSTGRES__DSN"
            raise Refused(f"the settings name no service {service} (known: {known}); set {variable}")
        if (service, writing) not in self._databases:
            self._databases[service, writing] = await self._connect(service, writing)
        return self._databases[service, writing]

    async def _connect(self, service: str, writing: bool) -> asyncpg.Connection:
        address = self.services[service].postgres
        try:
            connection = await asyncpg.connect(
                address.dsn.get_secret_value(),
                timeout=_CONNECT_SECONDS,
                server_settings={
                    "application_name": CLIENT,
                    "timezone": "UTC",
                    "default_transaction_read_only": "off" if writing else "on",
                    "statement_timeout": str(round(address.statement_timeout_seconds * 1000)),
                },
            )
        except (*POSTGRES_AWAY, TimeoutError) as error:
            raise Away(f"PostgreSQL of {service} at {address.place}", error) from None
        self._exits.push_async_callback(_close, connection)
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=orjson.loads)
        return connection

    def full(self, topic: str) -> str:
        """The name of a topic of the contracts on this cluster."""
        return self.prefix + topic

    def known(self, topic: str) -> Topic:
        """A topic of the contracts. Raises `Refused`."""
        if topic not in self.topics:
            raise Refused(f"there is no topic {topic}; there are {', '.join(self.topics)}")
        return self.topics[topic]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


async def _close(connection: asyncpg.Connection) -> None:
    await connection.close(timeout=2)
