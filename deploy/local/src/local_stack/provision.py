"""Topics, databases and roles: made once, left alone when they are right, reported when they differ."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from local_stack.kafka import admin
from local_stack.postgres import PostgresAddress

TOPIC_EXISTS = 36
UNKNOWN_TOPIC = 3


class Declared(Protocol):
    """A topic as the contracts declare it (`contracts.topics.Topic`)."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def retention_ms(self) -> int:
        """Milliseconds; -1 keeps for good."""

    @property
    def config(self) -> Mapping[str, str]:
        """Further settings of the topic, in Kafka's own names."""


class ProvisioningError(Exception):
    """The server refused."""


@dataclass(frozen=True)
class Difference:
    """A topic that exists and is not as declared. Nothing was changed: fewer partitions cannot be had, more would move keys, and a
    changed retention may delete, so that a person decides."""

    topic: str
    setting: str
    declared: str
    found: str

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.setting} is {self.found}, declared {self.declared}"


async def create_topics(
    bootstrap_servers: str,
    topics: Iterable[Declared],
    *,
    prefix: str = "",
    most_partitions: int | None = None,
    within: float = 30,
) -> list[Difference]:
    """Create what is missing, wait until every partition has a leader, and report what differs. Raises `ProvisioningError`."""
    wanted = {
        prefix + topic.name: NewTopic(
            prefix + topic.name,
            min(topic.partitions, most_partitions or topic.partitions),
            1,
            topic_configs={"retention.ms": str(topic.retention_ms), **topic.config},
        )
        for topic in topics
    }
    async with admin(bootstrap_servers) as client:
        response = await client.create_topics(list(wanted.values()))
        old = []
        for name, code, message in response.topic_errors:
            if code == TOPIC_EXISTS:
                old.append(wanted[name])
            elif code:
                raise ProvisioningError(f"topic {name}: {for_code(code).__name__}: {message or ''}")
        found = await _led(client, list(wanted), within)
        return await _differences(client, old, found)


async def delete_topics(bootstrap_servers: str, names: Sequence[str]) -> None:
    """Delete what exists of these."""
    async with admin(bootstrap_servers) as client:
        response = await client.delete_topics(list(names))
        for name, code in response.topic_error_codes:
            if code not in (0, UNKNOWN_TOPIC):
                raise ProvisioningError(f"topic {name}: {for_code(code).__name__}")


async def create_database(server: PostgresAddress, dsn: str) -> None:
    """The database, role and password that a DSN names: the role owns the database and alone may connect to it."""
    parts = urlsplit(dsn)
    role, database, password = (unquote(part or "") for part in (parts.username, parts.path[1:], parts.password))
    connection = await server.connect()
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {quoted(role)} LOGIN")
        await connection.execute(f"ALTER ROLE {quoted(role)} PASSWORD {literal(password)}")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            # An administrator who is not a superuser must be a member of the role to make it the owner.
            await connection.execute(f"GRANT {quoted(role)} TO CURRENT_USER")
            await connection.execute(f"CREATE DATABASE {quoted(database)} OWNER {quoted(role)}")
        await connection.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {quoted(database)} FROM PUBLIC")
    finally:
        await connection.close()


async def close_to_public(server: PostgresAddress) -> None:
    """On a server of our own: nobody but the administrator enters the databases that every server has."""
    connection = await server.connect()
    try:
        await connection.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
    finally:
        await connection.close()


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


async def _led(client: AIOKafkaAdminClient, names: list[str], within: float) -> dict[str, int]:
    """The number of partitions by topic, once all have a leader: the controller answers before the broker has heard of a new topic."""
    deadline = time.monotonic() + within
    while True:
        topics = await client.describe_topics(names)
        if all(topic["error_code"] == 0 and all(p["error_code"] == 0 for p in topic["partitions"]) for topic in topics):
            return {topic["topic"]: len(topic["partitions"]) for topic in topics}
        if time.monotonic() > deadline:
            raise ProvisioningError(f"no leader after {within:.0f} s: {topics}")
        await asyncio.sleep(0.02)


async def _differences(client: AIOKafkaAdminClient, old: Sequence[NewTopic], partitions: Mapping[str, int]) -> list[Difference]:
    if not old:
        return []
    differences = [
        Difference(topic.name, "partitions", str(topic.num_partitions), str(partitions[topic.name]))
        for topic in old
        if partitions[topic.name] != topic.num_partitions
    ]
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name, dict.fromkeys(topic.topic_configs, "")) for topic in old]
    declared = {topic.name: topic.topic_configs for topic in old}
    for response in await client.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            if code:
                raise ProvisioningError(f"topic {name}: {message}")
            found = {entry[0]: entry[1] for entry in entries}
            differences += [
                Difference(name, setting, value, found.get(setting, "absent"))
                for setting, value in declared[name].items()
                if found.get(setting) != value
            ]
    return differences
