"""The pause: while its row is in the database, no member of the service's group consumes, over restarts too.

An operator sets it, or a member that has met too many broken records; only an operator takes it away.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from eventing.sql import queries

_PAUSE = queries(__file__, "pause")
_LOG = structlog.get_logger("eventing.pause")


KINDS = ("operator", "too_many_broken")
"""Who began a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Since when, by whom and why the service does not consume. ``kind`` is ``operator`` or ``too_many_broken``."""

    kind: str
    since: datetime
    by: str
    why: str

    def __str__(self) -> str:
        return f"paused by {self.by} since {self.since.isoformat(timespec='seconds')}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How much breakage is borne: fewer than ``least`` broken records, or less than ``share``, of the last ``records``."""

    share: float = 0.5
    least: int = 20
    records: int = 100


class Pauses:
    """What this process knows of the pause, and the count that may begin one."""

    def __init__(self, pool: asyncpg.Pool, service: str, *, tolerance: Tolerance | None = None) -> None:
        self._pool = pool
        self._service = service
        self._tolerance = tolerance or Tolerance()
        self._last: deque[bool] = deque(maxlen=self._tolerance.records)
        self.current: Pause | None = None
        self.begun = asyncio.Event()

    async def refresh(self) -> Pause | None:
        """Ask the database."""
        row = await _PAUSE.current(self._pool)
        pause = None if row is None else Pause(**row)
        if pause != self.current:
            _LOG.warning("pause.begins" if pause else "pause.ends", pause=str(pause or self.current))
            self._last.clear()
        self.current = pause
        return pause

    async def note(self, *, broken: bool) -> None:
        """Count a record that has been dealt with, and pause the service when too many of the last ones were broken.

        Broken are dead letters and what is parked for a fault of ours. What was read before the pause is still dealt with.
        """
        self._last.append(broken)
        count = sum(self._last) if broken else 0
        if self.current is not None or count < self._tolerance.least or count < self._tolerance.share * len(self._last):
            return
        why = f"{count} of the last {len(self._last)} records were broken; see the dead letters"
        await _PAUSE.begin(self._pool, kind="too_many_broken", by=self._service, why=why)
        await self.refresh()
        self.begun.set()
