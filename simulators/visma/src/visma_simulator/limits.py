"""The two limits: requests per minute and token, and requests in progress per company and per customer."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

LEAK_MINUTES = 30

Scope = tuple[str, int]  # ("Company", 7100001) or ("Customer", 12345)


@dataclass(slots=True)
class Limits:
    """What can be set while the simulator runs. `latency_ms` is added to every GraphQL answer.

    `minute_ms` makes the simulator's minute shorter, for tests that have less time. With `per_client` the requests of all tokens of one
    client are counted together, which is stricter than what Visma documents: several processes of ours have a token each.
    """

    requests_per_minute: int = 600
    outstanding: int = 60
    latency_ms: int = 0
    minute_ms: int = 60_000
    per_client: bool = False

    @property
    def minute(self) -> float:
        """Seconds."""
        return self.minute_ms / 1000


@dataclass(slots=True)
class Counted:
    """The requests of one token or client: when those of the last minute came, how many there were at most, how many were refused."""

    times: deque[float] = field(default_factory=deque)
    most: int = 0
    refused: int = 0


class RequestRate:
    """Counts the requests of each token in the last minute; a refused request does not count."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits, self._now = limits, now
        self._counted: dict[str, Counted] = defaultdict(Counted)

    def allows(self, asker: str) -> bool:
        """`asker` is a token or a client, whichever requests are counted by."""
        counted = self._recent(asker)
        if len(counted.times) >= self._limits.requests_per_minute:
            counted.refused += 1
            return False
        counted.times.append(self._now())
        counted.most = max(counted.most, len(counted.times))
        return True

    def report(self) -> list[dict[str, int]]:
        """Per token or client, in order of appearance, without naming it: a token is a secret."""
        found = [self._recent(asker) for asker in self._counted]
        return [{"in_minute": len(each.times), "most_in_minute": each.most, "refused": each.refused} for each in found]

    def _recent(self, asker: str) -> Counted:
        counted, since = self._counted[asker], self._now() - self._limits.minute
        while counted.times and counted.times[0] <= since:
            counted.times.popleft()
        return counted


@dataclass(slots=True)
class Places:
    """The places of one company or customer. `leaked` holds the times at which places are free again whose client went away."""

    active: int = 0
    leaked: deque[float] = field(default_factory=deque)
    most: int = 0
    refused: int = 0


class Outstanding:
    """Requests in progress by scope. A request whose client went away keeps its place for half an hour, as in the real service."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits, self._now = limits, now
        self._places: dict[Scope, Places] = defaultdict(Places)

    def enter(self, scopes: Iterable[Scope]) -> Scope | None:
        """Take a place in every scope, or in none and return the scope that is full."""
        scopes = tuple(scopes)
        for scope in scopes:
            if self.count(scope) >= self._limits.outstanding:
                self._places[scope].refused += 1
                return scope
        for scope in scopes:
            places = self._places[scope]
            places.active += 1
            places.most = max(places.most, self.count(scope))
        return None

    def leave(self, scopes: Iterable[Scope], *, client_gone: bool = False) -> None:
        for scope in scopes:
            self._places[scope].active -= 1
            if client_gone:
                self._places[scope].leaked.append(self._now() + LEAK_MINUTES * self._limits.minute)

    def count(self, scope: Scope) -> int:
        places = self._places[scope]
        while places.leaked and places.leaked[0] <= self._now():
            places.leaked.popleft()
        return places.active + len(places.leaked)

    def report(self) -> list[dict[str, Any]]:
        """Per company and customer that was ever asked about."""
        return [
            {"scope": kind, "number": number, "now": self.count((kind, number)), "most": places.most, "refused": places.refused}
            for (kind, number), places in self._places.items()
        ]

    def release_leaked(self) -> None:
        for places in self._places.values():
            places.leaked.clear()
