"""Staying under Visma's limits, so that no answer is ever a 429: one process that has them for itself.

One bucket for everything the client sends, because Visma counts per token; one semaphore per company (or customer),
because Visma counts those on their own. The bucket is deliberately shallow: a bucket as deep as the minute's budget
would let twice the budget through in its first minute.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aiolimiter import AsyncLimiter

from visma_nxt.budget import Held
from visma_nxt.settings import VismaSettings


class Limits:
    def __init__(self, settings: VismaSettings) -> None:
        self._rule = settings.rule
        at_once = self._rule.burst + 1
        self._rate = AsyncLimiter(at_once, at_once * self._rule.spacing)
        self._scopes: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(settings.concurrent_requests_per_company))
        self._resume_at = 0.0

    @asynccontextmanager
    async def passage(self, scope: str, patience: float) -> AsyncIterator[None]:
        """See `Budget`."""
        deadline = asyncio.get_running_loop().time() + patience
        async with self._scopes[scope]:
            while (pause := self.paused_for()) > 0:
                if pause > deadline - asyncio.get_running_loop().time():
                    raise Held(pause)
                await asyncio.sleep(pause)
            await self._rate.acquire()
            yield

    async def stop(self, seconds: float | None) -> None:
        """See `Budget`. Without a time from Visma each call waits as long as its own attempts tell it."""
        if seconds is not None:
            self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + seconds)

    def learn(self, *, troubled: bool) -> None:
        """See `Budget`. A process of its own is slowed down enough by waiting between attempts."""

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
