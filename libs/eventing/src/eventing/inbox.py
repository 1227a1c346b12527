"""The inbox: records in, one transaction, the effect of each once, at any age of the record.

Events carry a number per subject; a number seen before is a duplicate. Commands carry an id made by their sender; the id's first outcome
is its only one, and asking again repeats it.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import structlog

from contracts.cloudevents import Attributes, Unreadable, legible
from contracts.message import Message
from contracts.registry import MESSAGES
from contracts.results import CommandRejected, CommandSucceeded
from contracts.upcasting import newest
from eventing import deadletters, metrics, tracing
from eventing.errors import InvalidData, NotYet, Refused
from eventing.outbox import Outbox
from eventing.reading import attributes_of, message_of
from eventing.record import Record
from eventing.sql import queries
from eventing.work import Cause, Connection, Together, Work

Handler = Callable[[Any, Work], Awaitable[Mapping[str, Any] | None]]
"""Handles one message inside ``work``; what it returns for a command goes to the sender. Raises `Refused`, `Transient` or `NotYet`."""

COMMAND_TOPICS = frozenset(message.TOPIC for message in MESSAGES.values() if message.KIND == "command")
_NO_ORGANIZATION = UUID(int=0)  # answers to commands whose organisation cannot be read
_INBOX = queries(__file__, "inbox")
_LOG = structlog.get_logger("eventing.inbox")


class Result(StrEnum):
    """What became of a record."""

    HANDLED = "handled"
    REFUSED = "refused"
    REPEATED = "repeated"
    DUPLICATE = "duplicate"
    DEAD = "dead"
    DISCARDED = "discarded"


class Inbox:
    """Reads records for ``service`` and runs the handler of each message type; a type without a handler is noted and passed over."""

    def __init__(self, outbox: Outbox, handlers: Mapping[type[Message], Handler], *, service: str) -> None:
        self.outbox = outbox
        self.service = service
        self.handlers = handlers

    async def handle(self, record: Record, *, waiting_since: datetime | None = None, connection: Connection | None = None) -> Result:
        """Deal with one record for good, or raise and change nothing.

        ``waiting_since`` is when it first could not be handled; ``connection`` puts the work inside a transaction that is already open.
        Raises `Transient`, `InvalidData` for an event of ours that breaks its contract, or what the handler raised.
        """
        results: list[Result] = []
        await self.handle_all([record], results, waiting_since=waiting_since, connection=connection)
        return results[0]

    async def handle_all(
        self,
        records: Sequence[Record],
        results: list[Result],
        *,
        waiting_since: datetime | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Deal with records in their order in one transaction: with all of them for good, or raise and change nothing.

        What became of each is added to ``results``; after an error their number tells which record failed (all there: the commit).
        """
        read = [None if record.topic in COMMAND_TOPICS else read_event(record) for record in records]
        async with self.outbox.together(connection=connection) as together:
            streams = await self._advance(together.connection, read)
            for record, event in zip(records, read, strict=True):
                with metrics.HANDLING_SECONDS.labels(record.topic).time(), tracing.processing(record, group=self.service):
                    on = self._command(record, waiting_since, together) if event is None else self._event(record, event, streams, together)
                    # A task of its own: what a handler binds to the context ends with its record.
                    results.append(await asyncio.create_task(on))
                    tracing.became(results[-1])
                    together.afterwards(metrics.HANDLED.labels(record.topic, results[-1]).inc)

    async def give_up(self, record: Record, *, why: str) -> Result:
        """Pass over a record for good: a later copy is a duplicate, the gap is noted, and the sender of a command is told."""
        async with self.outbox.together() as together:
            if record.topic in COMMAND_TOPICS:
                text = legible(record.headers)
                work = together.work(_command_cause(text, None))
                if await self._claim(work, record, text) is None:
                    hint = "Send it again under an id of its own."
                    refused = Refused("discarded", f"The command was given up by an operator: {why}", hint=hint)
                    await self._answer(work, _rejection(text, refused))
            elif isinstance(event := read_event(record), Event):
                previous = (await self._advance(together.connection, [event]))[event.stream]
                if previous < event.sequence:
                    await self._note_gap(together, "discarded", record, event, previous, event.sequence + 1)
        return Result.DISCARDED

    async def _advance(self, connection: Connection, read: Iterable["Event | Unreadable | None"]) -> dict["_Stream", int]:
        """The last number handled of each stream before these events."""
        highest: dict[_Stream, int] = {}
        for event in read:
            if isinstance(event, Event):
                highest[event.stream] = max(event.sequence, highest.get(event.stream, 0))
        if not highest:
            return {}
        sources, topics, subjects = zip(*highest, strict=True)
        rose = _INBOX.advance(connection, sources=sources, topics=topics, subjects=subjects, sequences=list(highest.values()))
        return highest | {(row["source"], row["topic"], row["subject"]): row["previous"] async for row in rose}

    async def _event(self, record: Record, event: "Event | Unreadable", streams: dict["_Stream", int], together: Together) -> Result:
        if isinstance(event, Unreadable):
            return await self._dead(record, "unreadable", str(event), together)
        attributes, previous = event.attributes, streams[event.stream]
        if event.sequence <= previous:
            return Result.DUPLICATE
        streams[event.stream] = event.sequence
        work = together.work(tracing.carried(Cause.of(attributes, event.organization_id)))
        if attributes.type not in MESSAGES:
            await deadletters.copy(work, record, service=self.service, reason="unknown_type", error=attributes.type)
            return Result.DEAD
        message = message_of(record, attributes, now=work.now)
        if event.sequence > previous + 1:
            await self._note_gap(together, "missing", record, event, previous, event.sequence)
            together.afterwards(metrics.GAPS.labels(record.topic).inc)
        if handler := self.handlers.get(type(message)):
            await _without_exit(handler, message, work)
        return Result.HANDLED

    async def _note_gap(self, together: Together, kind: str, record: Record, event: "Event", after: int, before: int) -> None:
        source, topic, subject = event.stream
        gap = {"source": source, "topic": topic, "subject": subject, "after_sequence": after, "next_sequence": before}
        await _INBOX.note_gap(together.connection, kind=kind, **gap, place=record.place)
        together.afterwards(partial(_LOG.error, "inbox.gap", kind=kind, place=record.place, **gap))

    async def _command(self, record: Record, waiting_since: datetime | None, together: Together) -> Result:
        text = legible(record.headers)
        if "id" not in text:
            return await self._dead(record, "unreadable", "ce_id is missing or not text: nobody can be answered", together)
        attributes, message, problem = _read_command(record, now=together.now)
        work = together.work(tracing.carried(_command_cause(text, attributes)))
        first = await self._claim(work, record, text)
        if first is not None:
            return first
        result: Mapping[str, Any] = {}
        try:
            if problem is not None or message is None:
                raise problem or Refused("unreadable", "the command cannot be read")
            async with work.connection.transaction():
                result = await self._run(message, work, waiting_since) or {}
        except Refused as refused:
            work.discard_events()
            await self._answer(work, _rejection(text, refused))
            return Result.REFUSED
        await self._answer(work, CommandSucceeded(command_id=text["id"], command_type=text.get("type", ""), result=dict(result)))
        return Result.HANDLED

    async def _run(self, command: Message, work: Work, waiting_since: datetime | None) -> Mapping[str, Any] | None:
        handler = self.handlers.get(type(command))
        if handler is None:
            raise Refused("unknown_command", f"{self.service} does not know this command")
        try:
            return await _without_exit(handler, command, work)
        except NotYet as not_yet:
            if waiting_since is not None and work.now - waiting_since >= not_yet.within:
                raise not_yet.refused from None
            raise

    async def _claim(self, work: Work, record: Record, text: Mapping[str, str]) -> Result | None:
        """None when this is the first time; else the repeat has been answered, or is only the same delivery again."""
        fingerprint = fingerprint_of(record, text)
        claim = await _INBOX.claim_command(
            work.connection, id=text["id"], fingerprint=fingerprint, partition=record.partition, offset=record.offset
        )
        if claim["first"]:
            return None
        if not claim["new_delivery"]:
            return Result.DUPLICATE
        earlier = await _INBOX.find_command(work.connection, id=text["id"])
        if earlier["fingerprint"] != fingerprint:
            reused = Refused(
                "command_id_reused",
                "This command id was used before for another command.",
                hint="Give every command an id of its own.",
            )
            work.publish(_rejection(text, reused))
            return Result.REFUSED
        outcome = newest(MESSAGES[earlier["outcome_type"]].model_validate_json(earlier["outcome"]))
        assert isinstance(outcome, CommandSucceeded | CommandRejected)  # noqa: S101
        work.publish(outcome.model_copy(update={"repeat": True}))
        return Result.REPEATED

    async def _answer(self, work: Work, outcome: CommandSucceeded | CommandRejected) -> None:
        await _INBOX.answer_command(
            work.connection, id=outcome.command_id, outcome_type=outcome.TYPE, outcome=outcome.model_dump_json().encode()
        )
        work.publish(outcome)

    async def _dead(self, record: Record, reason: str, error: str, together: Together) -> Result:
        work = together.work(Cause(organization_id=_NO_ORGANIZATION, correlation_id=record.place, causation_id=None))
        await deadletters.copy(work, record, service=self.service, reason=reason, error=error)
        return Result.DEAD


