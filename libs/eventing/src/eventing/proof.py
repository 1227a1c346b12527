"""The proof that a replay changes nothing: the whole history goes past the inbox, and what it does not know is tried.

All is seen from one snapshot, taken after the group's offsets were read: what the group committed before is in it, and what happens during
the proof is not. So the service goes on meanwhile, and the state before and after can be compared to the row. Nothing is kept.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import asyncpg

from eventing.history import History
from eventing.inbox import Inbox
from eventing.replay import Progress, Replay, TooMany, replay
from eventing.sql import queries
from eventing.trial import Item, Trial

_STATE = queries(__file__, "state")
_SHOWN = 1000


class StateChanged(Exception):
    """The proof failed: records were found that would have an effect again. ``items`` are the first of them."""

    def __init__(self, message: str, summary: dict[str, Any], items: list[Item]) -> None:
        self.summary = summary
        self.items = items
        super().__init__(message)


async def prove(request: Replay, inbox: Inbox, history: History, topics: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Replay everything; the summary says how much was read, and the state's hash. Raises `StateChanged`."""
    ranges = await request.ranges(history, topics)
    read: dict[str, int] = {}

    async def note(counts: dict[str, int]) -> None:
        read.update(counts)
        await progress(counts)

    async with inbox.outbox.pool.acquire() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        try:
            trial = Trial(inbox, connection, kept=False)
            await trial.begin()
            before = await state_of(connection)
            items: list[Item] = []
            problem = ""
            try:
                items = [item async for item in replay(request, ranges, history, trial, note)]
            except TooMany as error:
                problem = str(error)
            after = await state_of(connection)
        finally:
            await transaction.rollback()
    events = sum(len(item.effect.get("publishes", ())) for item in items)
    differing = sorted(table for table in before if before[table] != after[table])
    summary = {
        "ranges": ranges,
        "read": read,
        "state_before": digest(before),
        "state_after": digest(after),
        "tables": after,
        "tables_changed": differing,
        "new_events": events,
    }
    if items or differing or problem:
        said = f"{len(items)} records would have an effect again: {events} new events, changed tables: {', '.join(differing) or 'none'}"
        raise StateChanged(problem or said, summary, items[:_SHOWN])
    return summary


async def state_of(connection: "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy") -> dict[str, dict[str, Any]]:
    """Each of the service's own tables: how many rows, and a hash over them that does not depend on their order."""
    found: dict[str, dict[str, Any]] = {}
    await _STATE.see_everything(connection)
    async for row in _STATE.tables(connection):
        schema, table = (name.replace('"', '""') for name in (row["schema_name"], row["table_name"]))
        # Two sums of 64-bit hashes: rows need no sorting, so that memory stays flat whatever the table's size.
        counted = await connection.fetchrow(
            "SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS one,"  # noqa: S608
            f' coalesce(sum(hashtextextended(t::text, 1)::numeric), 0)::text AS two FROM "{schema}"."{table}" t'
        )
        assert counted is not None  # noqa: S101 - an aggregate always gives a row
        hashed = hashlib.sha256(f"{counted['rows']} {counted['one']} {counted['two']}".encode()).hexdigest()
        found[f"{row['schema_name']}.{row['table_name']}"] = {"rows": counted["rows"], "hash": hashed[:16]}
    return found


def digest(state: dict[str, dict[str, Any]]) -> str:
    """One hash for all tables."""
    lines = [f"{table} {counted['rows']} {counted['hash']}" for table, counted in sorted(state.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
