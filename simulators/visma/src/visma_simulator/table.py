"""A table: rows in primary-key order, stored by column, with the places where each partition's rows lie."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise, starmap
from typing import Any

from visma_simulator import scalars
from visma_simulator.columns import Amount, Column, Day, DayOfMoment, Members, Moment, MomentPart, Numeral, Texts, Unset, Whole, Wording
from visma_simulator.schema import TableShape

FIRST_TIMESTAMP = scalars.instant("2024-10-09")  # rows not touched since then have no timestamps
CLOSED = 4
FLAGS = {1: "ExemptFromAccrual", 2: "PhysicalBalance", CLOSED: "Closed"}
ORIGINS = {0: "ManuallyEntered", 1: "Invoicing", 2: "Payroll", 3: "Automatic"}
NUMERALS = frozenset({"invoiceNo"})
PARTS = {"Date": "%Y%m%d", "Time": "%H%M"}


class Table:
    """Rows of one shape. `data` gives stored values by column name (see columns.py); a column that is not given is 0 in all rows.

    `created` and `changed` in `data` hold microseconds since 1970 and feed all utility columns. Rows must come in key order.
    """

    def __init__(self, shape: TableShape, data: Mapping[str, Sequence[int]], texts: Texts) -> None:
        self.shape, self._texts = shape, texts
        self._data: dict[str, Sequence[int]] = dict(data)
        self._runs: dict[tuple[int, ...], list[range]] | None = None
        self._starts: list[int] | None = None
        self._refresh()

    def __len__(self) -> int:
        return len(self._data[self.shape.key[0]])

    def __getitem__(self, column: str) -> Column:
        return self._columns[column]

    def runs(self) -> dict[tuple[int, ...], list[range]]:
        """For each value of the partition columns the ranges of rows that hold it."""
        if self._runs is None:
            runs: dict[tuple[int, ...], list[range]] = {}
            start = 0
            for value, rows in groupby(zip(*(self._data[name] for name in self.shape.partition), strict=True)):
                stop = start + sum(1 for _ in rows)
                runs.setdefault(value, []).append(range(start, stop))
                start = stop
            self._runs = runs
        return self._runs

    def alike(self, rows: range) -> Iterator[range]:
        """The rows in ranges that hold one value of the partition columns each."""
        if self._starts is None:
            self._starts = sorted(run.start for runs in self.runs().values() for run in runs)
        first, last = bisect_right(self._starts, rows.start), bisect_left(self._starts, rows.stop)
        return starmap(range, pairwise((rows.start, *self._starts[first:last], rows.stop)))

    def window(self, low: int | None, high: int | None) -> range:
        """The rows whose first key column, a number, lies between two bounds, both included."""
        keys = self._data[self.shape.key[0]]
        return range(0 if low is None else bisect_left(keys, low), len(self) if high is None else bisect_right(keys, high))

    def find(self, key: Mapping[str, Any]) -> int:
        """The row with this primary key; KeyError when there is none."""
        wanted = self._plain({name: self[name].stored(key[name]) for name in self.shape.key})
        row = self._place(wanted)
        if row == len(self) or self._key(row) != wanted:
            raise KeyError(f"{self.shape.name} has no row {dict(key)}")
        return row

    def insert(self, values: Mapping[str, Any], now: int) -> None:
        """A new row; columns that are not given are 0 or empty."""
        stored = self._stored(values) | {"created": now, "changed": now}
        row = self._place(self._plain(stored))
        for name in list(self._data):
            self._array(name).insert(row, stored.get(name, 0))
        self._refresh()

    def change(self, row: int, values: Mapping[str, Any], now: int) -> None:
        for name, value in (self._stored(values) | {"changed": now}).items():
            self._array(name)[row] = value
        self._refresh()

    def delete(self, row: int) -> None:
        for name in list(self._data):
            del self._array(name)[row]
        self._refresh()

    def _stored(self, values: Mapping[str, Any]) -> dict[str, int]:
        if derived := set(values) - set(self._data):
            raise KeyError(f"{self.shape.name} does not store {', '.join(sorted(derived))}")
        return {name: self[name].stored(value) for name, value in values.items()}

    def _array(self, name: str) -> "array[int]":
        data = self._data[name]
        if not isinstance(data, array):
            data = self._data[name] = array("q", data)
        return data

    def _place(self, key: tuple[Any, ...]) -> int:
        return bisect_left(range(len(self)), key, key=self._key)

    def _key(self, row: int) -> tuple[Any, ...]:
        return self._plain({name: self._data[name][row] for name in self.shape.key})

    def _plain(self, stored: Mapping[str, int]) -> tuple[Any, ...]:
        """The key as it is sorted: a text is stored as a number that says nothing of its place."""
        return tuple(self[name].plain(stored[name]) for name in self.shape.key)

    def _refresh(self) -> None:
        """Columns are views on the data: made anew when the data changed."""
        self._runs = self._starts = None
        self._columns = {name: self._column(name, scalar) for name, scalar in self.shape.columns.items()}

    def _column(self, name: str, scalar: str) -> Column:
        if name.endswith(("AsDate", "AsEnum", "Flags")):
            return self._twin(name)
        if name.startswith(("created", "changed")) and not name.endswith("User"):
            moment, part = self._moments(name[:7]), name[7:]
            if part in PARTS:
                return MomentPart(moment, PARTS[part])
            return Moment(moment, FIRST_TIMESTAMP if part == "Timestamp" else 1)
        data = self._data.setdefault(name, Unset(len(self)))
        if scalar == "String":
            return Numeral(data) if name in NUMERALS else Wording(data, self._texts)
        return Amount(data) if scalar == "Decimal" else Whole(data)

    def _twin(self, name: str) -> Column:
        if name.endswith("Flags"):
            return Members(self._data.setdefault(name.removesuffix("Flags"), Unset(len(self))), FLAGS, bits=True)
        if name.endswith("AsEnum"):
            return Members(self._data.setdefault(name.removesuffix("AsEnum"), Unset(len(self))), ORIGINS, bits=False)
        base = name.removesuffix("AsDate")
        if base in {"createdDate", "changedDate"}:
            return DayOfMoment(self._moments(base[:7]))
        return Day(self._data.setdefault(base, Unset(len(self))))

    def _moments(self, name: str) -> Sequence[int]:
        return self._data.setdefault(name, Unset(len(self)))
