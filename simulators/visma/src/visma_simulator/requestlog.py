"""The log of what the simulator was asked, for tests that count requests and check rates. Never holds tokens, secrets or rows."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from visma_simulator.execution import Call

KEPT = 200_000


@dataclass(slots=True)
class Asked:
    """One request. `time` is when it came (UTC), `in_flight` how many were in progress with it."""

    number: int
    time: str
    endpoint: str
    operation: str | None
    companies: tuple[int, ...]
    customers: tuple[int, ...]
    tables: tuple[str, ...]
    status: int
    rows: int
    duration_ms: float
    in_flight: int
    errors: int
    faults: tuple[str, ...]


class RequestLog:
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._asked: deque[Asked] = deque(maxlen=KEPT)
        self._count = 0
        self.in_flight = 0

    def add(
        self,
        endpoint: str,
        came: float,
        status: int,
        *,
        operation: str | None = None,
        call: Call | None = None,
        rows: int = 0,
        in_flight: int = 1,
        errors: int = 0,
        faults: tuple[str, ...] = (),
    ) -> None:
        self._count += 1
        call = call or Call()
        time = datetime.fromtimestamp(came, UTC).isoformat(timespec="microseconds")
        duration = round((self._now() - came) * 1000, 3)
        self._asked.append(
            Asked(
                self._count,
                time,
                endpoint,
                operation,
                call.companies,
                call.customers,
                call.tables,
                status,
                rows,
                duration,
                in_flight,
                errors,
                faults,
            )
        )

    def since(self, number: int) -> dict[str, Any]:
        """The requests after a number, and the number to ask for next time."""
        return {"requests": [asdict(asked) for asked in self._asked if asked.number > number], "last": self._count}

    def clear(self) -> None:
        self._asked.clear()
