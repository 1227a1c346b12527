"""When work will be done: what is left of it and lies ahead of it, at the pace of this company so far.

Work is counted in rows, since pages are of all sizes. A part is never nothing: it is asked for at least once, and proven.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.sync import DataSet, SyncStatus
from sync_worker.domain.progress import GOING_ON

QUESTION = 500
"""A question takes about as long as so many rows, whatever it brings."""
_LEAST = 0.02  # of the work must be done before its pace says anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An item as the estimate sees it. Lower ranks come first; ``counts``: what is done of it was done in the time that is measured."""

    data_set: DataSet
    rank: int
    status: SyncStatus
    rows: int
    expected: int | None
    counts: bool = True

    @property
    def done(self) -> int:
        """In rows."""
        if not self.counts:
            return 0
        return self.rows + QUESTION if self.status is SyncStatus.COMPLETE else self.rows

    @property
    def left(self) -> int:
        """In rows; nothing of what no worker takes up by itself."""
        return max((self.expected or 0) - self.rows, 0) + QUESTION if self.status in GOING_ON else 0


def finished_at(
    parts: Collection[Part], data_set: DataSet, *, now: datetime, since: datetime, idle: timedelta, not_before: datetime | None = None
) -> datetime | None:
    """When a data set will be complete. ``parts`` are all of the company from the same source; they have been worked on ``since`` then,
    but for the time in which nothing was asked for (``idle``).

    None when nothing of it goes on by itself, or while too little is done to tell.
    """
    ranks = [part.rank for part in parts if part.data_set is data_set and part.left]
    done, left = sum(part.done for part in parts), sum(part.left for part in parts)
    if not ranks or not done or done < (done + left) * _LEAST:
        return None
    ahead = sum(part.left for part in parts if part.rank <= max(ranks))
    worked = now - since - idle
    return max(now + worked * (ahead / done), not_before or now)
