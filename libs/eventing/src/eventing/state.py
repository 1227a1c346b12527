"""A database's state as counts and hashes: two that are equal hold the same rows, in whatever order.

A hash finds accidents, not forgeries: it is two sums of 64-bit hashes of rows, so that nothing is sorted and memory stays flat whatever the
size of a table.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from eventing.sql import queries
from eventing.work import Connection

_STATE = queries(__file__, "state")
_SIDE_BY_SIDE = 100_000

Rows = Mapping[str, str]
"""Tables by name, each with the query that gives what of its rows counts, as one column ``r``."""

State = dict[str, dict[str, Any]]
"""``rows`` and ``hash`` of each table."""


async def own_tables(connection: Connection) -> dict[str, str]:
    """The service's own tables with all that is in them."""
    names = [(row["schema_name"], row["table_name"]) async for row in _STATE.tables(connection)]
    return {f"{schema}.{table}": f"SELECT t AS r FROM {quoted(schema, table)} t" for schema, table in names}  # noqa: S608


async def state_of(connection: Connection, tables: Rows) -> State:
    """Each table: how many rows, and a hash over them that does not depend on their order."""
    await _STATE.see_everything(connection)
    found: State = {}
    for name, rows in tables.items():
        counted = await connection.fetchrow(
            "SELECT count(*) AS rows, coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)::text AS one,"  # noqa: S608
            f" coalesce(sum(hashtextextended(r::text, 1)::numeric), 0)::text AS two FROM ({rows}) AS compared"
        )
        assert counted is not None  # noqa: S101 - an aggregate always gives a row
        hashed = hashlib.sha256(f"{counted['rows']} {counted['one']} {counted['two']}".encode()).hexdigest()
        found[name] = {"rows": counted["rows"], "hash": hashed[:16]}
    return found


async def rows_of_one_alone(one: Connection, other: Connection, rows: str) -> tuple[int, int] | None:
    """How many rows of a table each of two databases has alone; None for tables too large to be laid side by side."""
    query = f"SELECT hashtextextended(r::text, 0) AS hash FROM ({rows}) AS compared LIMIT {_SIDE_BY_SIDE + 1}"  # noqa: S608
    here, there = [Counter(row["hash"] for row in await connection.fetch(query)) for connection in (one, other)]
    if max(here.total(), there.total()) > _SIDE_BY_SIDE:
        return None
    return (here - there).total(), (there - here).total()


def digest(state: State) -> str:
    """One hash for all tables."""
    lines = [f"{table} {counted['rows']} {counted['hash']}" for table, counted in sorted(state.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def quoted(*names: str) -> str:
    """A name as SQL writes it."""
    return ".".join('"{}"'.format(name.replace('"', '""')) for name in names)
