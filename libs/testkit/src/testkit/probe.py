"""Waiting for something to become true, with a deadline, and never by sleeping for a guessed time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from testkit.patience import patient

Seen = TypeVar("Seen")


async def probe(
    until: Callable[[], Awaitable[Seen] | Seen],
    *,
    within: float,
    every: float = 0.05,
    despite: tuple[type[Exception], ...] = (AssertionError, OSError),
) -> Seen:
    """Call `until` until it returns something true, and return that.

    An error of the kinds in `despite` counts as not yet. After `within` seconds (see `patience`) the test fails and says what was seen
    last; a call that hangs is cancelled then.
    """
    loop = asyncio.get_running_loop()
    within = patient(within)
    deadline = loop.time() + within
    last = "nothing: the first call did not return"
    while True:
        try:
            async with asyncio.timeout_at(deadline) as timer:
                seen = until()
                value = await seen if inspect.isawaitable(seen) else seen
        except Exception as error:
            if isinstance(error, TimeoutError) and timer.expired():
                break
            if not isinstance(error, despite):
                raise
            last = f"{type(error).__name__}: {error}"
        else:
            if value:
                return value
            last = repr(value)
        if loop.time() + every > deadline:
            break
        await asyncio.sleep(every)
    pytest.fail(f"not so within {within:g} s; seen last: {last}", pytrace=True)
