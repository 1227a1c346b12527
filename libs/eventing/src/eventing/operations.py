"""What operators ask for in the journal is planned, applied and proven here, by the running service itself.

One operation at a time per database: the process that carries it out holds a session lock, and what a process leaves behind when it dies is
begun again by the next, because everything an operation does commits together with its end.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog
from aiokafka.errors import KafkaError
from structlog.contextvars import bound_contextvars

from eventing import crash, metrics
from eventing.history import History
from eventing.inbox import Inbox
from eventing.kafka import KafkaAccess
from eventing.plan import Plan
from eventing.proof import StateChanged, prove
from eventing.redrive import Discard, Redrive, discard, redrive
from eventing.replay import Replay, replay
from eventing.session_lock import locked
from eventing.shadow import FromShadow, Scratch, prove_by_shadow
from eventing.sql import queries
from eventing.trial import LOST_RACES, Item, Trial

_OPERATIONS = queries(__file__, "operations")
_LOCK = 0x6A6F75726E616C  # "journal"
_TRIES = 3
_LOG = structlog.get_logger("eventing.operations")


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the journal."""

    id: UUID
    kind: str
    state: str
    request: dict[str, Any]
    requested_by: str
    why: str
    plan_hash: str | None
    summary: dict[str, Any]


class Cancelled(Exception):
    """An operator no longer wants it."""


class WorldChanged(Exception):
    """What was planned is not what would happen now."""


