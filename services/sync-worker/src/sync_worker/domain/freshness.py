"""Following a company after its first retrieval: how often it is looked at, what counts as news, and how far back changes are read.

The clock of all this is Visma's own: the newest moment at which a row was written, as its answers state it. Ours is not compared with it.
"""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_NORWAY = ZoneInfo("Europe/Oslo")
_EVER = "1900-01-01T00:00:00"
_MONTH_DAYS = 31
_ANY_CLOCK = timedelta(days=1)
"""How far Visma's clock, without a zone, may be from ours. Longer ago is long ago by both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """`look`: how long a change may go unnoticed. `proof`: how long until everything is compared again that is not looked at each time.
    `overlap`: how late a change may become visible after the moment it carries."""

    look: timedelta
    proof: timedelta
    overlap: timedelta

    def next_look(self, now: datetime) -> datetime:
        """A little earlier than promised and not for all companies at once."""
        return now + self.look * random.uniform(0.9, 1)  # noqa: S311

    def since(self, newest: str | None) -> str:
        """From which moment on changes are read, when the newest row known was written at `newest` (None: rows from before Visma noted it).

        Visma's times have no zone, so in the night in which the clocks are set back an hour comes twice.
        """
        if newest is None:
            return _EVER
        known = datetime.fromisoformat(newest[:26])
        twice = _offset(known - timedelta(hours=3)) - _offset(known + timedelta(hours=3))
        return (known - self.overlap - max(twice, timedelta(0))).isoformat()

    def is_time_for_late_commits(self, newest: str | None, read_at: datetime, now: datetime) -> bool:
        """Whether rows may have become visible behind `newest` since all was read at `read_at`, and no more will: the overlap has passed.

        Where the newest was written long before it was read, none could.
        """
        if newest is None or now < read_at + self.overlap:
            return False
        return datetime.fromisoformat(newest[:26]).replace(tzinfo=UTC) > read_at - self.overlap - _ANY_CLOCK


@dataclass(frozen=True, slots=True)
class Mark:
    """How many rows there are, and when the newest was written."""

    rows: int
    newest: str | None

    def and_(self, other: "Mark") -> "Mark":
        """Both together."""
        return Mark(self.rows + other.rows, max(filter(None, (self.newest, other.newest)), default=None))


NO_ROWS = Mark(0, None)


def is_news(known: Mark, now: Mark) -> bool:
    """A row was added or removed, or one was written later than all that were known."""
    return known != now


def a07_again(month: date, today: date) -> timedelta:
    """When a month's A07 report is asked for again: submissions come until the middle of the next month, corrections for years."""
    age = (today - month).days
    if age < 3 * _MONTH_DAYS:
        return timedelta(days=1)
    return timedelta(days=7) if age < 14 * _MONTH_DAYS else timedelta(days=30)


def _offset(local: datetime) -> timedelta:
    return local.replace(tzinfo=_NORWAY).utcoffset() or timedelta(0)
