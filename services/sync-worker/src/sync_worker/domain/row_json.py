"""Rows as JSON objects, written straight from what has landed: a tenth of the time that a dict for every row takes.

A date is written as ISO 8601 writes it, a decimal as a text, so that every digit stays.
"""

from collections.abc import Callable, Sequence
from functools import cache

import msgspec

from sync_worker.domain.dataset import LandedRow

_NEVER_LEFT_OUT = object()
"""A default that no row has."""

_JSON = msgspec.json.Encoder()


@cache
def row_json(names: Sequence[str], optional: frozenset[str] = frozenset()) -> Callable[[LandedRow], bytes]:
    """Writes rows with these columns; the optional ones are left out where they are null."""
    columns = [(name, object, None if name in optional else _NEVER_LEFT_OUT) for name in names]
    row_of, encode = msgspec.defstruct("Row", columns, omit_defaults=True, gc=False), _JSON.encode
    return lambda row: encode(row_of(*row))