async def _without_exit(handler: Handler, message: Message, work: Work) -> Mapping[str, Any] | None:
    try:
        return await handler(message, work)
    except SystemExit as error:
        # Out of a task it would end the event loop under everybody else, and the next start would meet the same message.
        raise RuntimeError(f"the handler wanted to end the process with status {error.code}") from error


_Stream = tuple[str, str, str]  # source, topic, subject


@dataclass(frozen=True, slots=True)
class Event:
    """What every event says of itself, and the number by which it is known."""

    attributes: Attributes
    organization_id: UUID
    stream: _Stream
    sequence: int


def read_event(record: Record) -> Event | Unreadable:
    """What the record says of itself, or why that cannot be read."""
    try:
        attributes = attributes_of(record)
        if attributes.sequence is None:
            raise Unreadable("ce_sequence", "is missing")
        organization_id = _uuid("ce_organizationid", attributes.organizationid)
    except Unreadable as error:
        return error
    return Event(attributes, organization_id, (attributes.source, record.topic, attributes.subject), attributes.sequence)


def _read_command(record: Record, *, now: datetime) -> tuple[Attributes | None, Message | None, Refused | None]:
    try:
        attributes = attributes_of(record)
        _uuid("ce_organizationid", attributes.organizationid)
        if attributes.actor is None:
            raise Unreadable("ce_actor", "is missing: every command names the user who sends it")
    except Unreadable as error:
        return (
            None,
            None,
            Refused("unreadable", f"The command cannot be read: {error}.", hint="See the AsyncAPI document for the headers."),
        )
    try:
        return attributes, message_of(record, attributes, now=now), None
    except InvalidData as error:
        return (
            attributes,
            None,
            Refused(error.code, f"The command cannot be read: {error.message}.", errors=error.errors),
        )


