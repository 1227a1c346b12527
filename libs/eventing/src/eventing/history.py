"""What stands on topics, read without joining the group: its offsets stay where they are."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from eventing.kafka import KafkaAccess
from eventing.record import Record

_BATCH = 1000

Ranges = dict[str, tuple[int, int]]
"""``topic/partition`` to its first offset and the one after its last."""


class History:
    """Reads the topics of one service. What its group has not committed yet belongs to the group, and is left out."""

    def __init__(self, kafka: KafkaAccess, service: str) -> None:
        self._kafka = kafka
        self._service = service

    async def ranges(self, topics: Sequence[str], *, since: datetime | None = None) -> Ranges:
        """From the beginning, or the first record of ``since``, to what the group has dealt with."""
        prefix = self._kafka.topic_prefix
        consumer = AIOKafkaConsumer(**self._options(), group_id=prefix + self._service)
        await consumer.start()
        try:
            places = [
                TopicPartition(prefix + topic, partition) for topic in topics for partition in await _partitions(consumer, prefix + topic)
            ]
            consumer.assign(places)
            first = dict(await consumer.beginning_offsets(places))
            if since is not None:
                found = await consumer.offsets_for_times(dict.fromkeys(places, round(since.timestamp() * 1000)))
                ends = await consumer.end_offsets(places)
                first = {place: ends[place] if found[place] is None else max(first[place], found[place].offset) for place in places}
            committed = {place: await consumer.committed(place) or 0 for place in places}
        finally:
            await consumer.stop()
        return {
            f"{place.topic.removeprefix(prefix)}/{place.partition}": (first[place], max(first[place], committed[place]))
            for place in sorted(places)
        }

    async def read(self, ranges: Mapping[str, tuple[int, int]]) -> AsyncIterator[list[Record]]:
        """In batches; each partition in its order, the partitions as they come. Memory does not grow with what is read."""
        prefix = self._kafka.topic_prefix
        left = {}
        for name, (first, end) in ranges.items():
            topic, _, partition = name.rpartition("/")
            if first < end:
                left[TopicPartition(prefix + topic, int(partition))] = (first, end)
        if not left:
            return
        consumer = AIOKafkaConsumer(**self._options())
        await consumer.start()
        try:
            consumer.assign(list(left))
            for place, (first, _) in left.items():
                consumer.seek(place, first)
            while left:
                batches = await consumer.getmany(timeout_ms=500, max_records=_BATCH)
                for place, records in batches.items():
                    if place in left and (batch := [Record.of(record, prefix) for record in records if record.offset < left[place][1]]):
                        yield batch
                for place in [place for place, (_, end) in left.items() if await consumer.position(place) >= end]:
                    consumer.pause(place)
                    del left[place]
        finally:
            await consumer.stop()

    def _options(self) -> dict[str, object]:
        # One megabyte of each partition at most is fetched ahead.
        return {**self._kafka.options, "client_id": self._kafka.client_id, "enable_auto_commit": False, "auto_offset_reset": "earliest"}


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    await consumer._client._wait_on_metadata(topic)  # noqa: SLF001 - `partitions_for_topic` knows only what has been asked for
    return sorted(consumer.partitions_for_topic(topic) or ())
