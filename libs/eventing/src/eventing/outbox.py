"""The outbox: a state change and its events commit in one transaction; publishing is the relay's work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from eventing import crash, tracing
from eventing.sql import queries
from eventing.work import Cause, Clock, Connection, Together, Work

_OUTBOX = queries(__file__, "outbox")


def utc_now() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


class Outbox:
    """Opens units of work for one service. ``source`` is the CloudEvents source of what it publishes: ``/org-service``."""

    def __init__(self, pool: asyncpg.Pool, source: str, *, clock: Clock = utc_now) -> None:
        self.pool = pool
        self.source = source
        self.clock = clock
        self.filled = asyncio.Event()

    @asynccontextmanager
    async def work(self, cause: Cause, *, connection: Connection | None = None) -> AsyncIterator[Work]:
        """One transaction. Leaving the block writes the events and commits; an exception rolls everything back.

        With ``connection`` the work is part of a transaction that is open there.
        """
        async with self.together(connection=connection) as together:
            yield together.work(tracing.carried(cause))

    @asynccontextmanager
    async def together(self, *, connection: Connection | None = None) -> AsyncIterator[Together]:
        """One transaction for the works of several causes; otherwise as `work`."""
        async with self._connected(connection) as connected:
            async with connected.transaction():
                together = Together(connected, self.clock(), self.source)
                yield together
                written = await together.write_outbox()
                crash.point("work.written")
            crash.point("work.committed")
            if written:
                self.filled.set()
            for tell in together.tellings:
                tell()

    async def oldest(self) -> tuple[int, float]:
        """How many messages wait for the relay, and the age of the oldest in seconds."""
        row = await _OUTBOX.oldest(self.pool)
        return row["messages"], 0.0 if row["oldest"] is None else (self.clock() - row["oldest"]).total_seconds()

    @asynccontextmanager
    async def _connected(self, connection: Connection | None) -> AsyncIterator[Connection]:
        if connection is not None:
            yield connection
        else:
            async with self.pool.acquire() as acquired:
                yield acquired
