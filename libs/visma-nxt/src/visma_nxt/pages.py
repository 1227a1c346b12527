"""Rows of a table, a page at a time in key order; and sums over groups of rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from visma_nxt.answers import Answer
from visma_nxt.documents import CHANGED
from visma_nxt.errors import ServerFault
from visma_nxt.tables import Table

Row = dict[str, Any]
Key = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """`rows` are keyed by column, in key order. `last_key` is where the next page starts, None for an empty page.

    `total`, when asked for, counts the rows from this page's first one on. `has_more` compares with the total when
    there is one and otherwise says whether the page was full. A page that Visma cut short for reasons of its own
    would look like the last one: whoever needs every row compares what came with the first page's total, or has each
    page compared with its own (`checked_whole`).

    `newest` is when the newest of all rows was written, asked for with the first page; None when no row says so.

    `seconds` is how long Visma took for it, our own waiting left out; `size` is in bytes, unpacked.
    """

    rows: list[Row]
    last_key: Key | None
    total: int | None
    has_more: bool
    newest: str | None = None
    seconds: float = 0.0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """How many rows a group has, and when the newest of them was written (Visma's local time; None when no row says so)."""

    group: tuple[int, ...]
    rows: int
    newest: str | None


def page_in(answer: Answer, contents: Row, table: Table, *, first: int, with_total: bool, with_newest: bool = False) -> Page:
    with _known_shape(answer, table):
        connection = contents[table.name]
        rows: list[Row] = [*connection["items"]]
        for column in table.amounts:
            for row in rows:
                row[column] = _amount(row[column])
        last_key = tuple(_key_part(rows[-1][column]) for column in table.key) if rows else None
        total = int(connection["totalCount"]) if with_total else None
        newest = _newest_in(contents["newest"]) if with_newest else None
    has_more = len(rows) >= first if total is None else len(rows) < total
    return Page(rows, last_key, total, has_more, newest, answer.seconds, answer.size)


def page_of_parts(
    answer: Answer, contents: Row, table: Table, *, first_part: int, first: int, with_total: bool, with_newest: bool = False
) -> Page:
    """The parts one after the other, up to the first that fills its page: what comes after it is left for the next one."""
    rows: list[Row] = []
    total, full = 0, False
    moments: list[str | None] = []
    with _known_shape(answer, table):
        for number, part in enumerate(table.parts[first_part - 1 :], first_part):
            connection = contents[part.name]
            moments += [_newest_in(contents[f"newest{number - first_part}"])] if with_newest else []
            total += int(connection["totalCount"]) if with_total else 0
            if not full:
                rows += ({table.key[0]: number, **row} for row in connection["items"])
                full = len(connection["items"]) >= first
        last_key = tuple(_key_part(rows[-1][column]) for column in table.key) if rows else None
    has_more = len(rows) < total if with_total else full
    return Page(
        rows, last_key, total if with_total else None, has_more, max(filter(None, moments), default=None), answer.seconds, answer.size
    )


def checked_whole(answer: Answer, page: Page, *, first: int) -> Page:
    """The page, which has a total. Raises ServerFault when it lacks rows that the total counts although it had room for them."""
    if page.has_more and len(page.rows) < first:
        detail = f"a page of {len(page.rows)} rows, of which {page.total} are stated in the same answer"
        raise ServerFault(answer.call, detail, code="TRUNCATED", trace_id=answer.trace_id)
    return page


def groups_in(
    answer: Answer,
    contents: Row,
    table: Table,
    *,
    by: tuple[str, ...],
    sums: tuple[str, ...],
    with_newest: bool = False,
    part: str | None = None,
) -> list[Row]:
    """The groups of the table; `part` is what the answer calls them when it holds several."""
    groups: list[Row] = []
    with _known_shape(answer, table):
        for item in contents[part or table.name]["items"]:
            aggregates = item["aggregates"]
            [count] = aggregates["count"].values()
            amounts = {column: _amount(aggregates["sum"][column]) or Decimal(0) for column in sums}
            groups.append({column: item[column] for column in by} | amounts | {"count": count})
            if with_newest:
                [groups[-1]["newest"]] = aggregates["maximum"].values()
    return groups


def marks_in(answer: Answer, contents: Row, field: str, table: Table, *, by: tuple[str, ...]) -> list[Mark]:
    with _known_shape(answer, table):
        connection = contents[field]
        if not by:
            return [Mark((), int(connection["totalCount"]), _newest_in(connection))]
        return [
            Mark(
                tuple(item[column] for column in by),
                item["aggregates"]["count"][table.key[-1]],
                item["aggregates"]["maximum"][CHANGED],
            )
            for item in connection["items"]
        ]


def _newest_in(connection: Row) -> str | None:
    return next((row[CHANGED] for row in connection["items"]), None)


@contextmanager
def _known_shape(answer: Answer, table: Table) -> Iterator[None]:
    """Reads as if the shape were right, at the speed of plain indexing, and says so when it is not."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise answer.unexpected(f"rows of {table.name} in no known shape: {error}") from error


def _amount(value: Any) -> Decimal | None:
    """Amounts without a fraction arrive as integers; callers get one type."""
    if value is None or type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value)
    raise TypeError("an amount that is no number")


def _key_part(value: Any) -> int | str:
    if not isinstance(value, int | str):
        raise TypeError("a key without a value")
    return value
