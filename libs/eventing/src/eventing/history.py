"""What stands on topics, read without joining the group: its offsets stay where they are."""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from eventing.kafka import KafkaAccess
from eventing.record import Record

_BATCH = 1000

Ranges = dict[str, tuple[int, int]]
"""``topic/partition`` to its first offset and the one after its last."""


class History:
    """Reads the topics of one service."""

    def __init__(self, kafka: KafkaAccess, service: str) -> None:
        self._kafka = kafka
        self._service = service

    async def ranges(self, topics: Sequence[str], *, since: datetime | None = None, to_the_end: bool = False) -> Ranges:
        """From the beginning, or the first record of ``since``, to what the group has dealt with: what it has not committed belongs to it.

        ``to_the_end`` is for readers who know by other means what was dealt with.
        """
        prefix = self._kafka.topic_prefix
        consumer = AIOKafkaConsumer(**self._options(), group_id=prefix + self._service)
        await consumer.start()
        try:
            places = [
                TopicPartition(prefix + topic, partition) for topic in topics for partition in await _partitions(consumer, prefix + topic)
            ]
            consumer.assign(places)
            first = dict(await consumer.beginning_offsets(places))
            ends = await consumer.end_offsets(places) if to_the_end or since is not None else {}
            if since is not None:
                found = await consumer.offsets_for_times(dict.fromkeys(places, round(since.timestamp() * 1000)))
                first = {place: ends[place] if found[place] is None else max(first[place], found[place].offset) for place in places}
            if not to_the_end:
                ends = {place: await consumer.committed(place) or 0 for place in places}
        finally:
            await consumer.stop()
        return {
            f"{place.topic.removeprefix(prefix)}/{place.partition}": (first[place], max(first[place], ends[place]))
            for place in sorted(places)
        }

    async def read(self, ranges: Mapping[str, tuple[int, int]]) -> AsyncIterator[list[Record]]:
        """In batches; each partition in its order, the partitions as they come. Memory does not grow with what is read."""
        async with self._reading(ranges) as (consumer, left):
            while left:
                for batch in (await self._next(consumer, left)).values():
                    yield batch

    async def read_by_time(self, ranges: Mapping[str, tuple[int, int]]) -> AsyncIterator[Record]:
        """One by one, by the time of writing, but never against the order of a partition. Memory does not grow with what is read."""
        async with self._reading(ranges) as (consumer, left):
            heads: dict[TopicPartition, deque[Record]] = {}
            while left or heads:
                if missing := [place for place in left if place not in heads]:
                    heads |= {place: deque(batch) for place, batch in (await self._next(consumer, left, *missing)).items()}
                    continue
                place = min(heads, key=lambda place: (heads[place][0].timestamp_ms, place))
                yield heads[place].popleft()
                if not heads[place]:
                    del heads[place]

    @asynccontextmanager
    async def _reading(self, ranges: Mapping[str, tuple[int, int]]) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]:
        """A consumer at the beginning of the ranges, and the end of each that is not empty."""
        consumer = AIOKafkaConsumer(**self._options())
        try:
            left = {}
            for name, (first, end) in ranges.items():
                topic, _, partition = name.rpartition("/")
                if first < end:
                    left[TopicPartition(self._kafka.topic_prefix + topic, int(partition))] = (first, end)
            if left:  # without places its fetcher never ends
                await consumer.start()
                consumer.assign(list(left))
            for place, (first, _) in left.items():
                consumer.seek(place, first)
            yield consumer, {place: end for place, (_, end) in left.items()}
        finally:
            await consumer.stop()

    async def _next(
        self, consumer: AIOKafkaConsumer, left: dict[TopicPartition, int], *places: TopicPartition
    ) -> dict[TopicPartition, list[Record]]:
        """What comes next, of these places or of all; a place whose end is reached leaves ``left``."""
        batches = {}
        for place, records in (await consumer.getmany(*places, timeout_ms=500, max_records=_BATCH)).items():
            if batch := [Record.of(record, self._kafka.topic_prefix) for record in records if record.offset < left.get(place, 0)]:
                batches[place] = batch
        for place in [place for place, end in left.items() if await consumer.position(place) >= end]:
            consumer.pause(place)
            del left[place]
        return batches

    def _options(self) -> dict[str, object]:
        # One megabyte of each partition at most is fetched ahead.
        return {**self._kafka.options, "client_id": self._kafka.client_id, "enable_auto_commit": False, "auto_offset_reset": "earliest"}


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    await consumer._client._wait_on_metadata(topic)  # noqa: SLF001 - `partitions_for_topic` knows only what has been asked for
    return sorted(consumer.partitions_for_topic(topic) or ())
