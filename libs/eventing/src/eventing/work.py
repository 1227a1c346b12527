"""One unit of work: a PostgreSQL transaction whose state changes and events commit together or not at all."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from contracts.cloudevents import Attributes
from contracts.message import Event
from eventing.record import Record
from eventing.sql import queries

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_OUTBOX = queries(__file__, "outbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why the work is done. Every event it publishes carries the correlation, and the cause's id as causation."""

    organization_id: UUID
    correlation_id: str
    causation_id: str | None
    traceparent: str | None = None
    actor: str = ""

    @classmethod
    def of(cls, attributes: Attributes, organization_id: UUID) -> "Cause":
        """The message being handled."""
        return cls(
            organization_id=organization_id,
            correlation_id=attributes.correlationid,
            causation_id=attributes.id,
            traceparent=attributes.traceparent,
            actor=attributes.actor or "",
        )


@dataclass(slots=True)
class Work:
    """What a handler works with: ``connection`` is inside the transaction; ``publish`` puts events beside the state change."""

    connection: Connection
    cause: Cause
    now: datetime
    source: str
    _events: list[Event] = field(default_factory=list)
    _letters: list[Record] = field(default_factory=list)
    _tellings: list[Callable[[], None]] = field(default_factory=list)

    @property
    def actor(self) -> str:
        """The user who sent the command; empty when no user did."""
        return self.cause.actor

    @property
    def organization_id(self) -> UUID:
        """The organisation whose data is worked on."""
        return self.cause.organization_id

    def publish(self, *events: Event) -> None:
        """Publish when, and only when, the transaction commits. Events of one subject keep this order."""
        self._events += events

    def publish_raw(self, record: Record) -> None:
        """Publish a record as it stands, for dead letters."""
        self._letters.append(record)

    def afterwards(self, tell: Callable[[], None]) -> None:
        """Count or log something when the work is done, and not when it is rolled back."""
        self._tellings.append(tell)

    def discard_events(self) -> None:
        """Forget what was to be published, when the state change was rolled back to a savepoint."""
        self._events.clear()

    def letters(self) -> list[dict[str, Any]]:
        """Rows of the outbox for what goes out as it stands."""
        return [_raw_row(letter) for letter in self._letters]

    def events(self) -> list[Event]:
        """What is to be published, in order."""
        return self._events

    def row(self, event: Event, sequence: int) -> dict[str, Any]:
        """A row of the outbox for one of the events under its number."""
        attributes = Attributes(
            id=str(uuid4()),
            source=self.source,
            type=event.TYPE,
            time=self.now,
            subject=event.subject,
            organizationid=str(self.cause.organization_id),
            correlationid=self.cause.correlation_id,
            causationid=self.cause.causation_id,
            sequence=sequence,
            traceparent=self.cause.traceparent,
        )
        headers = attributes.headers()
        return {
            "topic": event.TOPIC,
            "key": event.subject.encode(),
            "header_names": [name for name, _ in headers],
            "header_values": [value for _, value in headers],
            "value": event.model_dump_json().encode(),
        }


def _raw_row(record: Record) -> dict[str, Any]:
    columns = record.columns()
    return {name: columns[name] for name in ("topic", "key", "header_names", "header_values", "value")}


@dataclass(slots=True)
class Together:
    """Several units of work in one transaction: they commit together or not at all."""

    connection: Connection
    now: datetime
    source: str
    tellings: list[Callable[[], None]] = field(default_factory=list)
    _works: list[Work] = field(default_factory=list)

    def work(self, cause: Cause) -> Work:
        """One more; what it publishes goes out after what the earlier ones publish."""
        work = Work(self.connection, cause, self.now, self.source, _tellings=self.tellings)
        self._works.append(work)
        return work

    def afterwards(self, tell: Callable[[], None]) -> None:
        """Count or log something when all is done, and not when it is rolled back."""
        self.tellings.append(tell)

    def publishes(self) -> list[dict[str, str]]:
        """What goes out, in short."""
        published: list[dict[str, str]] = []
        for work in self._works:
            published += [{"topic": letter["topic"]} for letter in work.letters()]
            published += [{"topic": event.TOPIC, "type": event.TYPE, "subject": event.subject} for event in work.events()]
        return published

    async def write_outbox(self) -> bool:
        """Number the events and put them into the outbox; true when there was anything. Called once, last in the transaction."""
        rows = await self.numbered()
        if rows:
            await _OUTBOX.append(self.connection, rows)
        return bool(rows)

    async def numbered(self) -> list[dict[str, Any]]:
        """What goes out, as rows of the outbox. The numbers are taken: called once."""
        sequences = await self._take_sequences()
        rows: list[dict[str, Any]] = []
        for work in self._works:
            rows += work.letters()
            for event in work.events():
                stream = (event.TOPIC, event.subject)
                sequences[stream] += 1
                rows.append(work.row(event, sequences[stream]))
        return rows

    async def _take_sequences(self) -> dict[tuple[str, str], int]:
        amounts = Counter((event.TOPIC, event.subject) for work in self._works for event in work.events())
        if not amounts:
            return {}
        taken = _OUTBOX.take_sequences(
            self.connection,
            topics=[topic for topic, _ in amounts],
            subjects=[subject for _, subject in amounts],
            amounts=list(amounts.values()),
        )
        return {(row["topic"], row["subject"]): row["last_sequence"] - amounts[row["topic"], row["subject"]] async for row in taken}


Clock = Callable[[], datetime]
