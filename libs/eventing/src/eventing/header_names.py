"""Header names that are not UTF-8. Kafka takes them from any client that sends them; aiokafka fails on such a record at every poll,
and with it stop all partitions of the consumer, for good.

There is no seam for it in the client, so that its record reader is replaced where the fetcher looks it up. Batches are read as before;
only one whose reading fails is read again by the client's own pure Python code, with ``\\xNN`` for each byte of a name that is no text.
Such a name is the one thing that a dead letter does not repeat byte for byte: the client cannot send it either.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy


class _Records(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches of one answer of the broker."""

    def next_batch(self, *_: int) -> Any:
        data = self._next_slice
        batch = super().next_batch()
        return _Batch(batch, data) if isinstance(batch, DefaultRecordBatch) else batch


class _Batch:
    """A batch that can be read whatever its headers are called."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException):
            return iter(list(_AnyNames(bytes(self._data))))


class _AnyNames(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: bytearray

    def __iter__(self) -> Any:
        batch = super().__iter__()
        self._buffer = _Names(self._buffer)
        return batch


class _Names(bytearray):
    """Parts of it can be decoded whatever they hold."""

    def __getitem__(self, place: Any) -> Any:
        part = super().__getitem__(place)
        return _Names(part) if isinstance(place, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "") -> str:
        del errors
        return super().decode(encoding, "backslashreplace")


def read_any() -> None:
    """From now on, in this process."""
    fetcher.MemoryRecords = _Records
