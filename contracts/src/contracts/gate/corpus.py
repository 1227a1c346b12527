"""The golden corpus: real messages of every version ever released, byte for byte. Nothing leaves it.

A file per message, under the message and its major, named after the digest of what stood on the topic. The snapshot lists them all, so
that an entry that was edited or deleted is noticed.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from contracts import documents
from contracts.registry import MESSAGES


@dataclass(frozen=True)
class Golden:
    """One record as it stood on ``topic``. All of it is UTF-8: the contract allows nothing else."""

    message: str
    release: int
    topic: str
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def path(self) -> str:
        """Where it is kept in the corpus."""
        return f"{self.message}/{self.digest}.json"

    @property
    def digest(self) -> str:
        """Of topic, key, headers and value; a length before each part."""
        whole = hashlib.sha256()
        for part in (self.topic.encode(), self.key, *(part for name, text in self.headers for part in (name.encode(), text)), self.value):
            whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()[:16]

    def text(self) -> str:
        """As a file."""
        told = {
            "release": self.release,
            "topic": self.topic,
            "key": self.key.decode(),
            "headers": [[name, text.decode()] for name, text in self.headers],
            "value": self.value.decode(),
        }
        return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n"

    @classmethod
    def read(cls, path: Path) -> "Golden":
        """From its file."""
        told = orjson.loads(path.read_bytes())
        headers = tuple((name, text.encode()) for name, text in told["headers"])
        return cls(path.parent.name, told["release"], told["topic"], told["key"].encode(), headers, told["value"].encode())


def corpus(root: Path = documents.ROOT) -> list[Golden]:
    """Every message kept in ``root/golden``."""
    folder = root / "golden"
    return [Golden.read(path) for path in sorted(folder.glob("*/*.json"))]


def of_examples(release: int) -> Iterator[Golden]:
    """Today's examples as records; the value in the compact JSON that our services write."""
    for message in MESSAGES.values():
        for path in documents.examples_of(message):
            told = orjson.loads(path.read_bytes())
            headers = tuple((name, text.encode()) for name, text in told["headers"].items())
            yield Golden(message.schema_id(), release, message.TOPIC, told["key"].encode(), headers, orjson.dumps(told["data"]))
