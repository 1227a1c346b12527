"""What companies cost in which nothing changes: requests per company and freshness interval, the interval shortened to half a minute.

One look is one request, and it comes after nine tenths of the interval to all of it, so that not all companies are looked at together. At
the default of 15 minutes that makes four to four and a half requests per company and hour. ``SIZE=50`` takes fewer companies.
"""

import asyncio
import os
from collections import Counter
from datetime import UTC, datetime, timedelta

from bench.retrieving import FREELY, UNLIMITED, site, visma
from bench.rounds import Comparison
from bench.servers import Servers
from contracts.company import PeriodType

COMPANIES = {7_100_001 + number: 50 for number in range(int(os.environ.get("SIZE", "200")))}
INTERVAL_SECONDS, INTERVALS = 30.0, 2
SOONEST = 0.9


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """All companies complete, then left alone; the rounds follow each other."""
    looks: list[int] = []
    requests: list[int] = []
    with visma(COMPANIES, *UNLIMITED) as urls:
        async with site(servers, urls) as here, here.workers(**FREELY, retrieval__freshness_minutes=INTERVAL_SECONDS / 60):
            for number in COMPANIES:
                await here.create(number, PeriodType.YEAR)
            await here.complete(len(COMPANIES))
            await asyncio.sleep(INTERVAL_SECONDS)  # the first looks fall together, as the companies came
            for _ in range(rounds):
                since, (_, last) = datetime.now(UTC), await here.asked()
                until = since + timedelta(seconds=INTERVAL_SECONDS * INTERVALS)
                await asyncio.sleep((until - datetime.now(UTC)).total_seconds())
                asked = [each for each in (await here.asked(last))[0] if datetime.fromisoformat(each["time"]) < until]
                kinds = Counter(each["operation"] for each in asked)
                print(f"{dict(kinds)} in {INTERVALS} intervals of {INTERVAL_SECONDS:g} s, {len(COMPANIES)} companies", flush=True)
                looks.append(kinds["Marks"])
                requests.append(kinds.total())
    each = len(COMPANIES) * INTERVALS
    found = [
        Comparison(
            what="requests while nothing changes", against="looks", unit="requests", ours=requests, theirs=looks, at_most=1, at_least=1
        ),
        Comparison(
            what="requests per company and freshness interval",
            against="one for each interval at its shortest",
            unit="requests",
            ours=[number / each for number in requests],
            theirs=[1 / SOONEST] * rounds,
            at_most=1,
        ),
    ]
    print(*found, sep="\n", flush=True)
    return found