def _command_cause(text: Mapping[str, str], attributes: Attributes | None) -> Cause:
    organization_id = _NO_ORGANIZATION
    with suppress(ValueError, KeyError):
        organization_id = UUID(text["organizationid"])
    if attributes is not None:
        return Cause.of(attributes, organization_id)
    return Cause(organization_id=organization_id, correlation_id=text.get("correlationid", text["id"]), causation_id=text["id"])


def _rejection(text: Mapping[str, str], refused: Refused) -> CommandRejected:
    return CommandRejected(
        command_id=text["id"],
        command_type=text.get("type", ""),
        code=refused.code,
        message=refused.message,
        hint=refused.hint,
        errors=list(refused.errors),
    )


def fingerprint_of(record: Record, text: Mapping[str, str]) -> bytes:
    """What makes two commands the same: type, tenant, actor, key and data, whatever the spelling of the JSON."""
    data = record.value or b""
    with suppress(orjson.JSONDecodeError, orjson.JSONEncodeError):
        data = orjson.dumps(orjson.loads(data), option=orjson.OPT_SORT_KEYS)
    parts = [text.get(name, "").encode() for name in ("type", "organizationid", "actor")] + [record.key or b"", data]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _uuid(attribute: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Unreadable(attribute, "is not a UUID") from None
