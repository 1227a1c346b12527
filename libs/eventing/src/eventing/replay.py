"""Replay: records of any age go through the handlers again, where they would have an effect, in the order in which they were written."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from heapq import merge

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.cloudevents import legible
from eventing.history import History, Ranges
from eventing.known import known
from eventing.parking import keys_with_queue
from eventing.record import Record
from eventing.trial import Item, Trial

Progress = Callable[[dict[str, int]], Awaitable[None]]
"""Told of every batch how many records of each kind have been read so far."""


class TooMany(Exception):
    """More records would have an effect than a plan holds."""


class Replay(BaseModel):
    """Which records: all that is given must fit. Times are the records'; ``offsets`` are first and end of ``topic/partition``."""

    model_config = ConfigDict(extra="forbid")

    topics: list[str] | None = Field(None, description="all that the service consumes")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    offsets: dict[str, tuple[int, int]] | None = None
    organization: str | None = None
    company: str | None = None
    type: str | None = None
    key: str | None = None
    limit: int = Field(10_000, ge=1, le=10_000, description="records that would have an effect")

    async def ranges(self, history: History, consumed: Iterable[str]) -> Ranges:
        """What to read, fixed at the time of the plan."""
        consumed = sorted(consumed)
        if unknown := sorted(set(self.topics or ()) - set(consumed)):
            raise ValueError(f"the service does not consume {', '.join(unknown)}")
        ranges = await history.ranges(self.topics or consumed, since=self.since)
        if self.offsets is None:
            return ranges
        if unknown := sorted(set(self.offsets) - set(ranges)):
            raise ValueError(f"no such partition: {', '.join(unknown)}")
        return {place: (max(first, ranges[place][0]), min(end, ranges[place][1])) for place, (first, end) in self.offsets.items()}

    def fits(self, record: Record) -> bool:
        """Whether the record is meant."""
        if self.since is not None and record.timestamp_ms < self.since.timestamp() * 1000:
            return False
        if self.until is not None and record.timestamp_ms >= self.until.timestamp() * 1000:
            return False
        if self.key is not None and record.key != self.key.encode():
            return False
        if self.organization is None and self.company is None and self.type is None:
            return True
        text = legible(record.headers)
        wanted = {"organizationid": self.organization, "subject": self.company, "type": self.type}
        return all(value is None or text.get(name) == value for name, value in wanted.items())


async def replay(request: Replay, ranges: Ranges, history: History, trial: Trial, progress: Progress) -> AsyncIterator[Item]:
    """Run what the inbox does not know through the handlers. A record whose key has a queue is left to that queue's redrive."""
    lanes: dict[tuple[str, int], list[Record]] = {}
    read: Counter[str] = Counter()
    async for batch in history.read(ranges):
        meant = [record for record in batch if request.fits(record)]
        found = await known(trial.connection, meant)
        read.update({"read": len(batch), "meant": len(meant), "effects": len(found.others), **found.counts})
        if read["effects"] > request.limit:
            raise TooMany(f"more than {request.limit} records would have an effect: narrow the replay or raise its limit")
        for record in found.others:
            lanes.setdefault((record.topic, record.partition), []).append(record)
        await progress(dict(read))
    # By the time of writing, but never against the order of a partition.
    for record in merge(*lanes.values(), key=lambda record: record.timestamp_ms):
        if record.key and await keys_with_queue(trial.connection, {(record.topic, record.key)}):
            yield Item(record, {"result": "blocked", "error": "its key has a queue: redrive that first"})
        else:
            yield Item(record, await trial.effect(partial(trial.inbox.handle, record)))
