"""`show`: one message, and what each consumer has made of it."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

import orjson
import typer
from aiokafka.structs import TopicPartition
from pydantic import Field
from rich.console import RenderableType
from rich.text import Text

from contracts.cloudevents import legible
from eventing.inbox import COMMAND_TOPICS
from eventing.record import Record
from eventing.sql import queries
from opsctl import history
from opsctl.command import AsJson, answer
from opsctl.message import MessageOnTopic, on_topic, short_type
from opsctl.render import Column, Report, printable, table, words
from opsctl.system import Refused, System
from opsctl.tail import Since

_RECEPTIONS = queries(__file__, "receptions")


class Reception(Report):
    """What became of a message at one consumer."""

    service: str
    state: str = Field(
        description="unread, handled, answered, waiting (tried again by itself), parked (needs an operator), dead, or passed over"
    )
    detail: str
    since: datetime | None


class Shown(Report):
    """Answer of `show`."""

    message: MessageOnTopic
    receptions: list[Reception] = Field(description="one for each consumer whose database the settings name")


def command(
    id_or_place: Annotated[str, typer.Argument(metavar="ID|PLACE", help="The message's id, or its place as topic/partition/offset.")],
    since: Since = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show one message with all its parts, and what each consumer has made of it. Status 1 when one of them could not handle it.

    A place is found at once. An id is looked for in the services' tables, then on the topics from the newest message back.
    """

    async def work(system: System) -> Shown:
        record = await find(system, id_or_place, since)
        return Shown(message=on_topic(record), receptions=[each async for each in receptions(system, record)])

    answer(work, tables, as_json=as_json, found=lambda report: any(each.state in ("parked", "dead") for each in report.receptions))


async def find(system: System, id_or_place: str, since: datetime | None = None) -> Record:
    """The newest record with an id, or the one at a place. Raises `Refused` when there is none."""
    if "/" in id_or_place:
        place, offset = history.place_of(system, id_or_place)
        found = (await history.records_at(system, {place: offset})).get(place)
        if found is None or found.offset != offset:
            raise Refused(f"there is no record at {id_or_place}: not written yet, or its time is over")
        return found
    if record := await command_record(system, id_or_place):
        return record

    def wanted(record: Record) -> bool:
        return legible(record.headers).get("id") == id_or_place

    carriers = [name for name, topic in system.topics.items() if topic.carries == "messages"]
    async with aclosing(history.backward(system, carriers, wanted, since=since)) as windows:
        async for window in windows:
            if window:
                return window[-1]
    raise Refused(f"no topic holds a message {id_or_place}" + (" since then" if since else ""))


async def command_record(system: System, command_id: str) -> Record | None:
    """The record of a command that was handled, from where its service noted it was read."""
    for service in system.services:
        topics = [topic.name for topic in system.topics.values() if topic.name in COMMAND_TOPICS and topic.owner == service]
        async for row in _RECEPTIONS.deliveries(await system.database(service), id=command_id):
            for topic in topics:
                place = TopicPartition(system.full(topic), row["partition"])
                record = (await history.records_at(system, {place: row["last_offset"]})).get(place)
                if record is not None and legible(record.headers).get("id") == command_id:
                    return record
    return None


async def receptions(system: System, record: Record) -> AsyncIterator[Reception]:
    """What each consumer of the record's topic has made of it."""
    text = legible(record.headers)
    for service in system.known(record.topic).consumers:
        if service not in system.services:
            continue
        place = TopicPartition(system.full(record.topic), record.partition)
        committed = (await (await system.admin()).list_consumer_group_offsets(system.prefix + service, partitions=[place])).get(place)
        if committed is None or committed.offset <= record.offset:
            yield Reception(service=service, state="unread", detail="the group has not come this far", since=None)
            continue
        row = await _RECEPTIONS.reception(
            await system.database(service),
            source=text.get("source", ""),
            subject=text.get("subject", ""),
            command_id=text.get("id", "") if record.topic in COMMAND_TOPICS else "",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        yield _reception(service, row, text.get("sequence", ""), is_command=record.topic in COMMAND_TOPICS)


def _reception(service: str, row: Mapping[str, Any], sequence: str, *, is_command: bool) -> Reception:
    if row["state"] is not None:
        tried = f"{row['reason'] or 'behind an earlier message of its key'}; tried {row['attempts']} times"
        again = f", next {words(row['next_attempt_at'])}" if row["state"] == "waiting" and row["attempts"] else ""
        return Reception(service=service, state=row["state"], detail=tried + again, since=row["first_failed_at"])
    last = row["last_sequence"]
    if last is not None and sequence.isdigit() and int(sequence) <= last and row["dead_reason"] in (None, "parked"):
        after = ", after it had been parked" if row["dead_reason"] else ""
        return Reception(service=service, state="handled", detail=f"number {sequence}{after}; last of its subject is {last}", since=None)
    if row["dead_reason"] is not None:
        return Reception(service=service, state="dead", detail=f"{row['dead_reason']}: {row['dead_error']}", since=row["copied_at"])
    if is_command:
        if row["outcome_type"] is None:
            return Reception(service=service, state="passed over", detail="read, and no outcome was noted", since=None)
        return Reception(service=service, state="answered", detail=short_type(row["outcome_type"]), since=row["handled_at"])
    return Reception(
        service=service, state="passed over", detail=f"read, but the last number handled of its subject is {last or 0}", since=None
    )


def tables(report: Shown) -> Iterable[RenderableType | str]:
    message = report.message
    facts = [
        (name, value)
        for name, value in message
        if name not in ("data", "value_base64", "headers", "problems", "topic", "partition", "offset")
    ]
    yield table(
        "message",
        facts,
        Column[tuple[str, object]]("", lambda fact: fact[0].replace("_", " ")),
        Column("", lambda fact: str(words(fact[1]))),
    )
    if message.headers:
        yield table("other headers", list(message.headers.items()), Column("", lambda each: each[0]), Column("", lambda each: each[1]))
    value = message.value_base64 if message.value_base64 is not None else orjson.dumps(message.data, option=orjson.OPT_INDENT_2).decode()
    yield Text(printable(value))
    if message.problems:
        yield table(
            "held against it by the contracts",
            message.problems,
            Column("field", lambda each: each.field, lambda _: "red"),
            Column("problem", lambda each: each.problem),
            Column("given", lambda each: each.given),
        )
    yield table(
        "at its consumers",
        report.receptions,
        Column("service", lambda each: each.service),
        Column("state", lambda each: each.state, lambda each: "red" if each.state in ("parked", "dead", "passed over") else ""),
        Column("since", lambda each: each.since),
        Column("detail", lambda each: each.detail),
    )
