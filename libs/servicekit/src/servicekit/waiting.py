"""Start-up that waits for the servers it needs, and says so."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from servicekit.clock import Clock, SystemClock
from servicekit.health import Health
from servicekit.metrics import START_WAIT
from servicekit.redaction import redact_text

T = TypeVar("T")

_log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two attempts; doubled after each. Short at the top, so that a late server costs little time."""

SAY_AGAIN_AFTER = 10.0


class GaveUpError(Exception):
    """A server did not answer within the time that the caller allowed."""


async def wait_for(
    name: str,
    attempt: Callable[[], Awaitable[T]],
    *,
    health: Health,
    away: tuple[type[Exception], ...] = (OSError,),
    attempt_seconds: float = 10.0,
    give_up_seconds: float | None = None,
    clock: Clock | None = None,
) -> T:
    """Repeat the attempt until it succeeds, and give back what it returned.

    The log names the server and the reason at the first failure and every ten seconds after; `/readyz` shows both all
    the time. Cancelling the task that waits ends it at once, in an attempt as well as between two.

    Args:
        name: the server and its address, as in "PostgreSQL at db:5432".
        away: errors that mean "not there yet"; a timeout always does. Any other error is a defect and is raised.
        attempt_seconds: an attempt that takes longer has failed.
        give_up_seconds: raise `GaveUpError` after this long; None waits for ever.
    """
    clock = clock or SystemClock()
    away = (TimeoutError, *away)
    began = clock.monotonic()
    say_at, pause = began, FIRST_PAUSE
    health.starting(f"waiting for {name}")
    while True:
        try:
            async with asyncio.timeout(attempt_seconds):
                result = await attempt()
        except away as error:
            why = redact_text(str(error)) or f"no answer within {attempt_seconds:g} s"
        else:
            break
        waited = clock.monotonic() - began
        START_WAIT.labels(name).set(waited)
        health.starting(f"waiting for {name}: {why}")
        if give_up_seconds is not None and waited >= give_up_seconds:
            raise GaveUpError(f"gave up after {waited:.0f} s waiting for {name}: {why}")
        if clock.monotonic() >= say_at:
            _log.warning("start.waiting", server=name, why=why, waited_seconds=round(waited, 1))
            say_at = clock.monotonic() + SAY_AGAIN_AFTER
        await clock.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    waited = clock.monotonic() - began
    START_WAIT.labels(name).set(waited)
    _log.info("start.found", server=name, waited_seconds=round(waited, 1))
    return result
