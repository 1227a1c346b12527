"""The gate's judgement against a validator's: what it calls harmless, no message may contradict. All pairs of schemas, all values."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.gate.change import PAYLOAD, Effect, Kind
from contracts.gate.schemas import differences

Schema = dict[str, Any]

WORD: Schema = {"type": "string", "enum": ["a", "b"]}
FIELDS: list[Schema] = [
    {"type": "string"},
    {"type": "string", "minLength": 1},
    {"type": "string", "maxLength": 1},
    {"type": "string", "pattern": "^a"},
    {"type": "string", "pattern": "b$"},
    {"type": "string", "enum": ["a"]},
    {"type": "string", "enum": ["a", "ab"]},
    {"const": "b"},
    {"$ref": "#/$defs/Word"},
    {"type": "integer"},
    {"type": "integer", "minimum": 0},
    {"type": "integer", "exclusiveMinimum": 0},
    {"type": "integer", "maximum": 2},
    {"type": "number"},
    {"type": "number", "maximum": 0.5},
    {"type": "boolean"},
    {"anyOf": [{"type": "string"}, {"type": "null"}]},
    {"anyOf": [{"$ref": "#/$defs/Word"}, {"type": "null"}]},
    {"anyOf": [{"type": "string"}, {"type": "integer"}], "minLength": 2},
    {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}]},
    {"type": "array", "items": {"type": "integer"}},
    {"type": "array", "items": {"type": "integer"}, "maxItems": 1},
    {"type": "object"},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "additionalProperties": False},
    {"type": "object", "properties": {"k": {"type": "integer"}}, "required": ["k"]},
    {"type": "object", "properties": {"k": {"type": "integer"}}},
    {},
]
VALUES: list[Any] = ["", "a", "b", "ab", "ba", -1, 0, 1, 3, 0.5, True, None, [], [1], ["a"], [1, 2], {}, {"k": 1}, {"k": "a"}, {"o": 1}]


def as_field(rules: Schema) -> Schema:
    return {"type": "object", "properties": {"x": rules}, "$defs": {"Word": WORD}}


def as_needed_field(rules: Schema) -> Schema:
    return {**as_field(rules), "required": ["x"]}


def as_row(rules: Schema) -> Schema:
    return as_field({"type": "array", "items": rules})


def as_mapped(rules: Schema) -> Schema:
    return as_field({"type": "object", "additionalProperties": rules})


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (as_field, lambda value: {"x": value}),
        (as_needed_field, lambda value: {"x": value}),
        (as_row, lambda value: {"x": [value]}),
        (as_mapped, lambda value: {"x": {"any": value}}),
    ],
    ids=["field", "needed field", "row", "mapped"],
)
def test_no_message_contradicts_the_gate(place: Callable[[Schema], Schema], message: Callable[[Any], Schema]) -> None:
    messages = [{}, *map(message, VALUES)]
    schemas = [place(rules) for rules in FIELDS]
    allowed = [[Draft202012Validator(schema).is_valid(told) for told in messages] for schema in schemas]
    for old, new in product(range(len(schemas)), repeat=2):
        found = differences(schemas[old], schemas[new])
        must_not_contradict(found, messages, allowed[old], allowed[new])
        assert bool(found) == (old != new)


@pytest.mark.parametrize(("before", "after"), list(product([as_field, as_needed_field], repeat=2)))
def test_no_message_contradicts_what_the_gate_says_of_leaving_a_field_out(
    before: Callable[[Schema], Schema], after: Callable[[Schema], Schema]
) -> None:
    messages = [{}, *({"x": value} for value in VALUES)]
    for rules in FIELDS:
        old, new = before(rules), after(rules)
        allowed = [[Draft202012Validator(schema).is_valid(told) for told in messages] for schema in (old, new)]
        must_not_contradict(differences(old, new), messages, *allowed)


def must_not_contradict(found: list[Any], messages: list[Schema], by_old: list[bool], by_new: list[bool]) -> None:
    effects = {PAYLOAD[difference.kind] for difference in found}
    # A field that an open object allowed without naming it, and that is named now, is no message of an old writer.
    named_now = any(difference.kind in {Kind.FIELD_ADDED, Kind.REQUIRED_FIELD_ADDED} for difference in found)
    for told, was, is_ in zip(messages, by_old, by_new, strict=True):
        if not effects & {Effect.SHRINKS, Effect.DIFFERS} and not named_now:
            assert is_ or not was, f"{told} no longer reads: {found}"
        if not effects & {Effect.GROWS, Effect.DIFFERS}:
            assert was or not is_, f"{told} was not promised: {found}"


def test_a_schema_that_contains_itself_is_refused_by_name() -> None:
    tree = {"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}}}
    with pytest.raises(ValueError, match="Node contains itself"):
        differences(tree, {**tree, "description": "the same"})
