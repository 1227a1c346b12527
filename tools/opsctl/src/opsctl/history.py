"""Reads topics without a group, so that nobody's offsets move: forward merged by time, backward from the newest, or on as records come.

Ends are taken when the reading begins. Memory is bounded by what one fetch of each partition brings, whatever the topics hold.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from eventing.record import Record
from opsctl.system import Away, Refused, System

_FETCH_MILLISECONDS = 1000
_SILENCE_SECONDS = 15
_FIRST_WINDOW = 100
_LARGEST_WINDOW = 50_000


@dataclass(frozen=True)
class Extent:
    """What a partition holds: from ``begin`` up to, not with, ``end``."""

    begin: int
    end: int

    @property
    def records(self) -> int:
        return self.end - self.begin


async def partitions(system: System, topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of these topics that exist on the cluster, by their full names."""
    wanted = [system.full(topic) for topic in topics]
    described = await (await system.admin()).describe_topics(wanted)
    return sorted(TopicPartition(topic["topic"], part["partition"]) for topic in described for part in topic["partitions"])


async def extents(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> dict[TopicPartition, Extent]:
    """Where each partition begins and ends now."""
    if not places:
        return {}
    consumer.assign(places)
    begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    return {place: Extent(begins[place], ends[place]) for place in places}


async def records_at(system: System, places: Mapping[TopicPartition, int]) -> dict[TopicPartition, Record]:
    """One record of each partition: the one at the given offset, or the next that still exists. Partitions that end there are left out."""
    if not places:
        return {}
    async with system.consumer() as consumer:
        held = await extents(consumer, list(places))
        wanted = {place: max(offset, held[place].begin) for place, offset in places.items() if offset < held[place].end}
        found: dict[TopicPartition, Record] = {}
        reading = _Reading(consumer, system.prefix, wanted, {place: offset + 1 for place, offset in wanted.items()})
        async for place, record in reading.records():
            found.setdefault(place, record)
        return found


Ends = Mapping[TopicPartition, int]
"""Where to stop in each partition."""


async def ends_of(system: System, topics: Sequence[str]) -> Ends:
    """Where these topics end now."""
    async with system.consumer() as consumer:
        held = await extents(consumer, await partitions(system, topics))
        return {place: extent.end for place, extent in held.items()}


async def forward(
    system: System,
    topics: Sequence[str],
    *,
    since: datetime | None = None,
    offset: int | None = None,
    until: datetime | None = None,
    ends: Ends | None = None,
) -> AsyncGenerator[Record, None]:
    """Records in order of time, partitions merged, from ``since``, or each partition's ``offset``, or the beginning, to ``ends`` or now."""
    async with system.consumer() as consumer:
        held = await extents(consumer, await partitions(system, topics))
        starts = await _starts(consumer, held, since, offset)
        ends = ends or {place: extent.end for place, extent in held.items()}
        async for _, record in _Reading(consumer, system.prefix, starts, ends, merged=True).records():
            if until is not None and record.timestamp_ms > until.timestamp() * 1000:
                # Clocks of producers differ by less than this; past it no partition has anything earlier to give.
                if record.timestamp_ms > (until.timestamp() + 60) * 1000:
                    return
                continue
            yield record


async def backward(
    system: System,
    topics: Sequence[str],
    wanted: Callable[[Record], bool],
    *,
    since: datetime | None = None,
    ends: Ends | None = None,
    down_to: int | None = None,
) -> AsyncGenerator[list[Record], None]:
    """Wanted records from the newest back, in windows that grow. Each is ordered by time; in every partition it is newer than the next.

    It stops at ``since``, or at the offset ``down_to``.
    """
    async with system.consumer() as consumer:
        held = await extents(consumer, await partitions(system, topics))
        first = await _starts(consumer, held, since, down_to)
        ends = ends or {place: extent.end for place, extent in held.items()}
        window = _FIRST_WINDOW
        while ends := {place: end for place, end in ends.items() if end > first[place]}:
            starts = {place: max(first[place], end - window) for place, end in ends.items()}
            found = [record async for _, record in _Reading(consumer, system.prefix, starts, ends).records() if wanted(record)]
            yield sorted(found, key=lambda record: record.timestamp_ms)
            ends, window = starts, min(window * 4, _LARGEST_WINDOW)


async def onward(system: System, after: Ends) -> AsyncGenerator[Record, None]:
    """Records as they come, from ``after`` on, until the caller stops."""
    async with system.consumer() as consumer:
        consumer.assign(list(after))
        for place, offset in after.items():
            consumer.seek(place, offset)
        while after:
            for batch in (await consumer.getmany(timeout_ms=_FETCH_MILLISECONDS)).values():
                for record in batch:
                    yield Record.of(record, system.prefix)


async def _starts(
    consumer: AIOKafkaConsumer, held: Mapping[TopicPartition, Extent], since: datetime | None, offset: int | None
) -> dict[TopicPartition, int]:
    if offset is not None:
        return {place: max(extent.begin, offset) for place, extent in held.items()}
    if since is None or not held:
        return {place: extent.begin for place, extent in held.items()}
    found = await consumer.offsets_for_times(dict.fromkeys(held, round(since.timestamp() * 1000)))
    return {place: found[place].offset if found.get(place) else extent.end for place, extent in held.items()}


class _Reading:
    """Records between ``starts`` and ``ends`` of each partition."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        prefix: str,
        starts: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        *,
        merged: bool = False,
    ) -> None:
        self._consumer = consumer
        self._prefix = prefix
        self._ends = {place: ends[place] for place, start in starts.items() if start < ends[place]}
        self._starts = starts
        self._merged = merged
        self._buffers: dict[TopicPartition, deque[Record]] = {place: deque() for place in self._ends}

    async def records(self) -> AsyncGenerator[tuple[TopicPartition, Record], None]:
        for place in self._ends:
            self._consumer.seek(place, self._starts[place])
        reading = set(self._ends)
        while reading or any(self._buffers.values()):
            if hungry := [place for place in reading if not self._buffers[place]]:
                await self._fetch(hungry)
                reading = {place for place in reading if await self._consumer.position(place) < self._ends[place]}
            if self._merged:
                while filled := [place for place, buffer in self._buffers.items() if buffer]:
                    if len(filled) < sum(1 for place in self._buffers if self._buffers[place] or place in reading):
                        break  # a partition that is still read may hold something earlier
                    earliest = min(filled, key=lambda place: self._buffers[place][0].timestamp_ms)
                    yield earliest, self._buffers[earliest].popleft()
            else:
                for place, buffer in self._buffers.items():
                    while buffer:
                        yield place, buffer.popleft()

    async def _fetch(self, hungry: list[TopicPartition]) -> None:
        deadline = asyncio.get_running_loop().time() + _SILENCE_SECONDS
        while True:
            before = {place: await self._consumer.position(place) for place in hungry}
            got = await self._consumer.getmany(*hungry, timeout_ms=_FETCH_MILLISECONDS)
            for place, batch in got.items():
                self._buffers[place].extend(Record.of(record, self._prefix) for record in batch if record.offset < self._ends[place])
            if got or any([await self._consumer.position(place) > before[place] for place in hungry]):
                return
            if asyncio.get_running_loop().time() > deadline:
                names = ", ".join(sorted({place.topic for place in hungry}))
                raise Away(f"Kafka, asked for {names},", f"nothing came for {_SILENCE_SECONDS} s; may the operator read it?")


def place_of(system: System, text: str) -> tuple[TopicPartition, int]:
    """A record's place written as topic/partition/offset. Raises `Refused`."""
    topic, _, rest = text.partition("/")
    partition, _, offset = rest.partition("/")
    if not (partition.isdigit() and offset.isdigit()):
        raise Refused(f"{text!r} is no place; write topic/partition/offset")
    system.known(topic)
    return TopicPartition(system.full(topic), int(partition)), int(offset)
