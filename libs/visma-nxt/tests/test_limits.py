import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from visma_nxt import VismaClient
from visma_nxt.limits import Limits, retry_after

pytestmark = pytest.mark.servers

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Sat, 31 Jan 2026 12:00:30 GMT", 30.0),
        ("Sat, 31 Jan 2026 12:00:30 -0000", 30.0),
        ("Sat, 31 Jan 2026 11:59:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


async def test_no_window_holds_more_than_burst_and_rate(configure: Any) -> None:
    loop = asyncio.get_running_loop()
    limits = Limits(configure(requests_per_minute=6000, burst=4))
    left: list[float] = []

    async def caller() -> None:
        for _ in range(5):
            async with limits.passage("company 7100001", patience=1):
                left.append(loop.time())

    await asyncio.gather(*(caller() for _ in range(10)))
    for window in (0.1, 0.2):
        most = max(sum(start <= moment < start + window for moment in left) for start in left)
        assert most <= 5 + window * 100 + 1
    assert left[-1] - left[0] < 50 / 100 * 1.5


async def test_one_company_never_has_more_in_flight_and_does_not_hold_up_another(visma: Any, configure: Any) -> None:
    gate = asyncio.Event()

    async def wait_for_gate(asked: Any) -> Any:
        if b"7100001" in asked.body:
            await gate.wait()
        return visma.information()

    visma.usual = wait_for_gate
    async with VismaClient(configure(concurrent_requests_per_company=3)) as client:
        busy = [asyncio.create_task(client.company_information(7100001)) for _ in range(12)]
        await visma.until(lambda: visma.in_flight == 3)
        await client.company_information(7100002)
        assert visma.in_flight == 3
        gate.set()
        await asyncio.gather(*busy)
    assert visma.most_in_flight <= 4
