"""Redrive and discard: what to do with the queues of keys that cannot go on, in the order of each queue."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from eventing.record import Record
from eventing.sql import queries
from eventing.trial import Effect, Item, Trial

_REDRIVE = queries(__file__, "redrive")
_TOO_OFTEN = 3


class Queues(BaseModel):
    """Which queues an operator means: all that is given must fit their head. Times are when it was parked."""

    model_config = ConfigDict(extra="forbid")

    topic: str | None = None
    key: str | None = None
    type: str | None = None
    organization: str | None = None
    reason: str | None = Field(None, description="a part of it")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    places: list[str] | None = Field(None, description="topic/partition/offset")
    limit: int = Field(10_000, ge=1, le=10_000, description="records")

    def filters(self) -> dict[str, Any]:
        """As parameters of the query."""
        return {**self.model_dump(exclude={"limit", "force", "behind"}), "key": None if self.key is None else self.key.encode()}


class Redrive(Queues):
    """Run each queue again: its head, then all that waits behind. ``force`` takes what was redriven too often in vain as well."""

    force: bool = False


class Discard(Queues):
    """Give up the head of each queue, or with ``behind`` all of it."""

    behind: bool = False


async def redrive(request: Redrive, trial: Trial) -> AsyncIterator[Item]:
    """Run the queues, each up to the first record that fails again."""
    for queue in await _queues(request, trial):
        stuck = False
        for parked in queue:
            row = await _REDRIVE.record(trial.connection, id=parked)
            record = Record.from_row(row)
            if stuck:
                effect: Effect = {"result": "waits"}
            elif row["redrives"] >= _TOO_OFTEN and not request.force:
                effect = {"result": "guarded", "error": f"redriven {row['redrives']} times in vain: {row['reason']}"}
                stuck = True
            else:
                effect = await trial.effect(partial(trial.inbox.handle, record, waiting_since=row["first_failed_at"]))
                stuck = effect["result"] == "failed"
                if stuck:
                    await _REDRIVE.failed_again(trial.connection, id=parked, reason=effect["error"])
                else:
                    await _REDRIVE.release(trial.connection, id=parked)
            yield Item(record, effect)


async def discard(request: Discard, trial: Trial, *, why: str) -> AsyncIterator[Item]:
    """Give up records as if they had been handled: an event's number counts as seen, a command's sender is answered."""
    for queue in await _queues(request, trial):
        for parked in queue if request.behind else queue[:1]:
            record = Record.from_row(await _REDRIVE.record(trial.connection, id=parked))
            effect = await trial.effect(partial(trial.inbox.give_up, record, why=why))
            yield Item(record, effect)
            if effect["result"] == "failed":
                break
            await _REDRIVE.release(trial.connection, id=parked)


async def _queues(request: Queues, trial: Trial) -> list[list[int]]:
    """The ids of each queue's records, in order. A queue that the limit cuts off goes on by itself when its beginning is gone."""
    heads = [row async for row in _REDRIVE.heads(trial.connection, **request.filters())]
    queues, left = [], request.limit
    for head in heads:
        queue = [row["id"] async for row in _REDRIVE.queue(trial.connection, topic=head["topic"], key=head["key"], limit=left)]
        queues.append(queue)
        left -= len(queue)
    return queues
