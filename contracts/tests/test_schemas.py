"""The gate's judgement against a validator's: what it calls harmless, no message may contradict."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.gate.change import PAYLOAD, Effect
from contracts.gate.schemas import differences

Schema = dict[str, Any]

TEXTS: list[Schema] = [
    {"type": "string"},
    {"type": "string", "minLength": 1},
    {"type": "string", "maxLength": 1},
    {"type": "string", "pattern": "^a"},
    {"type": "string", "enum": ["a"]},
    {"type": "string", "enum": ["a", "b"]},
    {"const": "b"},
]
NUMBERS: list[Schema] = [
    {"type": "integer"},
    {"type": "number"},
    {"type": "integer", "minimum": 0},
    {"type": "number", "exclusiveMinimum": 0},
    {"type": "integer", "maximum": 2},
    {"type": "boolean"},
]
SIMPLE = st.sampled_from([*TEXTS, *NUMBERS, {"$ref": "#/$defs/Word"}, {"type": "object", "additionalProperties": {"type": "integer"}}])
SEVERAL = st.tuples(st.sampled_from(TEXTS), st.sampled_from([*NUMBERS, {"type": "null"}])).map(lambda pair: {"anyOf": list(pair)})
FIELD = SIMPLE | SEVERAL | SIMPLE.map(lambda rules: {"type": "array", "items": rules, "maxItems": 2})
NAMES = ("x", "y")


@st.composite
def two_schemas(draw: st.DrawFn) -> tuple[Schema, Schema]:
    """A schema and a changed one, each field kept or drawn anew."""
    word = draw(st.sampled_from(TEXTS))
    old = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, FIELD)))
    new = {name: old[name] if name in old and draw(st.booleans()) else draw(FIELD) for name in NAMES if draw(st.integers(0, 3))}
    required = st.lists(st.sampled_from(NAMES), unique=True)
    other_word = draw(st.just(word) | st.sampled_from(TEXTS))
    return _object(old, draw(required), word), _object(new, draw(required), other_word)


def _object(properties: Schema, required: list[str], word: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in required if name in properties],
        "$defs": {"Word": word},
    }


VALUES = st.sampled_from(["", "a", "b", "ab", -1, 0, 1, 3, 0.5, True, None, [], ["a"], [1, 0.5], [1, 2, 3], {}, {"k": 1}, {"k": "a"}])
MESSAGES = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)), min_size=20, max_size=20)


@given(two_schemas(), MESSAGES)
def test_what_does_not_shrink_reads_old_messages_and_what_does_not_grow_is_read_by_old_readers(
    schemas: tuple[Schema, Schema], messages: list[Schema]
) -> None:
    old, new = map(Draft202012Validator, schemas)
    effects = {PAYLOAD[difference.kind] for difference in differences(*schemas)}
    event("shrinks" if effects & {Effect.SHRINKS, Effect.DIFFERS} else "does not shrink")
    for message in messages:
        if not effects & {Effect.SHRINKS, Effect.DIFFERS} and not _says_a_new_field(message, schemas):
            assert new.is_valid(message) or not old.is_valid(message), f"{message} no longer reads"
        if not effects & {Effect.GROWS, Effect.DIFFERS}:
            assert old.is_valid(message) or not new.is_valid(message), f"{message} was not promised"


def _says_a_new_field(message: Schema, schemas: tuple[Schema, Schema]) -> bool:
    """An old writer does not write a field that came later, although an open object would let it."""
    old, new = schemas
    return any(name in new["properties"] and name not in old["properties"] for name in message)


def test_a_schema_that_contains_itself_is_refused_by_name() -> None:
    tree = {"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}}}
    with pytest.raises(ValueError, match="Node contains itself"):
        differences(tree, tree)
