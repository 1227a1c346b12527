"""Conditions on rows, composed in Python and sent as one variable; no value ever becomes part of a document's text.

`all_of(eq("year", 2026), in_("accountNo", [1500, 2400]))`

One operator per column object and explicit `_and`/`_or`: the only form Visma documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

Value = int | str | Decimal | datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """A FilterExpression as the API takes it. Times are Visma's local time and carry no zone."""

    expression: dict[str, Any]


def eq(column: str, value: Value) -> Filter:
    return Filter({column: {"_eq": value}})


def not_eq(column: str, value: Value) -> Filter:
    return Filter({column: {"_not_eq": value}})


def gt(column: str, value: Value) -> Filter:
    return Filter({column: {"_gt": value}})


def gte(column: str, value: Value) -> Filter:
    return Filter({column: {"_gte": value}})


def lt(column: str, value: Value) -> Filter:
    return Filter({column: {"_lt": value}})


def lte(column: str, value: Value) -> Filter:
    return Filter({column: {"_lte": value}})


def in_(column: str, values: Sequence[Value]) -> Filter:
    if not values:
        raise ValueError(f"an empty list for {column}: what Visma does with it is unknown, so ask nothing instead")
    return Filter({column: {"_in": list(values)}})


def all_of(*filters: Filter) -> Filter:
    return _joined("_and", filters)


def any_of(*filters: Filter) -> Filter:
    return _joined("_or", filters)


def after_key(columns: Sequence[str], values: Sequence[Value]) -> Filter:
    """Rows whose key comes after `values`, column by column from the left: the condition of keyset paging."""
    if len(columns) != len(values):
        raise ValueError(f"the key {', '.join(columns)} needs {len(columns)} values")
    (column, *other_columns), (value, *other_values) = columns, values
    if not other_columns:
        return gt(column, value)
    return any_of(gt(column, value), all_of(eq(column, value), after_key(other_columns, other_values)))


def _joined(operator: str, filters: Sequence[Filter]) -> Filter:
    if not filters:
        raise ValueError("nothing to join")
    if len(filters) == 1:
        return filters[0]
    return Filter({operator: [each.expression for each in filters]})
