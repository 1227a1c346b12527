"""The proof that a replay changes nothing: the whole history goes past the inbox, and what it does not know is tried.

All is seen from one snapshot, taken after the group's offsets were read: what the group committed before is in it, and what happens during
the proof is not. So the service goes on meanwhile, and the state before and after can be compared to the row. Nothing is kept.
"""

import time
from collections.abc import Sequence
from typing import Any

from eventing.history import History
from eventing.inbox import Inbox
from eventing.replay import Progress, Replay, TooMany, replay
from eventing.state import digest, own_tables, state_of
from eventing.trial import Item, Trial

_SHOWN = 1000


class StateChanged(Exception):
    """The proof failed: records were found that would have an effect again. ``items`` are the first of them."""

    def __init__(self, message: str, summary: dict[str, Any], items: list[Item]) -> None:
        self.summary = summary
        self.items = items
        super().__init__(message)


async def prove(request: Replay, inbox: Inbox, history: History, topics: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Replay everything; the summary says how much was read, the state's hash and the time it took. Raises `StateChanged`."""
    began = time.monotonic()
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
            tables = await own_tables(connection)
            before = await state_of(connection, tables)
            items: list[Item] = []
            problem = ""
            try:
                items = [item async for item in replay(request, ranges, history, trial, note)]
            except TooMany as error:
                problem = str(error)
            after = await state_of(connection, tables)
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
        "seconds": round(time.monotonic() - began, 1),
    }
    if items or differing or problem:
        said = f"{len(items)} records would have an effect again: {events} new events, changed tables: {', '.join(differing) or 'none'}"
        raise StateChanged(problem or said, summary, items[:_SHOWN])
    return summary
