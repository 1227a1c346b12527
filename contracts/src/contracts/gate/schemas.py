"""Every difference between two JSON Schemas of one message, by name.

Understands what pydantic writes for our models. Anything else that differs is reported as not understood, which breaks: nothing passes
because it was overlooked. Objects are open, because readers ignore fields they do not know.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from contracts.gate.change import Difference, Kind

Schema = Mapping[str, Any]

UNIT = "x-unit"
_WORDS = {"title", "description", "$comment", "examples", "deprecated"}
_OF_THE_FIELD = {"default", UNIT, "anyOf"}
_JUDGED = {"type", "enum", "const", "format", "pattern", "properties", "required", "items", "additionalProperties"}
_LOWER_BOUNDS = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_UPPER_BOUNDS = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def differences(before: Schema, after: Schema) -> list[Difference]:
    """From the released schema to today's. What the message is about itself (``$id``, ``x-kind`` …) is not looked at."""
    return [] if before == after else list(_field("", _inlined(before), _inlined(after)))


def _inlined(schema: Schema) -> dict[str, Any]:
    definitions = schema.get("$defs", {})

    def resolve(node: Any, within: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [resolve(part, within) for part in node]
        if not isinstance(node, Mapping):
            return node
        node = {name: resolve(part, within) for name, part in node.items() if name != "$defs"}
        reference = node.pop("$ref", None)
        if not isinstance(reference, str):
            return node if reference is None else {**node, "$ref": reference}
        name = reference.removeprefix("#/$defs/")
        if name in within:
            raise ValueError(f"{name} contains itself; the gate compares trees")
        return {**resolve(definitions[name], (*within, name)), **node}

    resolved = resolve(schema, ())
    return {name: part for name, part in resolved.items() if name not in {"$schema", "$id", "x-kind", "x-topic", "x-key"}}


def _field(path: str, before: Schema, after: Schema) -> Iterator[Difference]:
    """One place in the data: its types, then each type's own rules, then what is said about the place itself."""
    old, new = _alternatives(before), _alternatives(after)
    if "integer" in old and "number" in new and "number" not in old and "integer" not in new:
        yield Difference(path, Kind.TYPE_WIDENED, "integer", "number")
        new["integer"] = new.pop("number")
    elif "number" in old and "integer" in new and "integer" not in old and "number" not in new:
        yield Difference(path, Kind.TYPE_NARROWED, "number", "integer")
        new["number"] = new.pop("integer")
    yield from _types(path, set(old), set(new))
    for name in sorted(set(old) & set(new)):
        yield from _rules(path, old[name], new[name])
    yield from _unit(path, _unit_of(before), _unit_of(after))


def _alternatives(node: Schema) -> dict[str, dict[str, Any]]:
    """The JSON types a place may hold and the rules of each; a type that is given twice gets a number."""
    branches = [{name: part for name, part in node.items() if name not in _OF_THE_FIELD}] if "anyOf" not in node else list(node["anyOf"])
    found: dict[str, dict[str, Any]] = {}
    for branch in branches:
        if "anyOf" in branch:
            parts = _alternatives(branch)
        else:
            rules = {name: part for name, part in branch.items() if name not in _WORDS and name != UNIT}
            parts = dict.fromkeys(_types_of(branch), rules)
        for name, rules in parts.items():
            number = sum(known.partition(" ")[0] == name for known in found)
            found[f"{name} {number + 1}" if number else name] = rules
    beside = {name: part for name, part in node.items() if "anyOf" in node and name not in _OF_THE_FIELD | _WORDS}
    return {name: {**rules, **beside} for name, rules in found.items()}


def _types_of(node: Schema) -> list[str]:
    stated = node.get("type")
    if stated is not None:
        return [stated] if isinstance(stated, str) else list(stated)
    values = [*node.get("enum", []), *([node["const"]] if "const" in node else [])]
    return sorted({_JSON_TYPES[type(value)] for value in values}) or ["anything"]


def _types(path: str, old: set[str], new: set[str]) -> Iterator[Difference]:
    if "null" in new - old:
        yield Difference(path, Kind.NULL_ALLOWED)
    if "null" in old - new:
        yield Difference(path, Kind.NULL_REFUSED)
    old, new = old - {"null"}, new - {"null"}
    gone, come = old - new, new - old
    if gone or come:
        kind = Kind.TYPE_CHANGED if gone and come else Kind.TYPE_NARROWED if gone else Kind.TYPE_WIDENED
        if "anything" in gone:
            kind = Kind.TYPE_NARROWED
        if "anything" in come:
            kind = Kind.TYPE_WIDENED
        yield Difference(path, kind, _listed(old), _listed(new))


def _rules(path: str, old: Schema, new: Schema) -> Iterator[Difference]:
    yield from _values(path, _allowed(old), _allowed(new))
    for name in ("format", "pattern"):
        yield from _text_rule(path, name, old.get(name), new.get(name))
    for name in sorted(_LOWER_BOUNDS | _UPPER_BOUNDS):
        yield from _bound(path, name, old.get(name), new.get(name))
    yield from _properties(path, old, new)
    if old.get("items") != new.get("items"):
        yield from _field(f"{path}[]", old.get("items", {}), new.get("items", {}))
    yield from _values_of_mapping(path, old.get("additionalProperties", True), new.get("additionalProperties", True))
    for name in sorted((set(old) | set(new)) - _JUDGED - _LOWER_BOUNDS - _UPPER_BOUNDS - _OF_THE_FIELD - _WORDS):
        if old.get(name) != new.get(name):
            yield Difference(path, Kind.NOT_UNDERSTOOD, f"{name} {_shown(old.get(name))}", f"{name} {_shown(new.get(name))}")


def _allowed(rules: Schema) -> list[Any] | None:
    return [rules["const"]] if "const" in rules else rules.get("enum")


def _values(path: str, old: list[Any] | None, new: list[Any] | None) -> Iterator[Difference]:
    if old is None and new is not None:
        yield Difference(path, Kind.CONSTRAINT_TIGHTENED, "any value", _listed(new))
    elif old is not None and new is None:
        yield Difference(path, Kind.CONSTRAINT_LOOSENED, _listed(old), "any value")
    elif old is not None and new is not None:
        for value in new:
            if value not in old:
                yield Difference(path, Kind.ENUM_VALUE_ADDED, None, str(value))
        for value in old:
            if value not in new:
                yield Difference(path, Kind.ENUM_VALUE_REMOVED, str(value), None)


def _text_rule(path: str, name: str, old: str | None, new: str | None) -> Iterator[Difference]:
    if old == new:
        return
    changed = Kind.FORMAT_CHANGED if name == "format" else Kind.PATTERN_CHANGED
    kind = Kind.CONSTRAINT_TIGHTENED if old is None else Kind.CONSTRAINT_LOOSENED if new is None else changed
    yield Difference(path, kind, f"{name} {old}" if old else None, f"{name} {new}" if new else None)


def _bound(path: str, name: str, old: float | None, new: float | None) -> Iterator[Difference]:
    if old == new:
        return
    tighter = old is None or (new is not None and (new > old if name in _LOWER_BOUNDS else new < old))
    kind = Kind.CONSTRAINT_TIGHTENED if tighter else Kind.CONSTRAINT_LOOSENED
    yield Difference(path, kind, None if old is None else f"{name} {old}", None if new is None else f"{name} {new}")


def _values_of_mapping(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if old is False or new is False:
        yield Difference(
            f"{path}{{}}", Kind.CONSTRAINT_TIGHTENED if new is False else Kind.CONSTRAINT_LOOSENED, "unknown fields", "unknown fields"
        )
    else:
        yield from _field(f"{path}{{}}", {} if old is True else old, {} if new is True else new)


def _properties(path: str, old: Schema, new: Schema) -> Iterator[Difference]:
    before, after = old.get("properties", {}), new.get("properties", {})
    was, is_ = set(old.get("required", [])), set(new.get("required", []))
    gone, come = [name for name in before if name not in after], [name for name in after if name not in before]
    for name in list(gone):
        twins = [other for other in come if _bare(after[other]) == _bare(before[name])]
        if len(twins) == 1:
            yield Difference(_under(path, name), Kind.FIELD_RENAMED, name, twins[0])
            gone.remove(name)
            come.remove(twins[0])
    for name in gone:
        yield Difference(_under(path, name), Kind.FIELD_REMOVED, _type_shown(before[name]), None)
    for name in come:
        needed = name in is_ and "default" not in after[name]
        yield Difference(_under(path, name), Kind.REQUIRED_FIELD_ADDED if needed else Kind.FIELD_ADDED, None, _type_shown(after[name]))
    for name in before:
        if name in after:
            yield from _presence(_under(path, name), before[name], after[name], name in was, name in is_)
            yield from _field(_under(path, name), before[name], after[name])


def _presence(path: str, old: Schema, new: Schema, was_required: bool, is_required: bool) -> Iterator[Difference]:
    """Whether the field may be left out, and what it then means."""
    had, has = "default" in old, "default" in new
    if is_required and not was_required:
        yield Difference(path, Kind.FIELD_ALWAYS_WRITTEN if has else Kind.FIELD_MADE_REQUIRED)
    elif was_required and not is_required:
        yield Difference(path, Kind.FIELD_MADE_OPTIONAL)
    elif had and not has:
        yield Difference(path, Kind.DEFAULT_REMOVED, _shown(old["default"]), None)
    elif has and not had:
        yield Difference(path, Kind.DEFAULT_ADDED, None, _shown(new["default"]))
    if had and has and old["default"] != new["default"]:
        yield Difference(path, Kind.DEFAULT_CHANGED, _shown(old["default"]), _shown(new["default"]))


def _unit(path: str, old: str | None, new: str | None) -> Iterator[Difference]:
    if old != new:
        yield Difference(path, Kind.UNIT_STATED if old is None else Kind.UNIT_CHANGED, old, new)


def _unit_of(node: Schema) -> str | None:
    """Stated on the field or on one of its alternatives."""
    units = {node.get(UNIT), *(branch.get(UNIT) for branch in node.get("anyOf", []))} - {None}
    return ", ".join(sorted(str(unit) for unit in units)) or None


def _bare(node: Schema) -> Any:
    return {name: part for name, part in node.items() if name not in _WORDS}


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _type_shown(node: Schema) -> str:
    return _listed(set(_alternatives(node)))


def _listed(values: Any) -> str:
    return ", ".join(sorted(map(str, values)))


def _shown(value: Any) -> str:
    return orjson.dumps(value).decode()
