"""Staying under Visma's limits, so that no answer is ever a 429.

One bucket for everything the client sends, because Visma counts per token; one semaphore per company (or customer),
because Visma counts those on their own. The bucket is deliberately shallow: a bucket as deep as the minute's budget
would let twice the budget through in its first minute.
"""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aiolimiter import AsyncLimiter

SECONDS_PER_MINUTE = 60


class Limits:
    def __init__(self, *, requests_per_minute: int, burst: int, concurrent_per_scope: int) -> None:
        self._rate = AsyncLimiter(burst, burst * SECONDS_PER_MINUTE / requests_per_minute)
        self._scopes: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(concurrent_per_scope))
        self._resume_at = 0.0

    def in_flight(self, scope: str) -> asyncio.Semaphore:
        """Held for as long as a request of this company or customer is in progress, waits between attempts included."""
        return self._scopes[scope]

    async def turn(self) -> None:
        """Wait until one more request may leave: after the pause Visma asked for, and within the rate."""
        while (pause := self.paused_for()) > 0:  # noqa: ASYNC110 - the time is known, and may be prolonged meanwhile
            await asyncio.sleep(pause)
        await self._rate.acquire()

    def pause(self, seconds: float) -> None:
        """Hold back everybody: a 429 is about the token that all requests share."""
        self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + seconds)

    def paused_for(self) -> float:
        """Seconds until requests may leave again; 0 or less when they may now."""
        return self._resume_at - asyncio.get_running_loop().time()


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait according to a Retry-After header, seconds or an HTTP date; None when it says neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    # A date in "-0000" comes back without a zone; HTTP dates are always UTC.
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
