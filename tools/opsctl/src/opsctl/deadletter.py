"""One dead letter: the record as it came, and why the service gave it up."""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import Field

from contracts.cloudevents import legible
from eventing.record import Record
from eventing.sql import queries
from opsctl import history, moments
from opsctl.message import shown
from opsctl.render import Report
from opsctl.system import System

_DEAD_LETTERS = queries(__file__, "deadletters")
_PREFIX = "x-dlq-"
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


class DeadLetter(Report):
    """A record that a service could not read or handle."""

    letter: str = Field(description="place of the letter itself, as org-service-dlq/0/3")
    service: str
    source: str = Field(description="place of the record it is a copy of")
    at: datetime = Field(description="when the service gave it up")
    reason: str = Field(description="unreadable, unknown_type or parked")
    error: str
    type: str | None
    key: str | None
    id: str | None
    organization_id: str | None
    state: str = Field(
        description="parked: needs an operator; waiting: being tried again; handled: tried again with success; discarded; "
        "dead: it can never be handled as it is; unknown: the settings do not name the service"
    )


@dataclass(frozen=True)
class Letter:
    """A letter on its topic, and the record inside, with the place it came from."""

    on_topic: Record
    inside: Record
    why: dict[str, str]

    @classmethod
    def of(cls, record: Record) -> "Letter":
        """Read a record of a dead-letter topic, trusting nothing."""
        why = {name.removeprefix(_PREFIX): shown(value) or "" for name, value in record.headers if name.startswith(_PREFIX)}
        inside = replace(
            record,
            topic=why["topic"] if _TOPIC.fullmatch(why.get("topic", "")) else record.topic,
            partition=_number(why.get("partition"), record.partition, digits=9),
            offset=_number(why.get("offset"), record.offset, digits=18),
            timestamp_ms=_number(why.get("timestamp"), record.timestamp_ms, digits=14),
            headers=tuple((name, value) for name, value in record.headers if not name.startswith(_PREFIX)),
        )
        return cls(record, inside, why)


async def letters(
    system: System, services: Sequence[str] | None, since: datetime | None = None, until: datetime | None = None
) -> AsyncGenerator[Letter, None]:
    """The dead letters of these services, or of all, in order of time."""
    topics = [
        topic.name for topic in system.topics.values() if topic.carries == "dead letters" and (not services or topic.owner in services)
    ]
    async with aclosing(history.forward(system, topics, since=since, until=until)) as records:
        async for record in records:
            yield Letter.of(record)


async def judged(system: System, found: Sequence[Letter]) -> list[DeadLetter]:
    """The letters with what has become of each."""
    fates: dict[tuple[str, str], tuple[str | None, str | None]] = {}
    for service in {letter.why.get("service", "") for letter in found} & set(system.services):
        inside = [letter.inside for letter in found if letter.why.get("service") == service]
        rows = _DEAD_LETTERS.fates(
            await system.database(service),
            places=[record.place for record in inside],
            topics=[record.topic for record in inside],
            partitions=[record.partition for record in inside],
            offsets=[record.offset for record in inside],
        )
        fates |= {(service, row["place"]): (row["queued"], row["operation"]) async for row in rows}
    return [_judge(letter, fates) for letter in found]


def _judge(letter: Letter, fates: dict[tuple[str, str], tuple[str | None, str | None]]) -> DeadLetter:
    text = legible(letter.inside.headers)
    service = letter.why.get("service", letter.on_topic.topic.removesuffix("-dlq"))
    return DeadLetter(
        letter=letter.on_topic.place,
        service=service,
        source=letter.inside.place,
        at=_time(letter.why.get("at")) or moments.of_milliseconds(letter.on_topic.timestamp_ms),
        reason=letter.why.get("reason", "unknown"),
        error=letter.why.get("error", ""),
        type=text.get("type"),
        key=shown(letter.inside.key),
        id=text.get("id"),
        organization_id=text.get("organizationid"),
        state=_state(letter.why.get("reason"), fates.get((service, letter.inside.place))),
    )


def _state(reason: str | None, fate: tuple[str | None, str | None] | None) -> str:
    if fate is None:
        return "unknown"
    queued, operation = fate
    if queued is not None:
        return queued
    if operation is not None and operation.startswith("discard"):
        return "discarded"
    return "handled" if reason == "parked" else "dead"


def _number(text: str | None, otherwise: int, *, digits: int) -> int:
    return int(text) if text is not None and re.fullmatch(rf"[0-9]{{1,{digits}}}", text) else otherwise


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return None


def matching(
    found: Iterable[DeadLetter], *, reason: str | None, key: str | None, organization: str | None, states: Sequence[str]
) -> list[DeadLetter]:
    """Those for which every condition that is given holds; ``reason`` may be a part of reason or error."""
    return [
        letter
        for letter in found
        if (reason is None or reason.lower() in f"{letter.reason} {letter.error}".lower())
        and key in (None, letter.key)
        and organization in (None, letter.organization_id)
        and (not states or letter.state in states)
    ]
