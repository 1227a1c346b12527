"""What can change between two states of the contracts, and what each kind of change does."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Effect(StrEnum):
    """What a change does to the messages a schema allows."""

    GROWS = "allows more than before"
    SHRINKS = "allows less than before"
    DIFFERS = "allows other messages, or means something else by the same ones"
    ADDS = "adds what a reader may pass over"
    SAYS = "says more about the same messages"


class Kind(StrEnum):
    """A kind of change, as shown to people and programs."""

    FIELD_ADDED = "field added"
    REQUIRED_FIELD_ADDED = "required field added"
    FIELD_REMOVED = "field removed"
    FIELD_RENAMED = "field renamed"
    FIELD_MADE_REQUIRED = "field made required"
    FIELD_MADE_OPTIONAL = "field made optional"
    FIELD_ALWAYS_WRITTEN = "field always written"
    TYPE_WIDENED = "type widened"
    TYPE_NARROWED = "type narrowed"
    TYPE_CHANGED = "type changed"
    NULL_ALLOWED = "null allowed"
    NULL_REFUSED = "null refused"
    ENUM_VALUE_ADDED = "enum value added"
    ENUM_VALUE_REMOVED = "enum value removed"
    FORMAT_CHANGED = "format changed"
    PATTERN_CHANGED = "pattern changed"
    CONSTRAINT_TIGHTENED = "constraint tightened"
    CONSTRAINT_LOOSENED = "constraint loosened"
    UNIT_STATED = "unit stated"
    UNIT_CHANGED = "unit changed"
    DEFAULT_ADDED = "default added"
    DEFAULT_CHANGED = "default changed"
    DEFAULT_REMOVED = "default removed"
    NOT_UNDERSTOOD = "changed in a way the gate cannot judge"

    MESSAGE_ADDED = "message added"
    NEW_MAJOR_ADDED = "new major added"
    MESSAGE_REMOVED = "message removed"
    TYPE_STRING_CHANGED = "type string changed"
    MESSAGE_MOVED = "message moved to another topic"
    MESSAGE_KEY_CHANGED = "message key changed"
    COMMAND_OR_EVENT = "command made an event, or the reverse"

    TOPIC_ADDED = "topic added"
    TOPIC_REMOVED = "topic removed"
    KEY_CHANGED = "key changed"
    PARTITIONS_RAISED = "partitions raised"
    PARTITIONS_LOWERED = "partitions lowered"
    RETENTION_LONGER = "retention longer"
    RETENTION_SHORTER = "retention shorter"
    COMPACTION_BEGUN = "compaction begun"
    COMPACTION_ENDED = "compaction ended"
    RECORDS_LARGER = "larger records allowed"
    RECORDS_SMALLER = "largest record made smaller"
    PRODUCER_ADDED = "producer added"
    PRODUCER_REMOVED = "producer removed"
    CONSUMER_ADDED = "consumer added"
    CONSUMER_REMOVED = "consumer removed"
    OWNER_CHANGED = "owner changed"
    CARGO_CHANGED = "what the topic carries changed"


PAYLOAD: dict[Kind, Effect] = {
    Kind.FIELD_ADDED: Effect.ADDS,
    Kind.REQUIRED_FIELD_ADDED: Effect.SHRINKS,
    Kind.FIELD_REMOVED: Effect.DIFFERS,  # readers miss it in an event; in a command the sender's wish would be dropped in silence
    Kind.FIELD_RENAMED: Effect.DIFFERS,
    Kind.FIELD_MADE_REQUIRED: Effect.SHRINKS,
    Kind.FIELD_MADE_OPTIONAL: Effect.GROWS,
    Kind.FIELD_ALWAYS_WRITTEN: Effect.SAYS,
    Kind.TYPE_WIDENED: Effect.GROWS,
    Kind.TYPE_NARROWED: Effect.SHRINKS,
    Kind.TYPE_CHANGED: Effect.DIFFERS,
    Kind.NULL_ALLOWED: Effect.GROWS,
    Kind.NULL_REFUSED: Effect.SHRINKS,
    Kind.ENUM_VALUE_ADDED: Effect.GROWS,
    Kind.ENUM_VALUE_REMOVED: Effect.SHRINKS,
    Kind.FORMAT_CHANGED: Effect.DIFFERS,
    Kind.PATTERN_CHANGED: Effect.DIFFERS,
    Kind.CONSTRAINT_TIGHTENED: Effect.SHRINKS,
    Kind.CONSTRAINT_LOOSENED: Effect.GROWS,
    Kind.UNIT_STATED: Effect.SAYS,
    Kind.UNIT_CHANGED: Effect.DIFFERS,
    Kind.DEFAULT_ADDED: Effect.SAYS,
    Kind.DEFAULT_CHANGED: Effect.DIFFERS,  # what was left out in a message of last year means something else today
    Kind.DEFAULT_REMOVED: Effect.SHRINKS,  # messages from before the field existed no longer read
    Kind.NOT_UNDERSTOOD: Effect.DIFFERS,
}


@dataclass(frozen=True, slots=True, order=True)
class Party:
    """Somebody named in a topic file. ``role``: producer, consumer, or gateway for whoever is not one of the services."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between two schemas: ``path`` is the field, dotted, ``[]`` for a list's items, ``{}`` for a mapping's values."""

    path: str
    kind: Kind
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change and its verdict. ``where`` is a message, a topic or the headers; ``first`` deploys before the others, empty: any order."""

    where: str
    path: str
    kind: Kind
    before: str | None
    after: str | None
    breaking: bool
    affects: tuple[Party, ...]
    first: tuple[str, ...]
    advice: str

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "where": self.where,
            "path": self.path,
            "kind": self.kind.value,
            "before": self.before,
            "after": self.after,
            "breaking": self.breaking,
            "affects": [{"name": party.name, "role": party.role} for party in self.affects],
            "deploys_first": list(self.first),
            "advice": self.advice,
        }
