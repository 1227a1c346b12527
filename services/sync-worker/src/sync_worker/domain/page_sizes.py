"""How many rows to ask for at a time: many, because requests are what is scarce, but no more than come quickly and fit in memory."""

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Pages have from `least` to `most` rows, and should take at most `seconds` and `size` bytes."""

    least: int
    most: int
    seconds: float
    size: int


class PageSizes:
    """What was learned of each kind of page, by whatever tells the kinds apart. Only those below the largest size are remembered."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._rows: dict[Hashable, int] = {}

    def rows_for(self, kind: Hashable) -> int:
        """How many rows to ask for."""
        return self._rows.get(kind, self._bounds.most)

    def came(self, kind: Hashable, *, rows: int, seconds: float, size: int) -> None:
        """A page came. The size at most halves or doubles: one slow answer may be an accident. Short pages are no reason to grow."""
        asked, bounds = self.rows_for(kind), self._bounds
        cost = max(seconds / bounds.seconds, size / bounds.size)
        if cost > 1 or rows >= asked:
            self._set(kind, round(asked * min(2.0, max(0.5, 1 / max(cost, 0.5)))))

    def failed(self, kind: Hashable) -> None:
        """No page came, perhaps because it was too large."""
        self._set(kind, self.rows_for(kind) // 2)

    def _set(self, kind: Hashable, rows: int) -> None:
        if rows >= self._bounds.most:
            self._rows.pop(kind, None)
        else:
            self._rows[kind] = max(rows, min(self._bounds.least, self._bounds.most))
