"""The contracts at one moment: topics, the schema of every message, the schemas of the headers. Today's, or the last released ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from contracts import documents, topics
from contracts.gate.change import Party
from contracts.registry import MESSAGES
from contracts.topics import Topic


@dataclass(frozen=True)
class Contracts:
    """``schemas`` by message and major (``CompanyCreated.v1``), ``headers`` by kind (``command``, ``event``)."""

    topics: Mapping[str, Topic]
    schemas: Mapping[str, Mapping[str, Any]]
    headers: Mapping[str, Mapping[str, Any]]

    @classmethod
    def today(cls) -> "Contracts":
        """As the models and the topic files say now."""
        return cls(
            {topic.name: topic for topic in topics.load()},
            {message.schema_id(): documents.schema_of(message) for message in MESSAGES.values()},
            {kind: documents.headers_schema(kind) for kind in ("command", "event")},
        )

    @classmethod
    def read(cls, folder: Path) -> "Contracts":
        """As written by `files`."""
        return cls(
            {topic.name: topic for topic in topics.load(folder / "topics")},
            {path.stem: orjson.loads(path.read_bytes()) for path in sorted((folder / "schemas").glob("*.json"))},
            {path.stem: orjson.loads(path.read_bytes()) for path in sorted((folder / "headers").glob("*.json"))},
        )

    def files(self) -> dict[str, str]:
        """The snapshot as files: path inside its folder, and text."""
        told = {f"schemas/{name}.json": _json(schema) for name, schema in self.schemas.items()}
        told |= {f"headers/{kind}.json": _json(schema) for kind, schema in self.headers.items()}
        for name, topic in self.topics.items():
            stated = topic.model_dump(exclude={"name"}, exclude_defaults=True)
            told[f"topics/{name}.yaml"] = yaml.dump(stated, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=140)
        return told

    @property
    def services(self) -> frozenset[str]:
        """Who has dead letters is one of the services; every other party stands outside, as a gateway does."""
        return frozenset(topic.owner for topic in self.topics.values() if topic.carries == "dead letters")

    def producers(self, *names: str) -> tuple[Party, ...]:
        """Who writes to these topics."""
        return self._parties("producer", {party for name in names for party in self.topics[name].producers})

    def consumers(self, *names: str) -> tuple[Party, ...]:
        """Who reads these topics."""
        return self._parties("consumer", {party for name in names for party in self.topics[name].consumers})

    def _parties(self, role: str, names: set[str]) -> tuple[Party, ...]:
        return tuple(sorted(Party(name, role if name in self.services else "gateway") for name in names))


def _json(schema: Mapping[str, Any]) -> str:
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode() + "\n"
