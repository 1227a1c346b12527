"""Topics of a test's own, deleted when it ends."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from contracts import topics as contracts
from local_stack import provision

MOST_PARTITIONS = 2
"""Per topic in tests: two show what one hides, and every further one costs the broker ten milliseconds."""


@dataclass(frozen=True)
class OwnTopics:
    """Topics of the contracts under a prefix of the test's own."""

    bootstrap_servers: str
    prefix: str

    def __call__(self, name: str) -> str:
        """The full name of a topic of the contracts."""
        return self.prefix + name


class TopicFactory(Protocol):
    async def __call__(self, name: str = "topic", *, partitions: int = 1, **config: str) -> str:
        """Create a topic and return its full name; settings with `_` for `.`, such as `max_message_bytes="2000"`."""


@dataclass(frozen=True)
class _Topic:
    name: str
    partitions: int
    config: Mapping[str, str]
    retention_ms: int = field(default=-1)


@pytest.fixture(scope="session")
def declared_topics() -> Sequence[contracts.Topic]:
    """Those that `topics` makes: all. A folder of tests that need few may say so with a fixture of the same name."""
    return contracts.load()


@pytest.fixture
async def topics(kafka: str, declared_topics: Sequence[contracts.Topic]) -> AsyncIterator[OwnTopics]:
    own = OwnTopics(kafka, f"t{uuid.uuid4().hex[:8]}.")
    await provision.create_topics(kafka, declared_topics, prefix=own.prefix, most_partitions=MOST_PARTITIONS)
    yield own
    await provision.delete_topics(kafka, [own(topic.name) for topic in declared_topics])


@pytest.fixture
async def topic(kafka: str) -> AsyncIterator[TopicFactory]:
    """For tests below the contracts: single topics."""
    created: list[str] = []

    async def create(name: str = "topic", *, partitions: int = 1, **config: str) -> str:
        full = f"t{uuid.uuid4().hex[:8]}.{name}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        created.append(full)
        await provision.create_topics(kafka, [_Topic(full, partitions, settings)])
        return full

    yield create
    if created:
        await provision.delete_topics(kafka, created)