class Operations:
    """Run `run` as a task; cancel it to stop. ``poll`` is the pause between looks at the journal, in seconds."""

    def __init__(self, kafka: KafkaAccess, inbox: Inbox, topics: Sequence[str], scratch: Scratch, *, poll: float = 1.0) -> None:
        self._poll = poll
        self._scratch = scratch
        self._inbox = inbox
        self._pool = inbox.outbox.pool
        self._topics = topics
        self._history = History(kafka, inbox.service)

    async def run(self) -> None:
        """Carry out what is asked for until cancelled; a server that is away is waited for."""
        while True:
            try:
                if await _OPERATIONS.any_open(self._pool):
                    await self._with_lock()
            except (OSError, TimeoutError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                _LOG.warning("operations.interrupted", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(self._poll)

    async def _with_lock(self) -> None:
        async with self._pool.acquire() as guard:
            if not await locked(guard, _LOCK):
                return
            # Returning the connection to the pool releases the lock.
            while (row := await _OPERATIONS.next_open(guard)) is not None:
                columns = {**row, "request": orjson.loads(row["request"]), "summary": orjson.loads(row["summary"] or "{}")}
                operation = Operation(**columns)
                with bound_contextvars(operation=str(operation.id), operation_kind=operation.kind):
                    await self._carry_out(operation)

    async def _carry_out(self, operation: Operation) -> None:
        try:
            if operation.state == "applying":
                await self._apply(operation)
            elif not await _OPERATIONS.planning(self._pool, id=operation.id):
                return
            elif operation.kind == "prove_replay":
                await self._prove(operation)
            else:
                await self._plan(operation)
        except Cancelled:
            _LOG.info("operations.cancelled")
        except (OSError, TimeoutError, KafkaError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
            raise  # a server is away: begun again when it is back
        except Exception as error:
            _LOG.warning("operations.failed", error=str(error))
            await self._finish(operation, "failed", error=f"{type(error).__name__}: {error}")

    async def _plan(self, operation: Operation) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                plan = await self._rehearse(operation)
            except LOST_RACES:
                if attempt == _TRIES:
                    raise
            else:
                break
        async with self._pool.acquire() as connection, connection.transaction():
            await self._write_items(connection, operation, plan.items)
            if not await _OPERATIONS.planned(connection, id=operation.id, plan_hash=plan.hash, summary=_json(plan.summary())):
                raise Cancelled
            crash.point("rehearsal.written")
        crash.point("rehearsal.committed")
        _LOG.info("operations.planned", records=len(plan.items), plan_hash=plan.hash)

    async def _rehearse(self, operation: Operation) -> Plan:
        ranges = None
        if operation.kind == "replay":
            ranges = await Replay.model_validate(operation.request).ranges(self._history, self._topics)
        plan = Plan(operation.kind, operation.request, ranges)
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await self._run(operation, plan, Trial(self._inbox, connection, kept=False))
            finally:
                await transaction.rollback()
        return plan

    async def _apply(self, operation: Operation) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                plan = Plan(operation.kind, operation.request, operation.summary.get("ranges"))
                async with self._pool.acquire() as connection, connection.transaction():
                    trial = Trial(self._inbox, connection, kept=True)
                    await self._run(operation, plan, trial)
                    if plan.hash != operation.plan_hash:
                        raise WorldChanged(await self._what_changed(operation, plan))
                    await self._write_items(connection, operation, plan.items)
                    if not await _OPERATIONS.finish(connection, id=operation.id, state="done", summary=_json(plan.summary()), error=None):
                        raise Cancelled  # it has been ended elsewhere: nothing of this may be kept
                    crash.point("operation.written")
                crash.point("operation.committed")
            except LOST_RACES:
                if attempt == _TRIES:
                    raise
            else:
                trial.committed(self._inbox.outbox)
                metrics.OPERATIONS.labels(operation.kind, "done").inc()
                _LOG.warning("operations.applied", records=len(plan.items), requested_by=operation.requested_by, why=operation.why)
                return

    async def _run(self, operation: Operation, plan: Plan, trial: Trial) -> None:
        await trial.begin()
        async for item in self._items(operation, plan, trial):
            plan.items.append(item)
            if len(plan.items) % 500 == 0:
                await self._progress(operation, {**plan.read, "tried": len(plan.items)})

    def _items(self, operation: Operation, plan: Plan, trial: Trial) -> AsyncIterator[Item]:
        async def progress(read: dict[str, int]) -> None:
            plan.read = read
            await self._progress(operation, read)

        match operation.kind:
            case "redrive":
                return redrive(Redrive.model_validate(operation.request), trial)
            case "discard":
                return discard(Discard.model_validate(operation.request), trial, why=operation.why)
            case "replay":
                return replay(Replay.model_validate(operation.request), plan.ranges or {}, self._history, trial, progress)
        raise ValueError(f"there is no operation {operation.kind}")

    async def _what_changed(self, operation: Operation, plan: Plan) -> str:
        planned = [(row["place"], orjson.loads(row["effect"])) async for row in _OPERATIONS.items(self._pool, id=operation.id)]
        return plan.differences(planned)

    async def _prove(self, operation: Operation) -> None:
        async def progress(counts: dict[str, int]) -> None:
            await self._progress(operation, counts)

        try:
            if "shadow" in operation.request:
                FromShadow.model_validate(operation.request)
                summary = await prove_by_shadow(self._scratch, self._inbox, self._history, self._topics, progress)
            else:
                request = Replay.model_validate(operation.request)
                summary = await prove(request, self._inbox, self._history, self._topics, progress)
        except StateChanged as error:
            async with self._pool.acquire() as connection, connection.transaction():
                await self._write_items(connection, operation, error.items)
            await self._finish(operation, "failed", summary=error.summary, error=str(error))
        else:
            await self._finish(operation, "done", summary=summary)

    async def _progress(self, operation: Operation, counts: dict[str, int]) -> None:
        if not await _OPERATIONS.note_progress(self._pool, id=operation.id, progress=_json(counts)):
            raise Cancelled

    async def _finish(self, operation: Operation, state: str, *, summary: dict[str, Any] | None = None, error: str | None = None) -> None:
        metrics.OPERATIONS.labels(operation.kind, state).inc()
        await _OPERATIONS.finish(self._pool, id=operation.id, state=state, summary=summary and _json(summary), error=error)

    async def _write_items(self, connection: Any, operation: Operation, items: Sequence[Item]) -> None:
        await _OPERATIONS.forget_items(connection, id=operation.id)
        rows = [
            {"operation_id": operation.id, "position": position, **item.columns(), "effect": _json(item.effect)}
            for position, item in enumerate(items, 1)
        ]
        if rows:
            await _OPERATIONS.add_items(connection, rows)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
