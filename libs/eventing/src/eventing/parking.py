"""The parking place: a record that cannot be handled now waits in its key's queue, and what comes later of that key waits behind it.

The queue is in PostgreSQL, so waiting survives restarts, holds up no other key, and can be looked at. Its head is tried again with growing
pauses; past its limit it is parked for good, with a dead letter, until an operator redrives or discards it.
"""

import asyncio
import random
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from eventing import crash, deadletters, metrics
from eventing.errors import InvalidData, NotYet, Transient
from eventing.inbox import Inbox
from eventing.pause import Pauses, Tolerance
from eventing.record import Record
from eventing.sql import queries
from eventing.work import Cause, Connection, Work

_PARKING = queries(__file__, "parking")
_LOG = structlog.get_logger("eventing.parking")

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a query gets whose server died under it
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    OSError,
    TimeoutError,
)
"""PostgreSQL cannot be worked with: nothing can be said of the record itself."""


def is_away(error: BaseException) -> bool:
    """Whether the database is to blame; a query that ran into its own time limit is the handler's fault."""
    return isinstance(error, AWAY) and not isinstance(error, asyncpg.QueryCanceledError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try. ``transient`` bounds the whole wait, ``unexpected`` the number of attempts after a fault of our own."""

    first_pause: timedelta = timedelta(milliseconds=100)
    longest_pause: timedelta = timedelta(minutes=1)
    transient: timedelta = timedelta(hours=1)
    unexpected: int = 5

    def pause(self, attempts: int) -> timedelta:
        """Doubles each time, with jitter so that keys that failed together do not return together."""
        pause: timedelta = min(self.first_pause * 2.0 ** min(attempts, 30), self.longest_pause)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311


async def keys_with_queue(connection: Connection | asyncpg.Pool, keys: Iterable[tuple[str, bytes | None]]) -> set[tuple[str, bytes | None]]:
    """Which of these ``(topic, key)`` have a queue."""
    asked = list(keys)
    rows = _PARKING.parked_keys(connection, topics=[topic for topic, _ in asked], keys=[key for _, key in asked])
    return {(row["topic"], row["key"]) async for row in rows}


class Parking:
    """The queues of one service, and the loop that tries their heads again."""

    def __init__(self, inbox: Inbox, *, patience: Patience | None = None, tolerance: Tolerance | None = None) -> None:
        self._inbox = inbox
        self._outbox = inbox.outbox
        self._patience = patience or Patience()
        self.pauses = Pauses(inbox.outbox.pool, inbox.service, tolerance=tolerance)
        self._arrived = asyncio.Event()

    async def keys_with_queue(self, keys: Iterable[tuple[str, bytes | None]]) -> set[tuple[str, bytes | None]]:
        """Which of these ``(topic, key)`` must not be handled now, because something before them waits."""
        return await keys_with_queue(self._outbox.pool, keys)

    async def park_behind(self, records: Iterable[Record]) -> None:
        """Put records at the ends of their keys' queues, in this order."""
        waiting = {"state": "waiting", "reason": None, "attempts": 0, "first_failed_at": None, "next_attempt_at": self._outbox.clock()}
        await _PARKING.park(self._outbox.pool, [record.columns() | waiting for record in records])
        crash.point("parked.behind")

    async def park_failed(self, record: Record, error: Exception) -> None:
        """Start a queue with a record that has just failed."""
        cause = Cause(organization_id=UUID(int=0), correlation_id=record.place, causation_id=None)
        async with self._outbox.work(cause) as work:
            verdict = await self._judge(work, record, error, attempts=1, first_failed_at=work.now)
            await _PARKING.park(work.connection, [record.columns() | verdict])
            crash.point("parked.written")
        crash.point("parked.committed")
        self._arrived.set()
        if _is_broken(verdict, error):
            await self.pauses.note(broken=True)

    async def run(self) -> None:
        """Try due heads until cancelled."""
        while True:
            try:
                while await self._try_one():
                    pass
                await self._until_due()
            except AWAY as error:
                _LOG.warning("parking.interrupted", error=str(error))
                await asyncio.sleep(1)

    async def _until_due(self) -> None:
        self._arrived.clear()
        due = await _PARKING.next_due(self._outbox.pool)
        pause = 1.0 if due is None else max(0.02, min(1.0, (due - self._outbox.clock()).total_seconds()))
        counts = await _PARKING.counts(self._outbox.pool)
        for state in ("waiting", "parked"):
            metrics.PARKED_RECORDS.labels(state).set(counts[state])
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._arrived.wait()

    async def _try_one(self) -> bool:
        broken = False
        async with self._outbox.pool.acquire() as connection, connection.transaction():
            row = await _PARKING.claim_due(connection, now=self._outbox.clock())
            if row is None:
                return False
            record = Record.from_row(row)
            try:
                await self._inbox.handle(record, waiting_since=row["first_failed_at"], connection=connection)
            except Exception as error:
                if is_away(error):
                    raise
                broken, came = await self._postpone(connection, row, record, error), "put_off"
            else:
                await _PARKING.release(connection, id=row["id"])
                came = "over"
            crash.point("retry.written", came)
        crash.point("retry.committed", came)
        self._outbox.filled.set()
        if broken:
            await self.pauses.note(broken=True)
        return True

    async def _postpone(self, connection: asyncpg.pool.PoolConnectionProxy, row: asyncpg.Record, record: Record, error: Exception) -> bool:
        """True when the record is parked for a fault of ours."""
        cause = Cause(organization_id=UUID(int=0), correlation_id=record.place, causation_id=None)
        async with self._outbox.work(cause, connection=connection) as work:
            verdict = await self._judge(
                work, record, error, attempts=row["attempts"] + 1, first_failed_at=row["first_failed_at"] or work.now
            )
            await _PARKING.postpone(connection, id=row["id"], **verdict)
        return _is_broken(verdict, error)

    async def _judge(self, work: Work, record: Record, error: Exception, *, attempts: int, first_failed_at: datetime) -> dict[str, object]:
        reason = f"{type(error).__name__}: {error}".replace("\0", "\\0")
        if isinstance(error, InvalidData):
            for_good = True
        elif isinstance(error, Transient):
            for_good = work.now - first_failed_at >= self._patience.transient
        else:
            for_good = attempts >= self._patience.unexpected
            _LOG.error("parking.handler_failed", place=record.place, attempts=attempts, exc_info=error)
        if for_good:
            await deadletters.copy(work, record, service=self._inbox.service, reason="parked", error=reason)
        if not isinstance(error, NotYet):
            _LOG.warning("parking.parked" if for_good else "parking.waits", place=record.place, reason=reason, attempts=attempts)
        return {
            "state": "parked" if for_good else "waiting",
            "reason": reason,
            "attempts": attempts,
            "first_failed_at": first_failed_at,
            "next_attempt_at": self._next_attempt(work.now, attempts, first_failed_at, error),
        }

    def _next_attempt(self, now: datetime, attempts: int, first_failed_at: datetime, error: Exception) -> datetime:
        next_attempt = now + self._patience.pause(attempts)
        if isinstance(error, NotYet) and now < first_failed_at + error.within:
            return min(next_attempt, first_failed_at + error.within)  # somebody waits for the refusal: not longer than promised
        return next_attempt


def _is_broken(verdict: Mapping[str, object], error: Exception) -> bool:
    return verdict["state"] == "parked" and not isinstance(error, Transient)
