"""From CompanyCreated to the first request that Visma gets: two hundred companies one after the other, within Visma's limits.

Visma refuses each of them, so that the first request is also the last and nobody waits behind the history of the one before.
"""

import asyncio
import os
from datetime import UTC, datetime

from bench.retrieving import Site, site, visma
from bench.rounds import Comparison
from bench.servers import Servers

COMPANIES = {7_100_001 + number: 10 for number in range(int(os.environ.get("SIZE", "200")))}
MILLISECONDS = 250.0


async def milliseconds(here: Site) -> list[float]:
    """The sorted times."""
    found, last = [], 0
    for number in COMPANIES:
        sent = datetime.now(UTC)
        await here.create(number)
        while not (requests := await here.asked(last))[0]:
            await asyncio.sleep(0.02)
        [first, *_], last = requests
        found.append((datetime.fromisoformat(first["time"]) - sent).total_seconds() * 1000)
    return sorted(found)


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Median and 99th percentile."""
    times = []
    with visma(COMPANIES, access="closed") as urls:
        for _ in range(rounds):
            async with site(servers, urls) as here, here.workers():
                times.append(await milliseconds(here))
                print(f"p50 {times[-1][len(times[-1]) // 2]:.0f} ms, p99 {times[-1][int(0.99 * (len(times[-1]) - 1))]:.0f} ms", flush=True)
    found = [
        Comparison(
            what=f"CompanyCreated to the first request at Visma, {len(COMPANIES)} companies, {name}",
            against="what nobody notices",
            unit="ms",
            ours=[each[int(at * (len(each) - 1))] for each in times],
            theirs=[MILLISECONDS] * rounds,
            at_most=1,
        )
        for name, at in (("p50", 0.5), ("p99", 0.99))
    ]
    print(*found, sep="\n", flush=True)
    return found
