"""Keeps secrets out of everything a person or a log collector may read.

A value is hidden when its name says that it is secret, or when a piece of text has the shape of a credential. Names are
judged broadly on purpose (`token_expires_in` is hidden, too): a field that must be readable gets another name.
"""

import re
from collections.abc import Mapping
from datetime import date, time
from enum import Enum
from uuid import UUID

HIDDEN = "***"

_MAX_DEPTH = 8
_NAME = r"passwords?|passwd|pwd|secrets?|tokens?|authorization|assertion|api[_-]?key|private[_-]?key|cookie"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)

_CREDENTIALS = (
    # postgresql://user:password@host; greedy, because a password may itself hold an @
    (re.compile(r"(\w://[^\s:/@]*):[^\s/]*@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"""(\bauthorization["']?\s*[=:]\s*["']?)(?:[a-z]+\s+)?[^\s"',;}]+""", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer|DPoP)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # JSON Web Tokens, with or without a signature
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(\.[\w-]*)?"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), HIDDEN),
    # client_secret=..., "access_token": "...", 'password': '...'
    (
        re.compile(
            rf"""((?:{_NAME})[\w-]*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"'&,;)}}\]]+)""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


def redact_text(text: str) -> str:
    """The text with every credential in it replaced by `***`; what surrounds it stays readable."""
    for shape, replacement in _CREDENTIALS:
        text = shape.sub(replacement, text)
    if not text.isascii():
        # A lone surrogate (a header decoded with `surrogateescape`) would make the JSON renderer drop the whole line.
        text = text.encode("utf-8", "backslashreplace").decode()
    return text


def redact(value: object, depth: int = 0) -> object:
    """A copy of the value made of plain types (str, int, float, bool, None, dates, UUIDs, dicts, lists), secrets hidden.

    Anything else is represented by its text, so that an object's own fields cannot slip past under another encoding.
    """
    if depth > _MAX_DEPTH:
        return "…"
    match value:
        case Enum():
            return redact(value.value, depth)
        case str():
            return redact_text(value)
        case None | bool() | float() | date() | time() | UUID():
            return value
        case int():
            return value if -(2**63) <= value < 2**64 else str(value)
        case bytes():
            return redact_text(value.decode("utf-8", "backslashreplace"))
        case Mapping():
            return redact_fields(value, depth)
        case list() | tuple() | set() | frozenset():
            return [redact(item, depth + 1) for item in value]
        case _:
            return redact_text(str(value))


def redact_fields(fields: Mapping[str, object], depth: int = 0) -> dict[str, object]:
    """`redact` for named values: what has a secret's name is hidden whole, unless it is None or a truth value."""
    return {
        str(name): HIDDEN
        if _SECRET_NAME.search(str(name)) and value is not None and not isinstance(value, bool)
        else redact(value, depth + 1)
        for name, value in fields.items()
    }
