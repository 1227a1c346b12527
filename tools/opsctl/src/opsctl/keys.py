"""`key`: the last number of one key everywhere: where it is given, on the topic, at each consumer."""

from collections.abc import Iterable
from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import typer
from aiokafka.partitioner import DefaultPartitioner
from pydantic import Field
from rich.console import RenderableType

from contracts.cloudevents import legible
from eventing.record import Record
from eventing.sql import queries
from opsctl import history, moments
from opsctl.command import AsJson, answer
from opsctl.message import short_type
from opsctl.render import Column, Report, table
from opsctl.system import System

_KEYS = queries(__file__, "keys")


class Giver(Report):
    """A service that writes the topic."""

    service: str
    last_sequence: int | None = Field(description="last number given out; null when it never wrote this key")
    in_outbox: int = Field(description="messages of the key not published yet")
    refused: int = Field(description="messages of the key that the broker refused for good")


class OnTopic(Report):
    """The newest message of the key on the topic, of one source."""

    source: str | None
    last_sequence: int | None
    place: str
    type: str | None
    at: datetime


class Taker(Report):
    """A service that reads the topic."""

    service: str
    source: str | None = Field(description="whose numbers these are; null when nothing was handled")
    last_sequence: int | None
    behind: int = Field(description="how many of the numbers on the topic it has not handled")
    queued: int = Field(description="messages of the key that wait or are parked")
    state: str | None = Field(description="of the first of them")
    reason: str | None


class Key(Report):
    """Answer of `key`."""

    topic: str
    key: str
    partition: int | None = Field(description="where the key lies; null for commands, whose senders may choose otherwise")
    givers: list[Giver]
    on_topic: list[OnTopic]
    takers: list[Taker]


def command(
    topic: Annotated[str, typer.Argument(help="A topic of the contracts.")],
    key: Annotated[str, typer.Argument(help="The key, as company-events has the company's id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Compare the last number of a key at its writer, on the topic and at each reader. Status 1 when they differ or something waits."""
    answer(lambda system: collect(system, topic, key), tables, as_json=as_json, found=disagrees)


def disagrees(report: Key) -> bool:
    """Whether something is not published, not handled, or waits."""
    on_topic = {each.source: each.last_sequence for each in report.on_topic}
    return (
        any(giver.in_outbox or giver.refused for giver in report.givers)
        or any(giver.last_sequence and on_topic.get(f"/{giver.service}") != giver.last_sequence for giver in report.givers)
        or any(taker.behind or taker.queued for taker in report.takers)
    )


async def collect(system: System, topic: str, key: str) -> Key:
    """The numbers of a key, from all who have one."""
    declared = system.known(topic)
    raw = key.encode()
    givers = []
    for service in declared.producers:
        if service in system.services:
            row = await _KEYS.given(await system.database(service), topic=topic, subject=key, key=raw)
            givers.append(Giver(service=service, **row))
    newest, partition = await _newest(system, topic, raw, ours=bool(givers))
    last = {source: _sequence(record) for source, record in newest.items()}
    takers = []
    for service in declared.consumers:
        if service in system.services:
            takers += await _takers(system, service, topic, key, last)
    return Key(
        topic=topic,
        key=key,
        partition=partition,
        givers=givers,
        on_topic=[
            OnTopic(
                source=source,
                last_sequence=last[source],
                place=record.place,
                type=legible(record.headers).get("type"),
                at=moments.of_milliseconds(record.timestamp_ms),
            )
            for source, record in newest.items()
        ],
        takers=takers,
    )


async def _newest(system: System, topic: str, key: bytes, *, ours: bool) -> tuple[dict[str | None, Record], int | None]:
    """The newest record of the key, by source. What our relay wrote lies in one partition; others may have put a key anywhere."""
    places = await history.partitions(system, [topic])
    partition = DefaultPartitioner()(key, [place.partition for place in places], []) if ours and places else None
    ends = {place: end for place, end in (await history.ends_of(system, [topic])).items() if partition in (None, place.partition)}
    found: dict[str | None, Record] = {}
    async with aclosing(history.backward(system, [topic], lambda record: record.key == key, ends=ends)) as windows:
        async for window in windows:
            for record in reversed(window):
                found.setdefault(legible(record.headers).get("source"), record)
            if found and len(system.topics[topic].producers) <= len(found):
                break
    return found, partition


async def _takers(system: System, service: str, topic: str, key: str, last: dict[str | None, int | None]) -> list[Taker]:
    database = await system.database(service)
    handled = {row["source"]: row["last_sequence"] async for row in _KEYS.taken(database, topic=topic, subject=key)}
    queue = await _KEYS.queue(database, topic=topic, key=key.encode())
    sources: list[str | None] = sorted({*handled, *(source for source, number in last.items() if source and number)}) or [None]
    return [
        Taker(
            service=service,
            source=source,
            last_sequence=handled.get(source or ""),
            behind=max((last.get(source) or 0) - handled.get(source or "", 0), 0),
            queued=queue["records"],
            state=queue["state"],
            reason=queue["reason"],
        )
        for source in sources
    ]


def _sequence(record: Record) -> int | None:
    text = legible(record.headers).get("sequence", "")
    return int(text) if text.isascii() and text.isdigit() else None


def tables(report: Key) -> Iterable[RenderableType | str]:
    yield table(
        "given by",
        report.givers,
        Column("service", lambda row: row.service),
        Column("last number", lambda row: row.last_sequence),
        Column("in outbox", lambda row: row.in_outbox, lambda row: "yellow" if row.in_outbox else ""),
        Column("refused by Kafka", lambda row: row.refused, lambda row: "red" if row.refused else ""),
    )
    yield table(
        "on the topic",
        report.on_topic,
        Column("source", lambda row: row.source),
        Column("last number", lambda row: row.last_sequence),
        Column("place", lambda row: row.place),
        Column("type", lambda row: short_type(row.type)),
        Column("at", lambda row: row.at),
    )
    yield table(
        "taken by",
        report.takers,
        Column("service", lambda row: row.service),
        Column("of", lambda row: row.source),
        Column("last number", lambda row: row.last_sequence),
        Column("behind", lambda row: row.behind, lambda row: "red" if row.behind else ""),
        Column("queued", lambda row: row.queued, lambda row: "red" if row.queued else ""),
        Column("first of them", lambda row: row.state),
        Column("why", lambda row: row.reason),
    )
