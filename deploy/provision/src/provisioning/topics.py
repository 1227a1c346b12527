"""Topics: made once, left alone when they are right, reported when they differ."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from provisioning.cluster import Cluster, ProvisioningError, admin

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
    cluster: Cluster,
    topics: Iterable[Declared],
    *,
    prefix: str = "",
    most_partitions: int | None = None,
    replicas: int = 1,
    within: float = 30,
) -> list[Difference]:
    """Create what is missing, wait until every partition has a leader, and report what differs. Raises `ProvisioningError`."""
    wanted = _wanted(topics, prefix, most_partitions, replicas)
    async with admin(cluster) as client:
        response = await client.create_topics(list(wanted.values()))
        old = []
        for name, code, message in response.topic_errors:
            if code == TOPIC_EXISTS:
                old.append(wanted[name])
            elif code:
                raise ProvisioningError(f"topic {name}: {for_code(code).__name__}: {message or ''}")
        found = await _led(client, list(wanted), within)
        return await _differences(client, old, found)


async def plan_topics(cluster: Cluster, topics: Iterable[Declared], *, prefix: str = "") -> tuple[list[str], list[Difference]]:
    """The names of the topics that are missing, and what differs of those that exist. Changes nothing."""
    wanted = _wanted(topics, prefix, None, replicas=1)
    async with admin(cluster) as client:
        present = set(await client.list_topics()) & set(wanted)
        partitions = {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics(sorted(present))}
        differences = await _differences(client, [wanted[name] for name in sorted(present)], partitions)
    return sorted(set(wanted) - present), differences


async def delete_topics(cluster: Cluster, names: Sequence[str]) -> None:
    """Delete what exists of these."""
    async with admin(cluster) as client:
        response = await client.delete_topics(list(names))
        for name, code in response.topic_error_codes:
            if code not in (0, UNKNOWN_TOPIC):
                raise ProvisioningError(f"topic {name}: {for_code(code).__name__}")


def _wanted(topics: Iterable[Declared], prefix: str, most_partitions: int | None, replicas: int) -> dict[str, NewTopic]:
    return {
        prefix + topic.name: NewTopic(
            prefix + topic.name,
            min(topic.partitions, most_partitions or topic.partitions),
            replicas,
            topic_configs={"retention.ms": str(topic.retention_ms), **topic.config},
        )
        for topic in topics
    }


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
