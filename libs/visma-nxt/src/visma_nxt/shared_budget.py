"""One budget for every process that uses the same client key, kept in PostgreSQL.

Turns are given out in blocks, one short transaction for as many as a process has use for (`pace` decides). They belong to a moment and
are worth nothing a quarter of a second later, so a process that dies or stalls gives nothing back and takes nothing with it. Before a
request leaves it takes one of its company's numbered places, which also tells it whether Visma has asked anybody to stop. While the
database is away nothing leaves and nothing fails.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID, uuid4

import aiosql
import asyncpg
import structlog

from visma_nxt.budget import Held
from visma_nxt.lanes import Lane, current_lane, in_lane
from visma_nxt.pace import Ask, Grant, Pace
from visma_nxt.settings import VismaSettings
from visma_nxt.transport import Abandoned

AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Whatever is wrong with the database: no company's retrieval is to blame, so everything waits and the log says why."""

PATIENCE_SECONDS: Final = 5.0
"""With one statement or one connection. Nothing here takes a hundredth of that when the server is well."""

AWAY_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 15.0
CROWDED_PAUSE_SECONDS: Final = 0.1
LEAK_MINUTES: Final = 30
"""So long Visma counts a request whose asker went away without waiting for the answer."""

_SQL: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)
_PACE = [field.name for field in fields(Pace)]
Change = Callable[..., Pace]
"""Pace, the server's time, and our own times right before and after it was told."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to send one request between two moments of this process's monotonic clock."""

    opens_at: float
    ends_at: float
    lane: Lane


