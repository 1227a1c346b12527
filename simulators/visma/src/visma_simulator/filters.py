"""Filters: what a FilterExpression means, as steps that narrow chunks of row numbers.

A chunk is a range, or a list when rows in between fell out. Where the filter fixes partition columns (year, period) or bounds the first
key column, only the rows that can match are looked at; this is what makes one page of a large ledger cheap.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Any

from graphql import GraphQLError

from visma_simulator.columns import Test, Whole
from visma_simulator.table import Table

Chunk = range | list[int]
Bounds = tuple[int | None, int | None]
CHUNK_ROWS = 4096


def _like(pattern: str) -> Test:
    """`%` stands for any text. Letter case does not matter: our choice, the collation is not documented."""
    match = re.compile(".*".join(map(re.escape, pattern.split("%"))), re.IGNORECASE | re.DOTALL).fullmatch
    return lambda text: match(text) is not None


def _not(make: Callable[[Any], Test]) -> Callable[[Any], Test]:
    def negated(operand: Any) -> Test:
        test = make(operand)
        return lambda value: not test(value)

    return negated


def _between(span: Mapping[str, Any]) -> Test:
    low, high = span["from"], span["to"]
    return lambda value: low <= value <= high


# The bound methods of the operand are the fastest tests there are: x < v is v.__gt__(x).
TESTS: dict[str, Callable[[Any], Test]] = {
    "_eq": lambda operand: operand.__eq__,
    "_not_eq": lambda operand: operand.__ne__,
    "_gt": lambda operand: operand.__lt__,
    "_gte": lambda operand: operand.__le__,
    "_lt": lambda operand: operand.__gt__,
    "_lte": lambda operand: operand.__ge__,
    "_in": lambda operand: frozenset(operand).__contains__,
    "_not_in": _not(lambda operand: frozenset(operand).__contains__),
    "_like": _like,
    "_not_like": _not(_like),
    "_between": _between,
    "_not_between": _not(_between),
    "_is_on": lambda operand: lambda value: value & operand == operand,
    "_is_off": lambda operand: lambda value: value & operand == 0,
}


@dataclass(frozen=True, slots=True)
class Leaf:
    column: str
    operator: str
    operand: Any

    @property
    def test(self) -> Test:
        return TESTS[self.operator](self.operand)

    def narrow(self, table: Table, chunk: Chunk) -> Chunk:
        column = table[self.column]
        kept = list(compress(chunk, map(column.test(self.test), column.take(chunk))))
        return chunk if len(kept) == len(chunk) else kept

    def bounds(self, column: str) -> Bounds:
        if column != self.column or not isinstance(self.operand, int):
            return None, None
        return self.operand if self.operator in {"_eq", "_gt", "_gte"} else None, self.operand if self.operator in {
            "_eq",
            "_lt",
            "_lte",
        } else None


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Filter", ...]

    def narrow(self, table: Table, chunk: Chunk) -> Chunk:
        for part in self.parts:
            if not chunk:
                break
            chunk = part.narrow(table, chunk)
        return chunk

    def bounds(self, column: str) -> Bounds:
        lows, highs = zip(*(part.bounds(column) for part in self.parts), strict=True) if self.parts else ((), ())
        return max((low for low in lows if low is not None), default=None), min((high for high in highs if high is not None), default=None)


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Filter", ...]

    def narrow(self, table: Table, chunk: Chunk) -> Chunk:
        matching = set().union(*(part.narrow(table, chunk) for part in self.parts))
        return chunk if len(matching) == len(chunk) else [row for row in chunk if row in matching]

    def bounds(self, column: str) -> Bounds:
        lows, highs = zip(*(part.bounds(column) for part in self.parts), strict=True) if self.parts else ((), ())
        return None if None in lows else min(lows, default=None), None if None in highs else max(highs, default=None)


Filter = Leaf | All | AnyOf


def read(expression: Mapping[str, Any] | None) -> All:
    """A coerced FilterExpression. Several columns, and several operators on one column, must all hold."""
    parts: list[Filter] = []
    for name, condition in (expression or {}).items():
        if condition is None:
            continue
        if name == "_and":
            parts += [part for nested in condition for part in read(nested).parts]
        elif name == "_or":
            parts.append(AnyOf(tuple(read(nested) for nested in condition)))
        else:
            parts += [_leaf(name, operator, operand) for operator, operand in condition.items()]
    return All(tuple(parts))


def _leaf(column: str, operator: str, operand: Any) -> Leaf:
    if operand is None or (isinstance(operand, list) and None in operand):
        raise GraphQLError(f"The operator {operator} on {column} needs a value.")
    return Leaf(column, operator, operand)


def matching(table: Table, where: All) -> Iterator[Chunk]:
    """The rows that match, in key order, a chunk at a time."""
    narrowing: list[Filter] = []
    rest: list[Filter] = []
    for part in where.parts:
        (narrowing if isinstance(part, Leaf) and part.column in table.shape.partition else rest).append(part)
    key = table.shape.key[0]
    window = table.window(*where.bounds(key)) if isinstance(table[key], Whole) else range(len(table))
    remaining = All(tuple(rest))
    for stretch in _partitions(table, narrowing, window):
        for start in range(stretch.start, stretch.stop, CHUNK_ROWS):
            if chunk := remaining.narrow(table, range(start, min(start + CHUNK_ROWS, stretch.stop))):
                yield chunk


def _partitions(table: Table, leaves: Iterable[Filter], window: range) -> Iterator[range]:
    """The stretches of `window` whose partition passes all leaves, joined where they touch."""
    tests = [(table.shape.partition.index(leaf.column), leaf.test) for leaf in leaves if isinstance(leaf, Leaf)]
    if not tests:
        yield window
        return
    stretches = sorted(
        (max(run.start, window.start), min(run.stop, window.stop))
        for value, runs in table.runs().items()
        if all(test(value[place]) for place, test in tests)
        for run in runs
        if run.start < window.stop and run.stop > window.start
    )
    pending = range(0)
    for start, stop in stretches:
        if start == pending.stop:
            pending = range(pending.start, stop)
        else:
            if pending:
                yield pending
            pending = range(start, stop)
    if pending:
        yield pending
