"""Time as a parameter: whoever needs the time, or needs to wait, takes a `Clock`."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time of day, always aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment in the past; for durations, never for dates."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SettableClock:
    """A clock that stands still until a test moves it.

    `advance` wakes every sleeper whose time has come, earliest first. A woken task runs at the next await of the test
    and sees the new time, so a loop that sleeps ten seconds at a time wakes once when the clock moves by thirty.
    """

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock needs an aware datetime, for example datetime(2026, 1, 1, tzinfo=UTC)")
        self._now = now.astimezone(UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    @property
    def sleepers(self) -> int:
        """How many tasks wait for this clock; tests probe it before they advance."""
        return sum(not sleeper.done() for _, sleeper in self._sleepers)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awakened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, awakened))
        await awakened

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
        waiting = sorted(((due, sleeper) for due, sleeper in self._sleepers if not sleeper.done()), key=lambda entry: entry[0])
        self._sleepers = [(due, sleeper) for due, sleeper in waiting if due > self._elapsed]
        for due, sleeper in waiting:
            if due <= self._elapsed:
                sleeper.set_result(None)
