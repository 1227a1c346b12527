"""One table connection: arguments in, JSON text out. Pages run over the rows in key order unless another order is asked for."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from graphql import FieldNode, GraphQLError

from visma_simulator import filters, grouping, rows
from visma_simulator.columns import Column, nulls_first, quoted
from visma_simulator.documents import Operation
from visma_simulator.table import Table


@dataclass(frozen=True, slots=True)
class Answered:
    """The JSON text of a connection and how many items it carries."""

    text: str
    rows: int


@dataclass(frozen=True, slots=True)
class Page:
    rows: filters.Chunk
    start: int
    has_next: bool

    def info(self) -> dict[str, str]:
        last = self.start + len(self.rows) - 1
        return {
            "hasNextPage": _boolean(self.has_next),
            "hasPreviousPage": _boolean(self.start > 0),
            "startCursor": _cursor(self.start) if self.rows else "null",
            "endCursor": _cursor(last) if self.rows else "null",
        }


def answer(table: Table, operation: Operation, nodes: Sequence[FieldNode]) -> Answered:
    """Execute one table field. Raises GraphQLError, which the caller turns into null with an error."""
    arguments = operation.arguments("Query_UseCompany", nodes[0])
    for name in ("first", "last", "skip"):
        if arguments.get(name) is not None and arguments[name] < 1:
            raise GraphQLError(f"The argument '{name}' must be a positive integer.")
    where = filters.read(arguments.get("filter"))
    row_type = table.shape.name
    connection = f"Query_UseCompany_{row_type}_Connection"
    selected = operation.fields(connection, nodes)
    item_nodes = [node for found in selected.values() for node in found if node.name.value == "items"]
    if arguments.get("groupBy"):
        keys = [column for element in arguments["groupBy"] for column in element or ()]
        groups = grouping.Grouping(table, where, keys)
        page: Page | None = None
        total: int | None = len(groups.order)
        source: rows.Source = groups.written
        groups.sort(_ordering(arguments))
        del groups.order[arguments.get("first") or total :]  # paging does not work here, but `first` caps the groups
        count = len(groups.order)
    else:
        page, total = _page(table, where, arguments, count_all=any(found[0].name.value == "totalCount" for found in selected.values()))
        count = len(page.rows)
        source = _columns_of(table, page.rows)
    parts = {}
    for name, found in selected.items():
        match found[0].name.value:
            case "totalCount":
                parts[name] = str(total)
            case "items":
                parts[name] = rows.items(operation, row_type, found, source, count)
            case "pageInfo":
                parts[name] = _page_info(operation, found, page)
            case _:
                parts[name] = quoted(connection)
    return Answered(rows.object_of(parts), count if item_nodes else 0)


def _ordering(arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """orderBy as pairs of column and direction; a list element that names several columns counts from left to right."""
    return [pair for element in arguments.get("orderBy") or () if element for pair in element.items()]


def _page(table: Table, where: filters.All, arguments: Mapping[str, Any], *, count_all: bool) -> tuple[Page, int | None]:
    ordering = _ordering(arguments)
    first, last, skip = arguments.get("first"), arguments.get("last"), arguments.get("skip") or 0
    start = _position(arguments["after"]) + 1 if arguments.get("after") else 0
    stop = _position(arguments["before"]) if arguments.get("before") else None
    in_key_order = [(name, "ASC") for name in table.shape.key][: len(ordering)] == ordering
    if in_key_order and stop is None and (first is not None or last is None):
        start += skip
        end = None if first is None else start + first + 1
        found = list(islice(chain.from_iterable(filters.matching(table, where)), start, end))
        total = sum(map(len, filters.matching(table, where))) if count_all else None
        return Page(_as_range(found[:first]), start, first is not None and len(found) > first), total
    ordered = _ordered(table, where, ordering)
    total, stop = len(ordered), min(len(ordered) if stop is None else stop, len(ordered))
    if first is None and last is not None:
        stop = max(stop - skip, start)
        start = max(start, stop - last)
    else:
        start += skip
        stop = stop if first is None else min(stop, start + first)
    return Page(ordered[start:stop], start, stop < total), total


def _as_range(found: list[int]) -> filters.Chunk:
    """Rows in key order, as a range when none is missing between them: columns are then cut out instead of picked row by row."""
    return range(found[0], found[-1] + 1) if found and found[-1] - found[0] == len(found) - 1 else found


def _ordered(table: Table, where: filters.All, ordering: Sequence[tuple[str, Any]]) -> list[int]:
    found = list(chain.from_iterable(filters.matching(table, where)))
    for name, direction in reversed(ordering):
        if name == "_sum":
            raise GraphQLError("Sorting on _sum needs groupBy.")
        found.sort(key=_sort_key(table[name]), reverse=direction == "DESC")
    return found


def _sort_key(column: Column) -> Callable[[int], tuple[bool, Any]]:
    return lambda row: nulls_first(column.plain(column.data[row]))


def _columns_of(table: Table, page: filters.Chunk) -> rows.Source:
    def source(path: str, name: str) -> rows.Written:
        if path:  # aggregates exist in grouped answers alone
            return ["null"] * len(page)
        column = table[name]
        return column.written(column.take(page))

    return source


def _page_info(operation: Operation, nodes: Sequence[FieldNode], page: Page | None) -> str:
    """Paging does not work with groupBy: no page, no information."""
    if page is None:
        return "null"
    info = page.info() | {"__typename": '"PageInfo"'}
    return rows.object_of((name, info[found[0].name.value]) for name, found in operation.fields("PageInfo", nodes).items())


def _cursor(position: int) -> str:
    return quoted(base64.b64encode(f"row:{position}".encode()).decode())


def _position(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("row:"))
    except (ValueError, binascii.Error) as problem:
        raise GraphQLError(f"The cursor '{cursor}' is not valid.") from problem


def _boolean(value: bool) -> str:
    return "true" if value else "false"
