"""`topics`: what the contracts declare beside what the cluster has."""

from collections.abc import Iterable
from datetime import datetime

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition
from pydantic import Field
from rich.console import RenderableType

from contracts.topics import Topic
from opsctl import history, moments
from opsctl.command import AsJson, answer
from opsctl.render import Column, Report, table
from opsctl.system import System


class TopicState(Report):
    """One topic of the contracts."""

    topic: str
    carries: str = Field(description="messages, or dead letters")
    owner: str
    producers: list[str]
    consumers: list[str]
    key: str
    retention: str
    partitions: int = Field(description="on the cluster; 0 when the topic is missing")
    records: int
    newest_at: datetime | None = Field(description="time of the newest record")
    differences: list[str] = Field(description="where the cluster is not as declared")


class Topics(Report):
    """Answer of `topics`."""

    topics: list[TopicState]


def command(*, as_json: AsJson = False) -> None:
    """List the topics: owner, who writes and reads, records, newest record, and where the cluster differs from the contracts (status 1)."""
    answer(collect, tables, as_json=as_json, found=lambda report: any(topic.differences for topic in report.topics))


async def collect(system: System) -> Topics:
    """Every topic of the contracts as it stands."""
    places = await history.partitions(system, system.topics)
    async with system.consumer() as consumer:
        held = await history.extents(consumer, places)
    newest = await history.records_at(system, {place: extent.end - 1 for place, extent in held.items() if extent.records})
    configured = await configurations(system, {place.topic for place in places})
    states = []
    for topic in system.topics.values():
        own: list[TopicPartition] = [place for place in places if place.topic == system.full(topic.name)]
        times = [newest[place].timestamp_ms for place in own if place in newest]
        states.append(
            TopicState(
                topic=topic.name,
                **topic.model_dump(include={"carries", "owner", "producers", "consumers", "key", "retention"}),
                partitions=len(own),
                records=sum(held[place].records for place in own),
                newest_at=moments.of_milliseconds(max(times)) if times else None,
                differences=differences(topic, len(own), configured.get(system.full(topic.name), {})),
            )
        )
    return Topics(topics=states)


def differences(topic: Topic, partitions: int, configuration: dict[str, str]) -> list[str]:
    """Where a topic on the cluster is not as the contracts declare it."""
    if not partitions:
        return ["missing"]
    found = [] if partitions == topic.partitions else [f"partitions: {partitions}, declared {topic.partitions}"]
    return found + [
        f"{name}: {configuration.get(name, 'absent')}, declared {value}"
        for name, value in topic.config.items()
        if configuration.get(name) != value
    ]


async def configurations(system: System, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The settings of topics by their full names, as far as the operator may read them."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(names)]
    if not resources:
        return {}
    responses = await (await system.admin()).describe_configs(resources)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for code, _, _, name, entries in response.resources
        if not code
    }


def tables(report: Topics) -> Iterable[RenderableType | str]:
    yield table(
        "topics",
        report.topics,
        Column[TopicState]("topic", lambda row: row.topic),
        Column[TopicState]("written by", lambda row: row.producers),
        Column[TopicState]("read by", lambda row: row.consumers),
        Column[TopicState]("parts", lambda row: row.partitions),
        Column[TopicState]("kept", lambda row: row.retention),
        Column[TopicState]("records", lambda row: row.records),
        Column[TopicState]("newest", lambda row: row.newest_at),
        Column[TopicState]("differs", lambda row: row.differences, lambda _: "red"),
    )
