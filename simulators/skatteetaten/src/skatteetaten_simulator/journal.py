"""The log of what the simulator was asked, for tests that count calls. It never holds a token or a grant's signature."""

from collections import deque
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from skatteetaten_simulator.faults import CallKind

KEPT = 10_000


class Entry(BaseModel):
    """One call. `claims` are those of the grant (token calls); `code` is the error given, `fault` the fault that hit it."""

    at: datetime
    kind: CallKind
    organisation_number: str | None
    month: str | None = None
    status: int | None = None
    code: str | None = None
    fault: str | None = None
    claims: dict[str, Any] | None = None


class Journal:
    """The newest entries, in order of arrival."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def entries(self, kind: CallKind | None = None) -> list[Entry]:
        return [entry for entry in self._entries if kind in (None, entry.kind)]

    def clear(self) -> None:
        self._entries.clear()
