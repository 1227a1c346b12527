"""A UI gateway as the demo needs it: sends commands, and builds its screens from the topics alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from contracts import topics
from contracts.accounting import AccountingData
from contracts.cloudevents import Attributes, read
from contracts.message import Command, Message
from contracts.registry import MESSAGES
from contracts.results import CommandRejected, CommandSucceeded
from contracts.sync import DataSet, SyncCompleted, SyncNeedsAttention, SyncProgressed
from servicekit.kafka import client_options
from servicekit.settings import KafkaSettings

NAME = "ui-gateway"
"""As the contracts call it."""

Found = TypeVar("Found")


class TooLate(Exception):
    """Something did not come in time; the text says what was awaited and what came."""


@dataclass
class Screens:
    """What has been seen on the topics, as far as a screen shows it."""

    seen: list[Message] = field(default_factory=list)
    outcomes: dict[str, CommandSucceeded | CommandRejected] = field(default_factory=dict)
    progress: dict[tuple[UUID, DataSet], SyncProgressed] = field(default_factory=dict)
    completed: dict[UUID, SyncCompleted] = field(default_factory=dict)
    attention: list[SyncNeedsAttention] = field(default_factory=list)

    def note(self, message: Message) -> None:
        """Take in one message."""
        match message:
            case CommandSucceeded() | CommandRejected():
                self.outcomes.setdefault(message.command_id, message)
            case SyncProgressed():
                self.progress[message.company_id, message.data_set] = message
            case SyncCompleted():
                self.completed[message.company_id] = message
            case SyncNeedsAttention():
                self.attention.append(message)
            case AccountingData():
                pass  # no screen shows it
            case _:
                self.seen.append(message)


class Gateway:
    """Open it with `gateway`. ``on_message`` is called after each message that came."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, prefix: str) -> None:
        self._producer = producer
        self._consumer = consumer
        self._prefix = prefix
        self.screens = Screens()
        self.records: list[ConsumerRecord[bytes, bytes]] = []
        self.on_message: Callable[[Message], None] = lambda _: None
        self._changed = asyncio.Condition()

    async def ask(self, command: Command, *, actor: str) -> CommandSucceeded | CommandRejected:
        """Send a command and wait for its outcome."""
        command_id = str(uuid4())
        organization_id = getattr(command, "organization_id", None)
        attributes = Attributes(
            id=command_id,
            source=f"/{NAME}",
            type=command.TYPE,
            time=datetime.now(UTC),
            subject=command.subject,
            organizationid=str(organization_id),
            correlationid=command_id,
            actor=actor,
        )
        await self._producer.send_and_wait(
            self._prefix + command.TOPIC, command.model_dump_json().encode(), command.subject.encode(), headers=attributes.headers()
        )
        return await self.until(lambda screens: screens.outcomes.get(command_id), f"the outcome of {type(command).__name__}")

    async def until(self, found: Callable[[Screens], Found | None], what: str, *, within: float = 60) -> Found:
        """Wait until the screens show something."""
        try:
            async with asyncio.timeout(within), self._changed:
                while not (value := found(self.screens)):
                    await self._changed.wait()
                return value
        except TimeoutError:
            kinds = Counter(type(message).__name__ for message in self.screens.seen)
            raise TooLate(f"{what} did not come within {within:.0f} s; seen: {dict(kinds)}") from None

    async def follow(self) -> None:
        """Read on until cancelled."""
        async for record in self._consumer:
            message = MESSAGES[read(record.headers).type].model_validate_json(record.value)
            self.records.append(record)
            async with self._changed:
                self.screens.note(message)
                self._changed.notify_all()
            self.on_message(message)


@asynccontextmanager
async def gateway(settings: KafkaSettings, *, beside: KafkaSettings | None = None) -> AsyncIterator[Gateway]:
    """A connected gateway that follows the topics it may read from their first record on.

    With `beside`, somebody who may read everything, it sees every message of the contracts, as tests want to.
    """
    names = [
        settings.topic_prefix + topic.name for topic in topics.load() if topic.carries == "messages" and (beside or NAME in topic.consumers)
    ]
    producer = AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(*names, **client_options(beside or settings), auto_offset_reset="earliest")
    async with producer, consumer:
        opened = Gateway(producer, consumer, settings.topic_prefix)
        following = asyncio.create_task(opened.follow())
        try:
            yield opened
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
