"""A case per kind of change: what the gate calls it, whom it breaks, who deploys first. Directions: a command and an event each."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import pytest

from contracts import documents
from contracts.gate.change import Change, Kind, Party
from contracts.gate.comparison import compare
from contracts.gate.snapshot import Contracts
from contracts.topics import Topic

State = dict[str, Any]
Edit = Callable[[State], None]

FIELDS = {
    "id": {"type": "string", "format": "uuid"},
    "name": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\n]*$"},
    "role": {"$ref": "#/$defs/Role"},
    "amount": {"type": "string", "x-unit": "NOK"},
    "vat": {"anyOf": [{"type": "string", "x-unit": "NOK"}, {"type": "null"}]},
    "count": {"type": "integer", "minimum": 0, "maximum": 100},
    "share": {"type": "number"},
    "rows": {"type": "array", "items": {"type": "object", "properties": {"no": {"type": "integer"}}, "required": ["no"]}},
    "more": {"type": "object", "additionalProperties": {"type": "string"}},
    "language": {"type": "string", "default": "nb"},
}


def the_contracts() -> State:
    """company-service takes `Rename` from a gateway and tells `Renamed`; sync-worker and a gateway read it."""

    def schema(name: str, kind: str, topic: str) -> State:
        required = [field for field, rules in FIELDS.items() if kind == "event" or "default" not in rules]
        about = {"$id": f"no.example.{name}.v1.json", "x-kind": kind, "x-topic": topic, "x-key": "id"}
        roles = {"$defs": {"Role": {"type": "string", "enum": ["reader", "owner"], "title": "Role"}}}
        return {**about, **roles, "type": "object", "properties": deepcopy(FIELDS), "required": required}

    def topic(name: str, producers: list[str], consumers: list[str], **stated: Any) -> State:
        told = {"name": name, "description": "", "owner": "company-service", "producers": producers, "consumers": consumers}
        return {**told, "key": "id", "partitions": 6, "retention": "for good", "versions": {}, **stated}

    return {
        "topics": {
            "commands": topic("commands", ["ui-gateway"], ["company-service"]),
            "events": topic("events", ["company-service"], ["sync-worker", "reconciliation"]),
            "company-service-dlq": topic("company-service-dlq", ["company-service"], ["operators"], carries="dead letters"),
            "sync-worker-dlq": topic("sync-worker-dlq", ["sync-worker"], [], owner="sync-worker", carries="dead letters"),
        },
        "schemas": {"Rename.v1": schema("Rename", "command", "commands"), "Renamed.v1": schema("Renamed", "event", "events")},
        "headers": {kind: documents.headers_schema(kind) for kind in ("command", "event")},
    }


def put(*path: str | int, to: Any) -> Edit:
    def edit(state: State) -> None:
        for step in path[:-1]:
            state = state[step]
        state[path[-1]] = to

    return edit


def drop(*path: str) -> Edit:
    def edit(state: State) -> None:
        for step in path[:-1]:
            state = state[step]
        del state[path[-1]]

    return edit


def require(name: str, needed: bool = True) -> Edit:
    def edit(state: State) -> None:
        state["required"] = [field for field in state["required"] if field != name] + ([name] if needed else [])

    return edit


def both(*edits: Edit) -> Edit:
    def edit(state: State) -> None:
        for one in edits:
            one(state)

    return edit


def field(name: str, **rules: Any) -> Edit:
    return put("properties", name, to=rules)


def changes(edit: Edit, before: Iterable[Edit] = ()) -> list[Change]:
    state = the_contracts()
    for one in before:
        one(state)
    old = contracts(state)
    edit(state)
    return compare(old, contracts(state))


def contracts(state: State) -> Contracts:
    state = deepcopy(state)
    return Contracts({name: Topic.model_validate(told) for name, told in state["topics"].items()}, state["schemas"], state["headers"])


def verdict(change: Change) -> str:
    if change.breaking:
        assert change.first == ()
        return "breaks " + ", ".join(party.name for party in change.affects)
    assert change.affects == ()
    return "first " + ", ".join(change.first) if change.first else "any order"


BREAKS_SENDER, BREAKS_READERS = "breaks ui-gateway", "breaks reconciliation, sync-worker"
SERVICE_FIRST, ANY = "first company-service", "any order"
TEXT = {"type": "string"}
NAME = FIELDS["name"]

# what changes, in which field, the kind, the verdict for a command, the verdict for an event
PAYLOAD: list[tuple[str, Edit, str, Kind, str, str]] = [
    ("optional field added", field("note", **TEXT), "note", Kind.FIELD_ADDED, SERVICE_FIRST, ANY),
    ("field with a default added", both(field("note", **TEXT, default=""), require("note")), "note", Kind.FIELD_ADDED, SERVICE_FIRST, ANY),
    (
        "required field added",
        both(field("note", **TEXT), require("note")),
        "note",
        Kind.REQUIRED_FIELD_ADDED,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
    (
        "field removed",
        both(drop("properties", "count"), require("count", False)),
        "count",
        Kind.FIELD_REMOVED,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
    (
        "field renamed",
        both(drop("properties", "count"), field("number", **FIELDS["count"]), require("count", False), require("number")),
        "count",
        Kind.FIELD_RENAMED,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
    ("made optional", require("name", False), "name", Kind.FIELD_MADE_OPTIONAL, SERVICE_FIRST, BREAKS_READERS),
    ("integer to number", field("count", type="number", minimum=0, maximum=100), "count", Kind.TYPE_WIDENED, SERVICE_FIRST, BREAKS_READERS),
    (
        "another type besides",
        field("amount", type=["string", "integer"], **{"x-unit": "NOK"}),
        "amount",
        Kind.TYPE_WIDENED,
        SERVICE_FIRST,
        BREAKS_READERS,
    ),
    ("number to integer", field("share", type="integer"), "share", Kind.TYPE_NARROWED, BREAKS_SENDER, BREAKS_READERS),
    ("another type", field("share", type="string"), "share", Kind.TYPE_CHANGED, BREAKS_SENDER, BREAKS_READERS),
    (
        "type in a list's rows",
        put("properties", "rows", "items", "properties", "no", "type", to="string"),
        "rows[].no",
        Kind.TYPE_CHANGED,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
    (
        "null allowed",
        field("share", anyOf=[{"type": "number"}, {"type": "null"}]),
        "share",
        Kind.NULL_ALLOWED,
        SERVICE_FIRST,
        BREAKS_READERS,
    ),
    ("null refused", field("vat", type="string", **{"x-unit": "NOK"}), "vat", Kind.NULL_REFUSED, BREAKS_SENDER, BREAKS_READERS),
    (
        "enum value added",
        put("$defs", "Role", "enum", to=["reader", "owner", "guest"]),
        "role",
        Kind.ENUM_VALUE_ADDED,
        SERVICE_FIRST,
        BREAKS_READERS,
    ),
    ("enum value removed", put("$defs", "Role", "enum", to=["reader"]), "role", Kind.ENUM_VALUE_REMOVED, BREAKS_SENDER, BREAKS_READERS),
    ("enum given up", drop("$defs", "Role", "enum"), "role", Kind.CONSTRAINT_LOOSENED, SERVICE_FIRST, BREAKS_READERS),
    (
        "enum introduced",
        field("amount", type="string", enum=["1"], **{"x-unit": "NOK"}),
        "amount",
        Kind.CONSTRAINT_TIGHTENED,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
    ("format changed", put("properties", "id", "format", to="uri"), "id", Kind.FORMAT_CHANGED, BREAKS_SENDER, BREAKS_READERS),
    ("format given up", drop("properties", "id", "format"), "id", Kind.CONSTRAINT_LOOSENED, SERVICE_FIRST, BREAKS_READERS),
    (
        "format introduced",
        put("properties", "amount", "format", to="date"),
        "amount",
        Kind.CONSTRAINT_TIGHTENED,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
    ("pattern changed", put("properties", "name", "pattern", to="^a"), "name", Kind.PATTERN_CHANGED, BREAKS_SENDER, BREAKS_READERS),
    ("shorter text", put("properties", "name", "maxLength", to=100), "name", Kind.CONSTRAINT_TIGHTENED, BREAKS_SENDER, BREAKS_READERS),
    ("longer text", put("properties", "name", "maxLength", to=300), "name", Kind.CONSTRAINT_LOOSENED, SERVICE_FIRST, BREAKS_READERS),
    ("higher minimum", put("properties", "count", "minimum", to=1), "count", Kind.CONSTRAINT_TIGHTENED, BREAKS_SENDER, BREAKS_READERS),
    ("lower minimum", put("properties", "count", "minimum", to=-1), "count", Kind.CONSTRAINT_LOOSENED, SERVICE_FIRST, BREAKS_READERS),
    ("no maximum", drop("properties", "count", "maximum"), "count", Kind.CONSTRAINT_LOOSENED, SERVICE_FIRST, BREAKS_READERS),
    (
        "rule for a mapping's values",
        put("properties", "more", "additionalProperties", "maxLength", to=9),
        "more{}",
        Kind.CONSTRAINT_TIGHTENED,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
    ("unknown fields refused", put("additionalProperties", to=False), "{}", Kind.CONSTRAINT_TIGHTENED, BREAKS_SENDER, BREAKS_READERS),
    ("unit changed", put("properties", "amount", "x-unit", to="øre"), "amount", Kind.UNIT_CHANGED, BREAKS_SENDER, BREAKS_READERS),
    (
        "unit of a field that may be null",
        put("properties", "vat", "anyOf", 0, "x-unit", to="EUR"),
        "vat",
        Kind.UNIT_CHANGED,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
    ("unit no longer stated", drop("properties", "amount", "x-unit"), "amount", Kind.UNIT_CHANGED, BREAKS_SENDER, BREAKS_READERS),
    ("unit stated", put("properties", "share", "x-unit", to="percent"), "share", Kind.UNIT_STATED, ANY, ANY),
    ("default changed", put("properties", "language", "default", to="nn"), "language", Kind.DEFAULT_CHANGED, BREAKS_SENDER, BREAKS_READERS),
    (
        "a rule the gate does not know",
        put("properties", "count", "multipleOf", to=5),
        "count",
        Kind.NOT_UNDERSTOOD,
        BREAKS_SENDER,
        BREAKS_READERS,
    ),
]
# what only one of the two can do, because an event's fields are all written and a command's defaults are left out
COMMANDS: list[tuple[str, Edit, str, Kind, str]] = [
    ("made required", both(field("language", **TEXT), require("language")), "language", Kind.FIELD_MADE_REQUIRED, BREAKS_SENDER),
    (
        "given a default",
        both(field("count", **FIELDS["count"], default=1), require("count", False)),
        "count",
        Kind.FIELD_MADE_OPTIONAL,
        SERVICE_FIRST,
    ),
]
EVENTS: list[tuple[str, Edit, str, Kind, str]] = [
    ("default taken away", field("language", **TEXT), "language", Kind.DEFAULT_REMOVED, BREAKS_READERS),
    ("given a default", field("count", **FIELDS["count"], default=1), "count", Kind.DEFAULT_ADDED, ANY),
]
ONE_SIDED = [("Rename.v1", *case) for case in COMMANDS] + [("Renamed.v1", *case) for case in EVENTS]


@pytest.mark.parametrize(
    ("edit", "path", "kind", "for_command", "for_event"), [case[1:] for case in PAYLOAD], ids=[case[0] for case in PAYLOAD]
)
def test_a_change_of_the_payload(edit: Edit, path: str, kind: Kind, for_command: str, for_event: str) -> None:
    for name, expected in (("Rename.v1", for_command), ("Renamed.v1", for_event)):
        [change] = changes(lambda state, name=name: edit(state["schemas"][name]))
        assert (change.where, change.path, change.kind, verdict(change)) == (name, path, kind, expected)


@pytest.mark.parametrize(
    ("name", "edit", "path", "kind", "expected"), [(case[0], *case[2:]) for case in ONE_SIDED], ids=[case[1] for case in ONE_SIDED]
)
def test_a_change_of_what_may_be_left_out(name: str, edit: Edit, path: str, kind: Kind, expected: str) -> None:
    [change] = changes(lambda state: edit(state["schemas"][name]))
    assert (change.where, change.path, change.kind, verdict(change)) == (name, path, kind, expected)


def test_a_field_that_is_always_written_from_now_on() -> None:
    was_optional = [lambda state: require("language", False)(state["schemas"]["Renamed.v1"])]
    [change] = changes(lambda state: require("language")(state["schemas"]["Renamed.v1"]), was_optional)
    assert (change.kind, verdict(change)) == (Kind.FIELD_ALWAYS_WRITTEN, ANY)


EVERYBODY_COMMAND, EVERYBODY_EVENT = "breaks ui-gateway, company-service", "breaks company-service, reconciliation, sync-worker"
OPERATORS = "first operators"
ANOTHER_MESSAGE = {"$id": "no.example.Closed.v1.json", "x-kind": "event", "x-topic": "events", "x-key": "id", "type": "object"}
NEXT_MAJOR = {**ANOTHER_MESSAGE, "$id": "no.example.Renamed.v2.json"}
A_TOPIC = {**the_contracts()["topics"]["events"], "name": "more-events"}

WHOLE: list[tuple[str, Edit, str, Kind, str]] = [
    (
        "header added to a command",
        put("headers", "command", "properties", "ce_urgency", to=TEXT),
        "command headers",
        Kind.FIELD_ADDED,
        SERVICE_FIRST,
    ),
    ("header added to an event", put("headers", "event", "properties", "ce_urgency", to=TEXT), "event headers", Kind.FIELD_ADDED, ANY),
    (
        "header needed in a command",
        lambda state: require("ce_replyto")(state["headers"]["command"]),
        "command headers",
        Kind.FIELD_MADE_REQUIRED,
        BREAKS_SENDER,
    ),
    (
        "header no longer in every event",
        lambda state: require("ce_sequence", False)(state["headers"]["event"]),
        "event headers",
        Kind.FIELD_MADE_OPTIONAL,
        BREAKS_READERS,
    ),
    (
        "any content type",
        drop("headers", "event", "properties", "content-type", "const"),
        "event headers",
        Kind.TYPE_WIDENED,
        BREAKS_READERS,
    ),
    (
        "message added",
        put("schemas", "Closed.v1", to=ANOTHER_MESSAGE),
        "Closed.v1",
        Kind.MESSAGE_ADDED,
        "first reconciliation, sync-worker",
    ),
    (
        "new major beside the old",
        put("schemas", "Renamed.v2", to=NEXT_MAJOR),
        "Renamed.v2",
        Kind.NEW_MAJOR_ADDED,
        "first reconciliation, sync-worker",
    ),
    ("event removed", drop("schemas", "Renamed.v1"), "Renamed.v1", Kind.MESSAGE_REMOVED, EVERYBODY_EVENT),
    ("command removed", drop("schemas", "Rename.v1"), "Rename.v1", Kind.MESSAGE_REMOVED, EVERYBODY_COMMAND),
    (
        "type string",
        put("schemas", "Renamed.v1", "$id", to="no.other.Renamed.v1.json"),
        "Renamed.v1",
        Kind.TYPE_STRING_CHANGED,
        EVERYBODY_EVENT,
    ),
    ("message moved", put("schemas", "Renamed.v1", "x-topic", to="sync-worker-dlq"), "Renamed.v1", Kind.MESSAGE_MOVED, EVERYBODY_EVENT),
    ("message keyed otherwise", put("schemas", "Rename.v1", "x-key", to="name"), "Rename.v1", Kind.MESSAGE_KEY_CHANGED, EVERYBODY_COMMAND),
    ("command made an event", put("schemas", "Rename.v1", "x-kind", to="event"), "Rename.v1", Kind.COMMAND_OR_EVENT, EVERYBODY_COMMAND),
    ("topic added", put("topics", "more-events", to=A_TOPIC), "more-events", Kind.TOPIC_ADDED, OPERATORS),
    ("topic removed", drop("topics", "sync-worker-dlq"), "sync-worker-dlq", Kind.TOPIC_REMOVED, "breaks sync-worker"),
    ("key", put("topics", "events", "key", to="name"), "events", Kind.KEY_CHANGED, EVERYBODY_EVENT),
    ("more partitions", put("topics", "events", "partitions", to=12), "events", Kind.PARTITIONS_RAISED, BREAKS_READERS),
    ("fewer partitions", put("topics", "events", "partitions", to=3), "events", Kind.PARTITIONS_LOWERED, EVERYBODY_EVENT),
    ("kept shorter", put("topics", "events", "retention", to="30 days"), "events", Kind.RETENTION_SHORTER, BREAKS_READERS),
    ("compacted", put("topics", "events", "cleanup", to="compact"), "events", Kind.COMPACTION_BEGUN, BREAKS_READERS),
    (
        "larger records",
        put("topics", "events", "max_message_bytes", to=2_000_000),
        "events",
        Kind.RECORDS_LARGER,
        "first operators, reconciliation, sync-worker",
    ),
    ("smaller records", put("topics", "events", "max_message_bytes", to=1000), "events", Kind.RECORDS_SMALLER, "breaks company-service"),
    (
        "another producer",
        put("topics", "events", "producers", to=["company-service", "org-service"]),
        "events",
        Kind.PRODUCER_ADDED,
        OPERATORS,
    ),
    ("a producer less", put("topics", "events", "producers", to=[]), "events", Kind.PRODUCER_REMOVED, "breaks company-service"),
    (
        "another consumer",
        put("topics", "commands", "consumers", to=["company-service", "audit"]),
        "commands",
        Kind.CONSUMER_ADDED,
        OPERATORS,
    ),
    ("a consumer less", put("topics", "events", "consumers", to=["sync-worker"]), "events", Kind.CONSUMER_REMOVED, "breaks reconciliation"),
    ("another owner", put("topics", "events", "owner", to="sync-worker"), "events", Kind.OWNER_CHANGED, ANY),
    ("other cargo", put("topics", "events", "carries", to="dead letters"), "events", Kind.CARGO_CHANGED, EVERYBODY_EVENT),
]


@pytest.mark.parametrize(("edit", "where", "kind", "expected"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_a_change_of_headers_messages_and_topics(edit: Edit, where: str, kind: Kind, expected: str) -> None:
    [change] = changes(edit)
    assert (change.where, change.kind, verdict(change)) == (where, kind, expected)


LATER: list[tuple[str, Any, Any, list[tuple[Kind, str]]]] = [
    ("kept longer", {"retention": "7 days"}, {"retention": "30 days"}, [(Kind.RETENTION_LONGER, OPERATORS)]),
    ("kept for good", {"retention": "7 days"}, {"retention": "for good"}, [(Kind.RETENTION_LONGER, OPERATORS)]),
    (
        "compacted, and an age that no longer counts",
        {},
        {"cleanup": "compact", "retention": "7 days"},
        [(Kind.COMPACTION_BEGUN, BREAKS_READERS)],
    ),
    ("compaction ended", {"cleanup": "compact"}, {"cleanup": "delete"}, [(Kind.COMPACTION_ENDED, OPERATORS)]),
    (
        "compaction ended, old records go",
        {"cleanup": "compact", "retention": "7 days"},
        {"cleanup": "delete"},
        [(Kind.COMPACTION_ENDED, OPERATORS), (Kind.RETENTION_SHORTER, BREAKS_READERS)],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), [case[1:] for case in LATER], ids=[case[0] for case in LATER])
def test_what_a_topic_keeps(before: State, after: State, expected: list[tuple[Kind, str]]) -> None:
    found = changes(lambda state: state["topics"]["events"].update(after), [lambda state: state["topics"]["events"].update(before)])
    assert [(change.kind, verdict(change)) for change in found] == expected


def test_every_kind_of_change_has_its_case() -> None:
    shown = {case[3] for case in PAYLOAD + WHOLE} | {case[4] for case in ONE_SIDED} | {kind for case in LATER for kind, _ in case[3]}
    assert shown | {Kind.FIELD_ALWAYS_WRITTEN} == set(Kind)


def test_a_party_outside_the_services_is_a_gateway() -> None:
    [change] = changes(put("topics", "events", "retention", to="30 days"))
    assert change.affects == (Party("reconciliation", "gateway"), Party("sync-worker", "consumer"))


def test_words_change_nothing() -> None:
    said = both(put("schemas", "Renamed.v1", "description", to="Better said."), put("topics", "events", "description", to="Better said."))
    assert changes(said) == []
