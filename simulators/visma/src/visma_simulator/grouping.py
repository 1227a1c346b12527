"""Grouped queries: one pass per aggregate over the chunks that match, in whole numbers throughout."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import repeat
from typing import Any

from graphql import GraphQLError

from visma_simulator import filters
from visma_simulator.columns import Amount, Column, nulls_first
from visma_simulator.table import Table

Group = Any  # the stored value of the one grouping column, or a tuple of them
Values = list[Any]
Step = Callable[[Iterable[Group], Sequence[int], Any], None]


def _add(groups: Iterable[Group], values: Sequence[int], sums: dict[Group, int]) -> None:
    for group, value in zip(groups, values, strict=True):
        sums[group] += value


def _extreme(better: Callable[[int, int], bool]) -> Callable[[Iterable[Group], Sequence[int], dict[Group, int]], None]:
    def keep(groups: Iterable[Group], values: Sequence[int], best: dict[Group, int]) -> None:
        for group, value in zip(groups, values, strict=True):
            if group not in best or better(value, best[group]):
                best[group] = value

    return keep


def _distinct(groups: Iterable[Group], values: Sequence[int], seen: dict[Group, set[int]]) -> None:
    for group, value in zip(groups, values, strict=True):
        seen[group].add(value)


class Grouping:
    """The groups of one query, in the order of their keys or of orderBy, with the aggregates asked for."""

    def __init__(self, table: Table, where: filters.All, keys: Sequence[str]) -> None:
        self.table, self.where, self.keys = table, where, keys
        self.sizes: Counter[Group] = Counter()
        for group, chunk in self._chunks():
            if group is None:
                self.sizes.update(self._groups(chunk))
            else:
                self.sizes[group] += len(chunk)
        self.order: list[Group] = sorted(self.sizes, key=self._sort_key)
        self._sums: dict[str, dict[Group, int]] = {}

    def sort(self, ordering: Sequence[tuple[str, Any]]) -> None:
        for name, direction in reversed(ordering):
            if name == "_sum":
                for column, way in reversed(list(direction.items())):
                    self.order.sort(key=self.sums(column).__getitem__, reverse=way == "DESC")
                continue
            self._sort_by_key(name, descending=direction == "DESC")

    def sums(self, column: str) -> dict[Group, int]:
        if column not in self._sums:
            self._sums[column] = self._gather(column, _add, defaultdict(int), fold=sum)
        return self._sums[column]

    def written(self, path: str, name: str) -> Sequence[object]:
        """A key column (no path) or an aggregate (path = function) as JSON texts, one per group."""
        column = self.table[name]
        if not path:
            place = self._place(name)
            return column.written([self._parts(group)[place] for group in self.order])
        match path:
            case "count":
                return self._each(self._present(name))
            case "sum":
                return [column.json(value) for value in self._each(self.sums(name))]
            case "average":
                return [
                    _quotient(column, total, size) for total, size in zip(self._each(self.sums(name)), self._each(self.sizes), strict=True)
                ]
            case "minimum":
                return [column.json(value) for value in self._each(self._gather(name, _extreme(int.__lt__), {}, fold=min))]
            case "maximum":
                return [column.json(value) for value in self._each(self._gather(name, _extreme(int.__gt__), {}, fold=max))]
        distinct = self._each(self._gather(name, _distinct, defaultdict(set)))
        match path:
            case "countDistinct":
                return [sum(column.plain(value) is not None for value in values) for values in distinct]
            case "sumDistinct":
                return [column.json(sum(values)) for values in distinct]
            case _:
                return [_quotient(column, sum(values), len(values)) for values in distinct]

    def _sort_by_key(self, name: str, *, descending: bool) -> None:
        plain, place = self.table[name].plain, self._place(name)
        self.order.sort(key=lambda group: nulls_first(plain(self._parts(group)[place])), reverse=descending)

    def _present(self, name: str) -> Mapping[Group, int]:
        """Rows per group where the column is not null. Only timestamps can be null, so most counts are the sizes of the groups."""
        column = self.table[name]
        if self.table.shape.columns[name] in {"Int", "Decimal", "String"}:
            return self.sizes
        present: Counter[Group] = Counter()
        for chunk in filters.matching(self.table, self.where):
            pairs = zip(self._groups(chunk), column.take(chunk), strict=True)
            present.update(group for group, value in pairs if column.plain(value) is not None)
        return present

    def _gather(self, name: str, step: Step, into: Any, *, fold: Callable[[Sequence[int]], int] | None = None) -> Any:
        column = self.table[name]
        for group, chunk in self._chunks():
            values = column.take(chunk)
            if group is None:
                step(self._groups(chunk), values, into)
            elif fold is None:
                step(repeat(group, len(values)), values, into)
            else:
                step((group,), (fold(values),), into)
        return into

    def _chunks(self) -> Iterator[tuple[Group | None, filters.Chunk]]:
        """What matches, a chunk at a time, with its group where all of it is of one: stretches of a partition need no look at each row."""
        whole = set(self.keys) <= set(self.table.shape.partition)
        for chunk in filters.matching(self.table, self.where):
            if whole and isinstance(chunk, range):
                for stretch in self.table.alike(chunk):
                    yield next(iter(self._groups(stretch[:1]))), stretch
            else:
                yield None, chunk

    def _each(self, values: Mapping[Group, Any]) -> Values:
        return [values[group] for group in self.order]

    def _groups(self, chunk: filters.Chunk) -> Iterable[Group]:
        columns = [self.table[name].take(chunk) for name in self.keys]
        return columns[0] if len(columns) == 1 else zip(*columns, strict=True)

    def _parts(self, group: Group) -> tuple[int, ...]:
        return (group,) if len(self.keys) == 1 else group

    def _place(self, name: str) -> int:
        base = name.removesuffix("AsDate")
        for candidate in (name, base):
            if candidate in self.keys:
                return self.keys.index(candidate)
        raise GraphQLError(f"The column '{name}' must be part of groupBy or of an aggregate.")

    def _sort_key(self, group: Group) -> tuple[tuple[bool, Any], ...]:
        parts = zip(self.keys, self._parts(group), strict=True)
        return tuple(nulls_first(self.table[name].plain(value)) for name, value in parts)


def _quotient(column: Column, total: int, count: int) -> str:
    """An average: whole for Int columns as the database has it, with six decimals for amounts."""
    return f"{Decimal(total) / count / 100:.6f}" if isinstance(column, Amount) else str(int(Decimal(total) / count))