class SharedBudget:
    """One per process. Use it as an async context manager; `settings.budget` must be given, and its database migrated."""

    def __init__(self, settings: VismaSettings) -> None:
        if settings.budget is None:
            raise ValueError("a shared budget needs settings.budget")
        self._dsn = settings.budget.dsn.get_secret_value()
        self._client_id = settings.client_id
        self._rule = settings.rule
        self._places = settings.concurrent_requests_per_company
        self._leak_seconds = LEAK_MINUTES * self._rule.minute
        self._turns: deque[Turn] = deque()
        self._lost: deque[Turn] = deque()
        self._asking = asyncio.Lock()
        self._waiting = self._refusals = self._answers = self._troubles = 0
        self._lead = self._stopped_until = 0.0
        self._went_first = False
        self._to_leave: set[UUID] = set()
        self._held: ContextVar[list[Turn] | None] = ContextVar("visma_turn", default=None)

    async def __aenter__(self) -> Self:
        self._pool = asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=4,
            timeout=PATIENCE_SECONDS,
            command_timeout=PATIENCE_SECONDS,
            reset=_as_it_is,
            # A process that hangs with the pace locked must not hold up the others.
            # What is kept here is worth nothing by the time a server that crashed is back, so nothing waits for the disk.
            server_settings={
                "application_name": "visma-budget",
                "timezone": "UTC",
                "idle_in_transaction_session_timeout": "1000",
                "synchronous_commit": "off",
            },
        )
        await self._pool
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._pool.close()
        except AWAY:
            self._pool.terminate()

    async def ask(self, lane: Lane, wanted: int) -> Turn | float:
        """A turn to be used at once, or the seconds after which to ask again. `wanted` is how many the caller could use soon."""
        found = await self._asked(lane, wanted)
        self._went_first &= isinstance(found, float)
        return found

    async def _asked(self, lane: Lane, wanted: int) -> Turn | float:
        async with self._asking:
            if not self._unspent() and (wait := await self._take(lane, wanted)) > 0:
                return wait
            if not self._unspent():
                return 0.0  # it took too long to hear of them; the next ones are asked for with that in mind
            wait = self._turns[0].opens_at - time.monotonic()
            return self._turns.popleft() if wait <= 0 else wait

    def in_hand(self) -> Turn | None:
        """A turn that was given before and has come."""
        if not self._unspent() or self._turns[0].opens_at > time.monotonic():
            return None
        self._went_first = False
        return self._turns.popleft()

    def give_back(self, turn: Turn) -> None:
        """A turn that was not used; somebody else in this process may have use for it."""
        self._turns.appendleft(turn)

    @contextmanager
    def spending(self, turn: Turn) -> Iterator[None]:
        """The first request sent inside uses this turn; all of them go in its lane."""
        held = [turn]
        token = self._held.set(held)
        try:
            with in_lane(turn.lane):
                yield
        finally:
            self._held.reset(token)
            for unused in held:
                self.give_back(unused)

    @asynccontextmanager
    async def passage(self, scope: str, patience: float) -> AsyncIterator[None]:
        """See `Budget`."""
        holder = await self._enter(scope, time.monotonic() + patience)
        try:
            yield
        except (asyncio.CancelledError, Abandoned):
            raise  # the place stays taken for as long as Visma counts the request
        except BaseException:
            await self._leave(holder)
            raise
        await self._leave(holder)

    async def stop(self, seconds: float | None) -> None:
        """See `Budget`."""
        self._turns.clear()
        while not await self._change(lambda pace, now, *_: pace.stop(self._rule, seconds, now)):  # noqa: ASYNC110 - the database is away
            await asyncio.sleep(AWAY_PAUSE_SECONDS)
        log.warning("visma.budget_stopped", client_id=self._client_id, seconds=seconds)

    def learn(self, *, troubled: bool) -> None:
        """See `Budget`. Told to the others when turns are asked for next."""
        self._answers += 1
        self._troubles += troubled

    def _unspent(self) -> bool:
        while self._turns and self._turns[0].ends_at <= time.monotonic():
            self._lost.append(self._turns.popleft())
        return bool(self._turns)

    def _lost_until(self, moment: float) -> bool:
        """Whether a turn passed unused not long before; older ones are forgotten."""
        while self._lost and self._lost[0].ends_at - self._rule.jitter / 2 < moment - self._rule.regain:
            self._lost.popleft()
        return bool(self._lost)

    async def _turn(self, deadline: float) -> Turn:
        held = self._held.get()
        if held:
            if held[0].ends_at > time.monotonic():
                return held.pop()
            self._lost.append(held.pop())
        self._waiting += 1
        try:
            while (turn := self._first()) is None:
                found = await self._asked(current_lane(), self._waiting)
                if isinstance(found, Turn):
                    return found
                if self._stopped_until > deadline:
                    raise Held(self._stopped_until - time.monotonic())
                await asyncio.sleep(0 if self._turns and not self._went_first else found)
        finally:
            self._waiting -= 1
        await asyncio.sleep(max(0.0, turn.opens_at - time.monotonic()))
        return turn

    def _first(self) -> Turn | None:
        """The next turn that comes, for work that is under way: it goes before work that has not begun, though not twice in a row."""
        if self._went_first or not self._unspent():
            return None
        self._went_first = True
        return self._turns.popleft()

    async def _enter(self, scope: str, deadline: float) -> UUID:
        pause = CROWDED_PAUSE_SECONDS
        while True:
            turn, holder = await self._turn(deadline), uuid4()
            try:
                found = await _SQL.enter(
                    self._pool, client_id=self._client_id, scope=scope, places=self._places, holder=holder, seconds=self._leak_seconds
                )
            except AWAY as error:
                self._to_leave.add(holder)  # whether it was taken is not known
                self._say_away(error)
                await asyncio.sleep(AWAY_PAUSE_SECONDS)
                continue
            if found["taken"]:
                if time.monotonic() < turn.ends_at:
                    return holder
                self._lost.append(turn)  # the answer of the database took longer than it lasts
                await self._leave(holder)
            elif found["stopped"] > 0:
                self._turns.clear()
            else:
                self.give_back(turn)
                if not found["free"]:
                    if time.monotonic() >= deadline:
                        raise Held(None)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, 1.0)

    async def _leave(self, holder: UUID) -> None:
        """Free the place. When the database is away, that is done with the next one."""
        self._to_leave.add(holder)
        leaving = list(self._to_leave)
        try:
            await _SQL.leave(self._pool, client_id=self._client_id, holders=leaving)
        except AWAY as error:
            self._say_away(error)
        else:
            self._to_leave.difference_update(leaving)

    async def _take(self, lane: Lane, wanted: int) -> float:
        """Turns into `_turns`; gives the seconds to wait when there are none."""
        ask = Ask(lane=lane, wanted=wanted, lead=self._lead, refusals=self._refusals, answers=self._answers, troubles=self._troubles)
        granted, asked, heard = Grant((), 0.0, 0.0), 0.0, 0.0

        def grant(pace: Pace, now: float, *between: float) -> Pace:
            nonlocal granted, asked, heard
            asked, heard = between
            pace, granted = pace.grant(self._rule, replace(ask, lost=self._lost_until(heard + ask.lead)), now)
            return pace

        began = time.monotonic()
        if not await self._change(grant):
            return AWAY_PAUSE_SECONDS
        self._lead = time.monotonic() - began
        self._answers -= ask.answers
        self._troubles -= ask.troubles
        # The server said what time it was between our asking and our hearing of it: a turn opens when it surely has come, and ends
        # before it can be half a jitter old.
        self._turns.extend(Turn(heard + after, asked + after + self._rule.jitter / 2, lane) for after, lane in granted.turns)
        if granted.regained:
            self._lost.popleft()
        self._stopped_until = heard + granted.stopped_for
        self._refusals = 0 if granted.turns else self._refusals + 1
        return min(granted.ask_again_after, LONGEST_PAUSE_SECONDS)

    async def _change(self, change: Change) -> bool:
        """Change the pace in one short transaction; False when the database is away."""
        try:
            async with self._pool.acquire(timeout=PATIENCE_SECONDS) as connection, connection.transaction():
                asked = time.monotonic()
                row = await _SQL.pace(connection, client_id=self._client_id)
                if row is None:
                    await _SQL.introduce(connection, client_id=self._client_id)
                    row = await _SQL.pace(connection, client_id=self._client_id)
                found = dict(row)
                pace = change(Pace(**{name: found[name] for name in _PACE}), found["now"], asked, time.monotonic())
                await _SQL.save(connection, client_id=self._client_id, **asdict(pace))
        except AWAY as error:
            self._say_away(error)
            return False
        return True

    @staticmethod
    def _say_away(error: BaseException) -> None:
        log.warning("visma.budget_away", error=f"{type(error).__name__}: {error}")


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """Nothing here outlasts its transaction, so a connection that comes back needs no reset, which would be one more round trip."""
