"""The two limits: requests per minute and token, and requests in progress per company and per customer."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

LEAK_SECONDS = 30 * 60

Scope = tuple[str, int]  # ("Company", 7100001) or ("Customer", 12345)


@dataclass(slots=True)
class Limits:
    """What can be set while the simulator runs. `latency_ms` is added to every GraphQL answer."""

    requests_per_minute: int = 600
    outstanding: int = 60
    latency_ms: int = 0


class RequestRate:
    """Counts the requests of each token in the last 60 seconds; a refused request does not count."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits, self._now = limits, now
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def allows(self, token: str) -> bool:
        now, times = self._now(), self._times[token]
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= self._limits.requests_per_minute:
            return False
        times.append(now)
        return True


class Outstanding:
    """Requests in progress by scope. A request whose client went away keeps its place for half an hour, as in the real service."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits, self._now = limits, now
        self._active: dict[Scope, int] = defaultdict(int)
        self._leaked: dict[Scope, deque[float]] = defaultdict(deque)

    def enter(self, scopes: Iterable[Scope]) -> Scope | None:
        """Take a place in every scope, or in none and return the scope that is full."""
        scopes = tuple(scopes)
        for scope in scopes:
            if self.count(scope) >= self._limits.outstanding:
                return scope
        for scope in scopes:
            self._active[scope] += 1
        return None

    def leave(self, scopes: Iterable[Scope], *, client_gone: bool = False) -> None:
        for scope in scopes:
            self._active[scope] -= 1
            if client_gone:
                self._leaked[scope].append(self._now() + LEAK_SECONDS)

    def count(self, scope: Scope) -> int:
        leaked = self._leaked[scope]
        while leaked and leaked[0] <= self._now():
            leaked.popleft()
        return self._active[scope] + len(leaked)

    def release_leaked(self) -> None:
        self._leaked.clear()
