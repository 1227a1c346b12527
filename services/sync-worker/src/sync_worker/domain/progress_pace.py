"""How often progress is told while pages come: once a moment for each data set, however many pages that is.

Counting locks the company, and its other pages would wait for each other; nobody reads ten messages a second. What ends something is told
at once, and is not asked for here.
"""

from collections.abc import Hashable
from datetime import datetime, timedelta

_MANY = 1000


class ProgressPace:
    """What was told when, in this process."""

    def __init__(self, every: timedelta) -> None:
        self._every = every
        self._told: dict[Hashable, datetime] = {}

    def is_due(self, kind: Hashable, now: datetime) -> bool:
        """Whether it is time to tell of this kind of work again; if so it counts as told."""
        told = self._told.get(kind)
        if told is not None and now - told < self._every:
            return False
        if len(self._told) >= _MANY:
            self._told = {each: at for each, at in self._told.items() if now - at < self._every}
        self._told[kind] = now
        return True
