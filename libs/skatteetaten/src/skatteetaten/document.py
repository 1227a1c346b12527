"""JSON whose numbers keep every digit, and the values inside it, read tolerantly.

Amounts arrive as numbers or as text, a list of one may arrive as its only element, and every node may be missing.
A value that is there but cannot be understood is an error that names its place, never a silent zero.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

# Bounded so that no text can turn into a number of a billion digits.
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,12})?([eE][+-]?\d{1,2})?")

Node = Mapping[str, Any]


class UnreadableValueError(ValueError):
    """The document says something that this reader does not understand; the text names the place and not the value."""


def parse(body: bytes) -> Any:
    """The document with integers as int and all other numbers as Decimal. Raises ValueError for what is not JSON."""
    return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)


def write(value: Any) -> str:
    """The document as JSON text, numbers digit for digit as they were read (an exponent may be written out)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def node(parent: Node, name: str) -> Node:
    """The object under `name`; empty when absent."""
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnreadableValueError(f"{name} is not an object")
    return value


def nodes(parent: Node, name: str) -> list[Node]:
    """The objects under `name`: a list, or its only element, or nothing."""
    value = parent.get(name)
    items = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in items):
        raise UnreadableValueError(f"{name} holds something else than objects")
    return items


def text(parent: Node, name: str) -> str | None:
    value = parent.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, (dict, list)):
        raise UnreadableValueError(f"{name} is not a single value")
    return str(value)


def number(parent: Node, *names: str) -> Decimal | None:
    """The number under the first of `names` that is there: from its text, never through a float."""
    for name in names:
        value = parent.get(name)
        if value is None or value == "":
            continue
        written = str(value).strip()
        if isinstance(value, bool) or not _NUMBER.fullmatch(written):
            raise UnreadableValueError(f"{name} is not a number")
        return Decimal(written)
    return None


def whole(parent: Node, name: str) -> int | None:
    value = number(parent, name)
    if value is not None and value != value.to_integral_value():
        raise UnreadableValueError(f"{name} is not a whole number")
    return None if value is None else int(value)


def flag(parent: Node, name: str) -> bool:
    """True or false, also as text; false when absent."""
    value = str(parent.get(name, False)).lower()
    if value not in ("true", "false", "none"):
        raise UnreadableValueError(f"{name} is neither true nor false")
    return value == "true"


def moment(parent: Node, name: str) -> datetime | None:
    """A point in time in UTC; without an offset it is taken as UTC."""
    written = text(parent, name)
    if written is None:
        return None
    try:
        value = datetime.fromisoformat(written)
    except ValueError:
        raise UnreadableValueError(f"{name} is not a point in time") from None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _no_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is not a JSON number")
