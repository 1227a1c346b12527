"""A Kafka record as it came, byte for byte, and how it is kept in tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import ConsumerRecord


@dataclass(frozen=True, slots=True)
class Record:
    """``topic`` is the logical name, without the installation's prefix."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes | None

    @classmethod
    def of(cls, record: "ConsumerRecord[bytes | None, bytes | None]", prefix: str) -> "Record":
        """From what aiokafka hands out."""
        return cls(
            record.topic.removeprefix(prefix),
            record.partition,
            record.offset,
            record.timestamp,
            record.key,
            tuple(record.headers),
            record.value,
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Record":
        """From a row of ``eventing.parked``."""
        headers = tuple(zip(row["header_names"], row["header_values"], strict=True))
        return cls(row["topic"], row["partition"], row["offset"], row["timestamp_ms"], row["key"], headers, row["value"])

    @property
    def stream(self) -> tuple[str, bytes | None]:
        """Whose order it is part of."""
        return self.topic, self.key

    @property
    def place(self) -> str:
        """``topic/partition/offset``, for logs and dead letters."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def columns(self) -> dict[str, Any]:
        """As columns of ``eventing.parked``. PostgreSQL text cannot hold a NUL: one in a header's name is written out."""
        return {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp_ms": self.timestamp_ms,
            "key": self.key,
            "header_names": [name.replace("\0", "\\x00") for name, _ in self.headers],
            "header_values": [value for _, value in self.headers],
            "value": self.value,
        }
