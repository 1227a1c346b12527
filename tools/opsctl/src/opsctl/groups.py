"""`groups` and `lag`: how far each consumer group has come, in messages and in time."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated

import typer
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import for_code
from aiokafka.structs import TopicPartition
from pydantic import Field
from rich.console import RenderableType

from eventing.record import Record
from opsctl import history, moments
from opsctl.command import AsJson, answer, span
from opsctl.history import Extent
from opsctl.render import Column, Report, table
from opsctl.system import System


class Member(Report):
    """One member of a group."""

    member: str = Field(description="member id; begins with the instance name of a replica that keeps its place over restarts")
    client: str
    host: str
    partitions: int


class PartitionLag(Report):
    """How far a group has come in one partition."""

    group: str
    topic: str
    partition: int
    committed: int | None = Field(description="offset of the next record to handle; null when nothing was ever committed")
    end: int
    lag: int = Field(description="records not handled yet")
    lag_seconds: timedelta | None = Field(description="age of the oldest record not handled yet; null when there is none")
    expired_unread: int = Field(description="records that retention deleted before they were handled")
    handled_up_to: datetime | None = Field(description="time of the last record handled")
    member: str | None = Field(description="client that has the partition now")


class Group(Report):
    """One consumer group of this system."""

    group: str
    state: str = Field(description="Kafka's own word: Stable, PreparingRebalance, CompletingRebalance, Empty, Dead; 'missing' when unknown")
    members: list[Member]
    topics: list[str]
    lag: int
    lag_seconds: timedelta | None
    expired_unread: int
    handled_up_to: datetime | None


class Groups(Report):
    """Answer of `groups`."""

    groups: list[Group]


class Lags(Report):
    """Answer of `lag`."""

    partitions: list[PartitionLag]


def command(*, as_json: AsJson = False) -> None:
    """List the consumer groups: state, members, lag in messages and in time, how far handled. Status 1 when one has no member."""
    answer(collect, tables, as_json=as_json, found=lambda report: any(not group.members for group in report.groups))


def lag_command(
    group: Annotated[list[str] | None, typer.Option("--group", "-g", help="Only this group; may be repeated.")] = None,
    topic: Annotated[list[str] | None, typer.Option("--topic", "-t", help="Only this topic; may be repeated.")] = None,
    over: Annotated[int, typer.Option(help="Status 1 when a partition has more records to handle than this.")] = 0,
    older: Annotated[
        timedelta | None, typer.Option(parser=span, metavar="DURATION", help="Status 1 only when the oldest is older than this, as in 30s.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Partitions without lag, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show each partition that a group has not handled to its end. Status 1 when there is one (past the limits given)."""

    async def work(system: System) -> Lags:
        found = [lag for lag in await lags(system) if (not group or lag.group in group) and (not topic or lag.topic in topic)]
        return Lags(partitions=[lag for lag in found if every or lag.lag or lag.expired_unread])

    def late(report: Lags) -> bool:
        return any(lag.lag > over and (older is None or (lag.lag_seconds or timedelta()) > older) for lag in report.partitions)

    answer(work, lag_tables, as_json=as_json, found=late)


async def collect(system: System) -> Groups:
    """The groups of the services that the settings name, and every other group of this system that the cluster knows."""
    described = await _described(system)
    measured = await _measured(system, described)
    return Groups(
        groups=[
            Group(
                group=name,
                state=state,
                members=members,
                topics=sorted({lag.topic for lag in measured[name]}),
                lag=sum(lag.lag for lag in measured[name]),
                lag_seconds=max((lag.lag_seconds for lag in measured[name] if lag.lag_seconds is not None), default=None),
                expired_unread=sum(lag.expired_unread for lag in measured[name]),
                handled_up_to=max((lag.handled_up_to for lag in measured[name] if lag.handled_up_to), default=None),
            )
            for name, (state, members, _) in described.items()
        ]
    )


async def lags(system: System) -> list[PartitionLag]:
    """Every partition of every group."""
    measured = await _measured(system, await _described(system))
    return [lag for group in measured.values() for lag in group]


Described = dict[str, tuple[str, list[Member], dict[TopicPartition, str]]]


async def _described(system: System) -> Described:
    """State, members, and who has which partition, by the group's name without prefix."""
    admin = await system.admin()
    listed = {
        name.removeprefix(system.prefix)
        for name, kind in await admin.list_consumer_groups()
        if name.startswith(system.prefix) and kind == "consumer"
    }
    names = sorted(listed | set(system.services))
    return dict(zip(names, await asyncio.gather(*(_describe(system, name) for name in names)), strict=True))


