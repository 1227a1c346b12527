"""The proof by a shadow: the whole history goes through the same handlers into an empty database, which must come to be the live one.

Which records the live service has dealt with says its own inbox, seen from one snapshot: these and no others are handled again, each at the
time of its turn. So the service goes on meanwhile, and what is not committed to Kafka yet is not missed. Nothing of the shadow is
published, counted or logged; its database stays as it is until the next proof, to be looked at.
"""

import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import asyncpg
from pydantic import BaseModel, ConfigDict

from contracts.cloudevents import legible
from eventing import tracing
from eventing.history import History
from eventing.inbox import COMMAND_TOPICS, Inbox, Result
from eventing.known import known
from eventing.outbox import Outbox
from eventing.parking import is_away
from eventing.proof import StateChanged
from eventing.rebuilt import Rebuilt
from eventing.record import Record
from eventing.replay import Progress
from eventing.sql import queries
from eventing.state import digest, rows_of_one_alone, state_of
from eventing.trial import Item, in_words
from eventing.turns import Turn, Turns
from eventing.work import Connection, Together

_SHADOW = queries(__file__, "shadow")
_BATCH = 1000
_AT_ONCE = 64
_SHOWN = 1000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_WHY = "as the live service did; its answer has the reason"


class FromShadow(BaseModel):
    """The request: everything, always."""

    model_config = ConfigDict(extra="forbid")

    shadow: Literal[True]


@dataclass(frozen=True, slots=True)
class Scratch:
    """``emptied`` opens a database of the service's own for the shadow, migrated and empty; ``rebuilt`` says what must come out."""

    emptied: Callable[[], AbstractAsyncContextManager[asyncpg.Pool]]
    rebuilt: Rebuilt


