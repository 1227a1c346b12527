"""Who may do what, worked out from the contracts: producers write their topics, consumers read theirs in groups of their own name.

Nothing else is granted to a party, so that what is not in `contracts/topics` cannot be done. Operators are the exception: they may look at
every topic and every group, and write nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

OPERATORS = "operators"

Operation = Literal["READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS"]
Kind = Literal["TOPIC", "GROUP", "BROKER"]

CLUSTER = "kafka-cluster"
"""Kafka's own name of the cluster as something rights are about; the client library calls its kind BROKER."""


class Shared(Protocol):
    """A topic with its parties as the contracts declare them (`contracts.topics.Topic`)."""

    @property
    def name(self) -> str: ...
    @property
    def producers(self) -> list[str]: ...
    @property
    def consumers(self) -> list[str]: ...


@dataclass(frozen=True, order=True)
class Right:
    """One thing that one user may do. With `by_prefix` it holds for everything whose name begins with `name`."""

    user: str
    operation: Operation
    kind: Kind
    name: str
    by_prefix: bool = False

    def __str__(self) -> str:
        what = "the cluster" if self.kind == "BROKER" else f"{self.kind.lower()} {self.name}{'*' if self.by_prefix else ''}"
        return f"{self.user} may {self.operation.lower().replace('_', ' ')} {what}"


def parties(topics: Iterable[Shared]) -> list[str]:
    """Everybody who writes or reads a topic, operators included. Each is a user of the cluster, after the installation's prefix."""
    return sorted({OPERATORS}.union(*([*topic.producers, *topic.consumers] for topic in topics)))


def rights(topics: Iterable[Shared], *, prefix: str = "") -> set[Right]:
    """All rights that the contracts give; `prefix` stands before the names of topics, groups and users alike.

    Writing with an idempotent producer needs no right of its own on brokers from 3.0 on: who may write a topic may do so idempotently.
    """
    given = {Right(prefix + OPERATORS, "DESCRIBE", "BROKER", CLUSTER)}
    # An empty prefix is no prefix to Kafka; all groups are then the literal name *.
    given.add(
        Right(prefix + OPERATORS, "DESCRIBE", "GROUP", prefix, by_prefix=True) if prefix else Right(OPERATORS, "DESCRIBE", "GROUP", "*")
    )
    for topic in topics:
        name = prefix + topic.name
        given |= {Right(prefix + producer, "WRITE", "TOPIC", name) for producer in topic.producers}
        given |= {Right(prefix + consumer, "READ", "TOPIC", name) for consumer in {*topic.consumers, OPERATORS}}
        given |= {Right(prefix + consumer, "READ", "GROUP", prefix + consumer, by_prefix=True) for consumer in topic.consumers}
        given.add(Right(prefix + OPERATORS, "DESCRIBE_CONFIGS", "TOPIC", name))
    return given
