"""The outside of the system: sends records, and keeps every record of every topic, dead letters among them, by organisation."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts import topics
from servicekit.kafka import client_options
from servicekit.settings import KafkaSettings
from testkit.patience import patient

Found = TypeVar("Found")


class TooLate(Exception):
    """Something did not come in time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as it stands on its topic. ``headers`` are without their ``ce_``."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    value: str

    @property
    def type(self) -> str:
        """The message's name; empty when it says none."""
        return "".join(self.headers.get("type", "").split(".")[-2:-1])

    @property
    def sequence(self) -> int | None:
        return int(self.headers["sequence"]) if "sequence" in self.headers else None


class Observer:
    """Open it with `observing`."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, prefix: str) -> None:
        self._producer, self._consumer, self._prefix = producer, consumer, prefix
        self._records: dict[str, list[Seen]] = defaultdict(list)
        self._changed = asyncio.Condition()

    def records(self, organization_id: UUID) -> list[Seen]:
        """Those of one organisation, each topic's in the order of its offsets within a partition."""
        return self._records[str(organization_id)]

    async def send(self, topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        await self._producer.send_and_wait(self._prefix + topic, value, key.encode(), headers=headers)

    async def until(self, found: Callable[[], Found | None], what: str, *, within: float) -> Found:
        """Wait for something among the records. Raises `TooLate`."""
        try:
            async with asyncio.timeout(patient(within)), self._changed:
                while not (value := found()):
                    await self._changed.wait()
                return value
        except TimeoutError:
            raise TooLate(what) from None

    async def follow(self) -> None:
        """Read on until cancelled."""
        async for record in self._consumer:
            headers = {name.removeprefix("ce_"): value.decode() for name, value in record.headers}
            topic = record.topic.removeprefix(self._prefix)
            seen = Seen(topic, record.partition, record.offset, record.key.decode(), headers, record.value.decode())
            async with self._changed:
                self._records[headers.get("organizationid", "")].append(seen)
                self._changed.notify_all()


@asynccontextmanager
async def observing(administrator: KafkaSettings, prefix: str) -> AsyncIterator[Observer]:
    """As somebody who may read and write everything."""
    names = [prefix + topic.name for topic in topics.load()]
    producer = AIOKafkaProducer(**client_options(administrator), acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(*names, **client_options(administrator), auto_offset_reset="earliest")
    async with producer, consumer:
        observer = Observer(producer, consumer, prefix)
        following = asyncio.create_task(observer.follow())
        try:
            yield observer
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
