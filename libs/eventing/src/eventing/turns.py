"""The order in which a service dealt with its records, as far as it left word of it.

An event had its turn when it was written. A command had its turn when it was answered, which the inbox notes: it may have waited for facts
of another service, for a service that was down, or for an operator. Records of one key keep their order whatever the times say.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from eventing.record import Record


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """When a record was dealt with. ``given_up``: by an operator, without its handler; ``refused``: its first answer was no."""

    at: datetime
    number: int
    record: Record = field(compare=False)
    given_up: bool = field(compare=False)
    refused: bool = field(compare=False)


class Turns:
    """Records that wait for their turn. Only those wait long whose answers came late."""

    def __init__(self) -> None:
        self._waiting: list[Turn] = []
        self._last: dict[tuple[str, bytes | None], Turn] = {}
        self._number = 0

    def put(self, record: Record, *, answered: datetime | None = None, given_up: bool = False, refused: bool = False) -> None:
        """One more. ``answered`` is when the first answer to the command was written."""
        written = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
        self._number += 1
        before = self._last.get(record.stream)
        turn = Turn(max(written, answered or written, before.at if before else written), self._number, record, given_up, refused)
        self._last[record.stream] = turn
        heapq.heappush(self._waiting, turn)

    def until(self, timestamp_ms: float) -> Iterator[Turn]:
        """Those whose turn has come when a record of this time has been put, in their order."""
        while self._waiting and self._waiting[0].at.timestamp() * 1000 <= timestamp_ms:
            turn = heapq.heappop(self._waiting)
            if self._last[turn.record.stream] is turn:
                del self._last[turn.record.stream]
            yield turn
