"""The outside of a service under test: sends what a UI gateway or another service would send, reads what the service publishes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts import topics as contracts
from contracts.cloudevents import Attributes, read
from contracts.message import Command, Event, Message
from contracts.registry import MESSAGES
from contracts.results import Outcome
from testkit.patience import patient
from testkit.topics import OwnTopics

Kind = TypeVar("Kind", bound=Message)


@dataclass(frozen=True, slots=True)
class Published:
    """A message as it stands on its topic."""

    attributes: Attributes
    message: Message


class Gateway:
    """One producer and one reader of all topics of a test, from their first record on; open it with `gateway`."""

    def __init__(self, topics: OwnTopics, producer: AIOKafkaProducer, reader: AIOKafkaConsumer) -> None:
        self._topics = topics
        self._producer = producer
        self._reader = reader
        self._sequences: Counter[tuple[str, str, str]] = Counter()
        self.seen: list[Published] = []

    async def command(self, command: Command, *, actor: str, id: str | None = None, traceparent: str | None = None) -> str:  # noqa: A002
        """Send a command; returns its id, under which `outcomes` finds what became of it."""
        return await self._send(command, source="/ui-gateway", id=id or str(uuid4()), actor=actor, traceparent=traceparent)

    async def event(self, event: Event, *, source: str) -> str:
        """Publish an event with the next number of its subject; ``source`` is the owner's, such as ``/org-service``."""
        stream = source, event.TOPIC, event.subject
        self._sequences[stream] += 1
        return await self._send(event, source=source, id=str(uuid4()), sequence=self._sequences[stream])

    async def ask(self, command: Command, *, actor: str, within: float = 20) -> Any:
        """Send a command and wait for its outcome, a `CommandSucceeded` or `CommandRejected`."""
        return (await self.outcomes(await self.command(command, actor=actor), within=within))[0]

    async def outcomes(self, command_id: str, *, count: int = 1, within: float = 20) -> Sequence[Any]:
        """The outcomes published for a command, the first one and its repeats; waits for ``count``."""
        return await self._until(
            lambda: [seen.message for seen in self.seen if isinstance(seen.message, Outcome) and seen.message.command_id == command_id],
            count,
            f"outcomes of command {command_id}",
            within,
        )

    async def published(self, kind: type[Kind], *, count: int = 1, within: float = 20) -> Sequence[Kind]:
        """Every message of a kind so far, in the order read; waits for ``count``."""
        return await self._until(
            lambda: [seen.message for seen in self.seen if isinstance(seen.message, kind)], count, f"{kind.__name__}", within
        )

    async def _until(self, found: Callable[[], list[Any]], count: int, what: str, within: float) -> Sequence[Any]:
        within = patient(within)
        try:
            async with asyncio.timeout(within):
                while len(found()) < count:
                    await self._read_on()
        except TimeoutError:
            kinds = Counter(type(seen.message).__name__ for seen in self.seen)
            raise AssertionError(f"{len(found())} of {count} {what} within {within:g} s; on the topics stand {dict(kinds)}") from None
        return found()

    async def _read_on(self) -> None:
        for records in (await self._reader.getmany(timeout_ms=200)).values():
            for record in records:
                attributes = read(record.headers)
                self.seen.append(Published(attributes, MESSAGES[attributes.type].model_validate_json(record.value)))

    async def _send(self, message: Message, *, source: str, **attributes: Any) -> str:
        context = Attributes(
            source=source,
            type=message.TYPE,
            time=datetime.now(UTC),
            subject=message.subject,
            organizationid=str(getattr(message, "organization_id", "")),
            correlationid=attributes["id"],
            **attributes,
        )
        await self._producer.send_and_wait(
            self._topics(message.TOPIC), message.model_dump_json().encode(), message.subject.encode(), headers=context.headers()
        )
        return context.id


@asynccontextmanager
async def gateway(topics: OwnTopics) -> AsyncIterator[Gateway]:
    """A gateway on the topics of one test. Dead letters are not read: they may hold anything."""
    names = [topics(topic.name) for topic in contracts.load() if topic.carries == "messages"]
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers, acks="all", linger_ms=1)
    reader = AIOKafkaConsumer(*names, bootstrap_servers=topics.bootstrap_servers, auto_offset_reset="earliest")  # no group: every partition
    await producer.start()
    await reader.start()
    try:
        yield Gateway(topics, producer, reader)
    finally:
        await reader.stop()
        await producer.stop()
