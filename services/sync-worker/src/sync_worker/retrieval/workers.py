"""The workers: each claims an item, takes one step with it, gives it back, and claims again.

Where requests are rationed a worker first gets its turn to ask and then looks for whom to ask: the turn goes to whoever needs it most at
that moment, and nobody holds an item while waiting for a turn.

A step is one request to the source and one transaction, so nobody waits long for a worker, and a process killed at any line loses one
request; only what somebody waits to see is read to its end in one step (`page`). Leases are short and renewed while a step lasts, however
long the source takes to answer; what a dead process held is taken up by the others when its leases run out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog

from eventing import crash, tracing
from eventing.outbox import Outbox
from eventing.parking import is_away
from sync_worker import metrics
from sync_worker.domain.plan import Source
from sync_worker.retrieval import setbacks
from sync_worker.retrieval.troubles import trouble_of
from sync_worker.settings import RetrievalSettings
from sync_worker.store import taking_up, work_items
from sync_worker.store.work_items import LeaseLost, WorkItem
from visma_nxt import Lane, SharedBudget, Turn

Step = Callable[[WorkItem], Awaitable[None]]
_LOG = structlog.get_logger("sync_worker.workers")
LOST_RACES = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError)


class Workers:
    """The workers of one source in this process. Run `run` as a task; cancel it to stop."""

    def __init__(
        self,
        source: Source,
        step: Step,
        outbox: Outbox,
        settings: RetrievalSettings,
        *,
        side_by_side: int,
        budget: SharedBudget | None = None,
    ) -> None:
        """`budget` is what rations the requests of the source, if anything does."""
        self._source = source
        self._step = step
        self._outbox = outbox
        self._settings = settings
        self._side_by_side = side_by_side
        self._budget = budget
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._held: set[UUID] = set()
        self._asking = asyncio.Lock()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is, or in a moment there will be, new work."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._renew_leases())
                group.create_task(self._bring_back())
                for _ in range(self._side_by_side):
                    group.create_task(self._work())
        finally:
            with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with asyncio.timeout(2):
                    await work_items.release(self._outbox, self._held)

    async def _work(self) -> None:
        while True:
            item, turn = await self._next()
            self._held.add(item.token)
            crash.point("item.claimed")
            try:
                spending = self._budget.spending(turn) if self._budget and turn else nullcontext()
                with spending, tracing.later(item.cause, f"retrieve {item.data_set}", _shown(item)):
                    await self._take_step(item)
            except LeaseLost:
                metrics.LEASES_LOST.inc()
            except Exception as error:
                # The database is away, or two transactions collided: nothing can be said of the item, its lease runs out.
                if not is_away(error) and not isinstance(error, LOST_RACES):
                    _LOG.exception("workers.step_not_recorded", item=item.id, company_id=str(item.company.company_id))
                else:
                    _LOG.warning("workers.step_lost", item=item.id, error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(self._settings.poll_seconds)
            self._held.discard(item.token)

    async def _take_step(self, item: WorkItem) -> None:
        try:
            await self._step(item)
        except LeaseLost:
            raise
        except Exception as error:
            if is_away(error) or isinstance(error, LOST_RACES):
                raise
            trouble = trouble_of(error, item.data_set, known=item.known)
            tracing.failed(trouble.reason)
            log = _LOG.exception if trouble.reason.startswith("internal_error") else _LOG.warning
            log(
                "workers.step_failed",
                company_id=str(item.company.company_id),
                data_set=item.data_set,
                period=item.period and item.period.label,
                reason=trouble.reason,
                message=trouble.message,
            )
            await setbacks.record(self._outbox, item, trouble, self._settings.patience)

    async def _next(self) -> tuple[WorkItem, Turn | None]:
        """Wait for the next item and the turn to ask. One worker does at a time: quickly after news, ever slower while nothing comes."""
        async with self._asking:
            pause = 0.005
            while True:
                try:
                    found = await self._try_next()
                except Exception as error:
                    if not is_away(error) and not isinstance(error, LOST_RACES):
                        raise
                    _LOG.warning("workers.queue_away", error=f"{type(error).__name__}: {error}")
                    found = 1.0
                if isinstance(found, tuple):
                    return found
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause if found is None else found):
                        await self._woken.wait()
                        # The news comes a moment before its transaction commits, so it is asked for again at short intervals.
                        self._woken.clear()
                        pause = 0.005
                pause = min(pause * 2, self._settings.poll_seconds)

    async def _try_next(self) -> tuple[WorkItem, Turn | None] | float | None:
        """An item and a turn; the seconds until there may be a turn; None when there is nothing to do."""
        most = self._settings.company_workers
        turn = self._budget.in_hand() if self._budget else None
        if turn is None:
            idle = self._side_by_side - len(self._held)
            waiting = await work_items.waiting(self._outbox, self._source, most=most, enough=idle)
            if not waiting.items:
                return None
            if self._budget:
                asked = await self._budget.ask(Lane.INTERACTIVE if waiting.urgent else Lane.BACKGROUND, min(waiting.items, idle))
                if isinstance(asked, float):
                    return asked
                turn = asked
            urgent_first = waiting.urgent if turn is None else turn.lane is Lane.INTERACTIVE
        else:
            urgent_first = turn.lane is Lane.INTERACTIVE
        item = await work_items.claim(self._outbox, self._source, self._lease, most=most, urgent_first=urgent_first)
        if item is not None:
            return item, turn
        if self._budget and turn:
            self._budget.give_back(turn)
        return None

    async def _bring_back(self) -> None:
        """Queue again what is followed after it was complete, and what was stopped and is tried again by itself."""
        while True:
            await asyncio.sleep(4 * self._settings.poll_seconds)
            try:
                if await taking_up.bring_back(self._outbox, self._source):
                    self.wake()
            except Exception as error:
                if not is_away(error) and not isinstance(error, LOST_RACES):
                    raise
                _LOG.warning("workers.queue_away", error=f"{type(error).__name__}: {error}")

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_seconds / 3)
            if self._held:
                try:
                    await work_items.renew(self._outbox, self._held, self._lease)
                    crash.point("item.renewed")
                except Exception as error:
                    if not is_away(error) and not isinstance(error, LOST_RACES):
                        raise
                    _LOG.warning("workers.leases_not_renewed", error=f"{type(error).__name__}: {error}")


def _shown(item: WorkItem) -> dict[str, str | int]:
    shown: dict[str, str | int] = {"accountflow.company.id": str(item.company.company_id), "accountflow.data_set": item.data_set.value}
    return {**shown, "accountflow.period": item.period.label} if item.period else shown
