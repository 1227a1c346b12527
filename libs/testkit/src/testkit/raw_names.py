"""Header names of any bytes, as other clients send them. aiokafka sends text alone, by its compiled batch builder; the one in pure Python
asks each name for its bytes."""

from asyncio import Future
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

Headers = Sequence[tuple[str, bytes | None]]


class RawName(str):
    """Goes out as the bytes it is made of, and reads as `eventing.header_names` does: with ``\\xNN`` for a byte that is no text."""

    __slots__ = ("_raw",)
    _raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> "RawName":
        name = cls(raw.decode("utf-8", "backslashreplace"))
        name._raw = raw
        return name

    def encode(self, *_: object) -> bytes:
        return self._raw


def batch_builder(size: int) -> Any:
    """Of batches of at most ``size`` bytes, one record at least."""
    return _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, size)


async def send(producer: AIOKafkaProducer, topic: str, value: bytes | None, key: bytes | None, headers: Headers) -> "Future[Any]":
    """As ``producer.send`` of a producer that is not idempotent, after what it was given before. A record with raw names begins a batch."""
    sent: Future[Any]
    if any(isinstance(name, RawName) for name, _ in headers):
        batch = producer.create_batch()
        batch._builder = batch_builder(16_384)  # noqa: SLF001 - there is no public way to choose a builder
        batch.append(timestamp=None, key=key, value=value, headers=list(headers))
        partitions = sorted(await producer.partitions_for(topic))
        sent = await producer.send_batch(batch, topic, partition=DefaultPartitioner()(key, partitions, partitions))
    else:
        sent = await producer.send(topic, value, key, headers=list(headers))
    return sent