async def _describe(system: System, name: str) -> tuple[str, list[Member], dict[TopicPartition, str]]:
    # One group to a request: the client reads an answer about several groups with a shape that is one field short.
    response = (await (await system.admin()).describe_consumer_groups([system.prefix + name]))[0]
    code, _, state, _, _, members, *_ = response.groups[0]
    if code:
        raise for_code(code)(f"group {name}")
    owners: dict[TopicPartition, str] = {}
    found = []
    for member_id, client, host, _, assignment in members:
        own = ConsumerProtocol.ASSIGNMENT.decode(assignment).partitions() if assignment else []
        owners |= dict.fromkeys(own, client)
        found.append(Member(member=member_id, client=client, host=host.removeprefix("/"), partitions=len(own)))
    return ("missing" if state == "Dead" else state), found, owners


async def _measured(system: System, described: Described) -> dict[str, list[PartitionLag]]:
    admin = await system.admin()
    existing = set(await history.partitions(system, system.topics))
    committed: dict[str, dict[TopicPartition, int]] = {}
    for name, (_, _, owners) in described.items():
        offsets = await admin.list_consumer_group_offsets(system.prefix + name)
        # A service that stopped before its first commit in a partition will read all of it: that is lag, too.
        declared = {place for place in existing if name in system.topics[place.topic.removeprefix(system.prefix)].consumers}
        committed[name] = dict.fromkeys(declared | owners.keys(), -1) | {place: each.offset for place, each in offsets.items()}
    places = sorted({place for offsets in committed.values() for place in offsets} & existing)
    async with system.consumer() as consumer:
        held = await history.extents(consumer, places)
    measured = {}
    for name, offsets in committed.items():
        known = {place: offset for place, offset in offsets.items() if place in held}
        nexts = {place: max(offset, held[place].begin) for place, offset in known.items()}
        oldest = await history.records_at(system, {place: offset for place, offset in nexts.items() if offset < held[place].end})
        handled = await history.records_at(system, {place: offset - 1 for place, offset in known.items() if offset > held[place].begin})
        measured[name] = [
            _lag(system, name, place, offset, held[place], oldest.get(place), handled.get(place), described[name][2])
            for place, offset in sorted(known.items())
        ]
    return measured


def _lag(
    system: System,
    group: str,
    place: TopicPartition,
    committed: int,
    held: Extent,
    oldest: Record | None,
    handled: Record | None,
    owners: Mapping[TopicPartition, str],
) -> PartitionLag:
    return PartitionLag(
        group=group,
        topic=place.topic.removeprefix(system.prefix),
        partition=place.partition,
        committed=committed if committed >= 0 else None,
        end=held.end,
        lag=held.end - max(committed, held.begin),
        lag_seconds=moments.now() - moments.of_milliseconds(oldest.timestamp_ms) if oldest else None,
        expired_unread=max(held.begin - committed, 0) if committed >= 0 else 0,
        handled_up_to=moments.of_milliseconds(handled.timestamp_ms) if handled else None,
        member=owners.get(place),
    )


def tables(report: Groups) -> Iterable[RenderableType | str]:
    yield table(
        "groups",
        report.groups,
        Column[Group]("group", lambda row: row.group),
        Column[Group]("state", lambda row: row.state, lambda row: "" if row.members else "red"),
        Column[Group]("members", lambda row: [f"{member.client}@{member.host} ({member.partitions})" for member in row.members]),
        Column[Group]("lag", lambda row: row.lag, lambda row: "yellow" if row.lag else ""),
        Column[Group]("oldest waits", lambda row: row.lag_seconds),
        Column[Group]("handled up to", lambda row: row.handled_up_to),
        Column[Group]("expired unread", lambda row: row.expired_unread, lambda row: "red" if row.expired_unread else ""),
        Column[Group]("topics", lambda row: row.topics),
    )


def lag_tables(report: Lags) -> Iterable[RenderableType | str]:
    yield table(
        "lag",
        report.partitions,
        Column[PartitionLag]("group", lambda row: row.group),
        Column[PartitionLag]("topic", lambda row: f"{row.topic}/{row.partition}"),
        Column[PartitionLag]("committed", lambda row: row.committed),
        Column[PartitionLag]("end", lambda row: row.end),
        Column[PartitionLag]("lag", lambda row: row.lag),
        Column[PartitionLag]("oldest waits", lambda row: row.lag_seconds),
        Column[PartitionLag]("expired unread", lambda row: row.expired_unread, lambda row: "red" if row.expired_unread else ""),
        Column[PartitionLag]("handled up to", lambda row: row.handled_up_to),
        Column[PartitionLag]("member", lambda row: row.member),
    )
