"""A trial: records are run through the real inbox inside one transaction, and what each of them did is written down.

A plan is a trial that is rolled back; applying it is the same trial, committed when it turned out as planned.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from contracts.cloudevents import legible
from eventing.inbox import Inbox, Result
from eventing.outbox import Outbox
from eventing.record import Record
from eventing.sql import queries
from eventing.work import Connection, Together

_TRIAL = queries(__file__, "trial")

Effect = dict[str, Any]
"""``result``, and where it says more ``error``, ``tables`` (rows inserted, updated, deleted) and ``publishes``; plain JSON."""

LOST_RACES = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
"""The trial met live work and gave way; it may succeed when it is made again."""


class Item:
    """One record of a plan and its effect."""

    __slots__ = ("effect", "key", "offset", "partition", "subject", "topic", "type")

    def __init__(self, record: Record, effect: Effect) -> None:
        text = legible(record.headers)
        self.topic = record.topic
        self.partition = record.partition
        self.offset = record.offset
        self.key = record.key
        self.subject = text.get("subject")
        self.type = text.get("type")
        self.effect = effect

    @property
    def place(self) -> str:
        """``topic/partition/offset``."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def columns(self) -> dict[str, Any]:
        """As columns of ``eventing.operation_item``, without the effect."""
        return {name: getattr(self, name) for name in ("topic", "partition", "offset", "key", "subject", "type")}


class Trial(Outbox):
    """Opens units of work inside the transaction that is open on ``connection``, each a savepoint.

    Only a ``kept`` trial writes to the outbox: numbers taken in vain would hold up whoever publishes about the same subjects. Nothing is
    counted or logged of what is only tried.
    """

    def __init__(self, inbox: Inbox, connection: Connection, *, kept: bool) -> None:
        super().__init__(inbox.outbox.pool, inbox.outbox.source, clock=inbox.outbox.clock)
        self.inbox = Inbox(self, inbox.handlers, service=inbox.service)
        self.connection = connection
        self.kept = kept
        self._published: list[dict[str, str]] = []
        self._tellings: list[Callable[[], None]] = []

    async def begin(self) -> None:
        """Called once, before the first record."""
        await _TRIAL.limit_waiting(self.connection, lock_timeout="10s" if self.kept else "2s")

    @asynccontextmanager
    async def together(self, *, connection: Connection | None = None) -> AsyncIterator[Together]:
        """A savepoint; ``connection`` can only be the trial's own."""
        del connection
        async with self.connection.transaction():
            together = Together(self.connection, self.clock(), self.source)
            yield together
            if self.kept:
                await together.write_outbox()
        self._published += together.publishes()
        self._tellings += together.tellings

    async def effect(self, deal_with: Callable[[], Awaitable[Result]]) -> Effect:
        """What one record does; a failure of its own is rolled back and is its result."""
        before = await self._changes()
        self._published = []
        try:
            async with self.connection.transaction():
                result = await deal_with()
        except Exception as error:
            if isinstance(error, LOST_RACES) or self.connection.is_closed():
                raise
            return {"result": "failed", "error": in_words(error)}
        effect: Effect = {"result": str(result)}
        if tables := _difference(before, await self._changes()):
            effect["tables"] = tables
        if self._published:
            effect["publishes"] = self._published
        return effect

    def committed(self, outbox: Outbox) -> None:
        """The trial was kept: wake the relay, and tell what was to be told."""
        outbox.filled.set()
        for tell in self._tellings:
            tell()

    async def _changes(self) -> dict[str, dict[str, int]]:
        columns = ("inserted", "updated", "deleted")
        return {row["table_name"]: {name: row[name] for name in columns} async for row in _TRIAL.changes(self.connection)}


def in_words(error: Exception) -> str:
    """As it stands in the journal."""
    return f"{type(error).__name__}: {error}".replace("\0", "\\0")[:2000]


def _difference(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    tables = {}
    for name, counts in after.items():
        earlier = before.get(name, {})
        changed = {what: count - earlier.get(what, 0) for what, count in counts.items() if count != earlier.get(what, 0)}
        if changed:
            tables[name] = changed
    return dict(sorted(tables.items()))