async def prove_by_shadow(scratch: Scratch, inbox: Inbox, history: History, topics: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Rebuild the state and compare; the summary says how much was read, both hashes and the time it took. Raises `StateChanged`."""
    began = time.monotonic()
    async with inbox.outbox.pool.acquire() as live, live.transaction(isolation="repeatable_read", readonly=True):
        await _SHADOW.unlimited(live)  # from here on the snapshot stands: what happens later is on the topics and not in it
        ranges = await history.ranges(topics, to_the_end=True)
        async with scratch.emptied() as pool, pool.acquire() as connection:
            shadow = _Shadow(inbox, pool, connection)
            async for records in _batches(history.read_by_time(ranges)):
                await shadow.handle(records, live)
                await progress(shadow.counts())
            await shadow.finish()
            return await _compare(scratch.rebuilt, shadow, live, ranges, began)


async def _batches(records: AsyncIterator[Record]) -> AsyncIterator[list[Record]]:
    batch: list[Record] = []
    async for record in records:
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _compare(rebuilt: Rebuilt, shadow: "_Shadow", live: Connection, ranges: Any, began: float) -> dict[str, Any]:
    tables = await rebuilt.rows(live)
    one, other = await state_of(live, tables), await state_of(shadow.connection, tables)
    differing = {name: {"live": one[name]["rows"], "shadow": other[name]["rows"]} for name in tables if one[name] != other[name]}
    for name, counts in differing.items():
        if alone := await rows_of_one_alone(live, shadow.connection, tables[name]):
            counts |= {"only live": alone[0], "only shadow": alone[1]}
    late = [f"{place} begins at {first}" for place, (first, _) in ranges.items() if first]
    summary = {
        "ranges": ranges,
        "read": shadow.counts(),
        "state_live": digest(one),
        "state_shadow": digest(other),
        "tables": one,
        "tables_differing": differing,
        "messages_published": await _SHADOW.published(shadow.connection),
        "not_compared": await rebuilt.left_out(live),
        "because": rebuilt.because,
        "seconds": round(time.monotonic() - began, 1),
    }
    if late:
        summary["beginnings_gone"] = late
    if differing or shadow.failures:
        said = [_in_words(name, counts) for name, counts in differing.items()]
        if shadow.failed:
            said.append(f"{shadow.failed} records that the live service has dealt with fail in the shadow")
        if late:
            said.append(f"the history is not whole: {', '.join(late)}")
        raise StateChanged("the rebuilt state is not the live one: " + "; ".join(said), summary, shadow.failures)
    return summary


def _in_words(table: str, counts: dict[str, int]) -> str:
    rows = f"{table} has {counts['live']} rows live and {counts['shadow']} in the shadow"
    return rows + (f" ({counts['only live']} only live, {counts['only shadow']} only in the shadow)" if "only live" in counts else "")


class _Shadow(Outbox):
    """Opens units of work inside the transaction that is open on ``connection``, at the time, to the minute, of the turns in hand.

    What is published takes its number and goes nowhere.
    """

    def __init__(self, inbox: Inbox, pool: asyncpg.Pool, connection: Connection) -> None:
        super().__init__(pool, inbox.outbox.source, clock=lambda: self._now)
        self._now = _LONG_AGO
        self._inbox = Inbox(self, inbox.handlers, service=inbox.service)
        self._turns = Turns()
        self._read: Counter[str] = Counter()
        self._results: Counter[str] = Counter()
        self.connection = connection
        self.failed = 0
        self.failures: list[Item] = []

    def counts(self) -> dict[str, int]:
        """Records read, those that the live service had not dealt with, and what became of the others."""
        return {**self._read, **self._results}

    @asynccontextmanager
    async def together(self, *, connection: Connection | None = None) -> AsyncIterator[Together]:
        """A savepoint; ``connection`` can only be the shadow's own."""
        del connection
        async with self.connection.transaction():
            together = Together(self.connection, self._now, self.source)
            yield together
            await together.numbered()

    async def handle(self, records: Sequence[Record], live: Connection) -> None:
        """What of these the live service has dealt with, and whatever else has its turn by then."""
        found = await known(live, records)
        self._read.update({"read": len(records), "queued": found.counts.get("queued", 0), "not_handled": len(found.others)})
        ids = {record.place: id_ for record in found.dealt_with if (id_ := _command_id(record)) is not None}
        answers = {row["id"]: row async for row in _SHADOW.answers(live, ids=list(ids.values()))}
        places = [record.place for record in found.dealt_with]
        given_up = {row["place"] async for row in _SHADOW.given_up(live, places=places)}
        for record in found.dealt_with:
            if answer := answers.get(ids.get(record.place, "")):
                self._turns.put(record, answered=answer["handled_at"], given_up=answer["given_up"], refused=answer["refused"])
            else:
                self._turns.put(record, given_up=record.place in given_up)
        await self._take(self._turns.until(records[-1].timestamp_ms))

    async def finish(self) -> None:
        """What still waits for its turn."""
        await self._take(self._turns.until(math.inf))

    async def _take(self, turns: Iterable[Turn]) -> None:
        with tracing.silent():
            async with self.connection.transaction():
                for some in _alike(turns):
                    self._results.update(await self._results_of(some))

    async def _results_of(self, turns: Sequence[Turn]) -> list[str]:
        """Together while all goes well, else one by one."""
        try:
            if len(turns) > 1:
                return await self._handled(turns)
        except Exception as error:
            if is_away(error):
                raise
        return [await self._result(turn) for turn in turns]

    async def _result(self, turn: Turn) -> str:
        try:
            if turn.given_up:
                return await self._given_up(turn)
            (result,) = await self._handled([turn])
        except _AllowedNow:
            await self._given_up(turn)
            return "allowed_now"
        except Exception as error:
            if is_away(error):
                raise
            self.failed += 1
            if self.failed <= _SHOWN:
                self.failures.append(Item(turn.record, {"result": "failed", "error": in_words(error)}))
            return "failed"
        return result

    async def _handled(self, turns: Sequence[Turn]) -> list[str]:
        self._now = turns[-1].at
        results: list[Result] = []
        async with self.connection.transaction():
            # The live service has waited before it answered: what it had not heard of by then will not come.
            await self._inbox.handle_all([turn.record for turn in turns], results, waiting_since=_LONG_AGO)
            if any(turn.refused and result is Result.HANDLED for turn, result in zip(turns, results, strict=True)):
                raise _AllowedNow
        return [str(result) for result in results]

    async def _given_up(self, turn: Turn) -> str:
        self._now = turn.at
        return str(await self._inbox.give_up(turn.record, why=_WHY))


def _alike(turns: Iterable[Turn]) -> Iterator[list[Turn]]:
    """Some at a time that may share a transaction and a reading of the clock: of one minute, and none of them given up."""
    some: list[Turn] = []
    for turn in turns:
        if some and (len(some) == _AT_ONCE or turn.given_up or some[0].given_up or turn.at.replace(second=0, microsecond=0) > some[0].at):
            yield some
            some = []
        some.append(turn)
    if some:
        yield some


class _AllowedNow(Exception):
    """The live service has said no, because it had not heard of something yet or by rules that have changed. What was said stands."""


def _command_id(record: Record) -> str | None:
    return legible(record.headers).get("id") if record.topic in COMMAND_TOPICS else None
