import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from servicekit.clock import Clock, SettableClock, SystemClock

START = datetime(2026, 1, 31, 23, 0, tzinfo=UTC)


async def test_system_clock_is_utc_and_moves():
    clock: Clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.001)
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() > before


async def test_advance_moves_both_times():
    clock = SettableClock(START.astimezone(timezone(timedelta(hours=1))))
    clock.advance(3600)
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 2, 1, tzinfo=UTC), 3600)
    assert clock.now().utcoffset() == timedelta(0)


async def test_sleepers_wake_in_order_and_only_when_due():
    clock, woken = SettableClock(START), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (30, 10, 20)]
    await asyncio.sleep(0)
    assert clock.sleepers == 3
    clock.advance(20)
    await asyncio.gather(tasks[1], tasks[2])
    assert woken == [10, 20]
    assert clock.sleepers == 1
    clock.advance(10)
    await tasks[0]


async def test_cancelled_sleeper_is_forgotten():
    clock = SettableClock(START)
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.sleepers == 0
    clock.advance(10)


@pytest.mark.parametrize("wrong", [lambda: SettableClock(datetime(2026, 1, 1)), lambda: SettableClock(START).advance(-1)])  # noqa: DTZ001
def test_naive_or_backward_time_is_refused(wrong):
    with pytest.raises(ValueError, match=r"aware|backwards"):
        wrong()
