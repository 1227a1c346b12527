"""How soon the newest period of a large company is proven: from CompanyCreated to PeriodVerified on its topic.

Visma answers after 200 ms and allows 600 requests a minute, as it does; the rest of the ledger waits. ``SIZE=100000`` takes other ledgers.
"""

import os
import time

from bench.retrieving import Site, site, visma
from bench.round_trip import reading
from bench.rounds import Comparison
from bench.servers import Servers
from contracts.cloudevents import read
from contracts.sync import PeriodVerified

LINES = int(os.environ.get("SIZE", "1000000"))
COMPANY, ANSWER_MS, SECONDS = 7_100_001, 200, 5.0


async def until_verified(here: Site) -> float:
    """Seconds until the first PeriodVerified, which is the newest period's."""
    async with reading(here.kafka, "sync-events") as events:
        start = time.perf_counter()
        await here.create(COMPANY)
        async for record in events:
            if read(record.headers).type == PeriodVerified.TYPE:
                seconds = time.perf_counter() - start
                found = PeriodVerified.model_validate_json(record.value)
                print(f"{found.period.label}: {found.lines:,} lines proven after {seconds:.2f} s", flush=True)
                return seconds
    raise AssertionError("unreachable")


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """A month, in a new database each time."""
    seconds = []
    with visma({COMPANY: LINES}, "--latency-ms", str(ANSWER_MS)) as urls:
        for _ in range(rounds):
            async with site(servers, urls) as here, here.workers():
                seconds.append(await until_verified(here))
    found = Comparison(
        what=f"newest month of a company of {LINES:,} lines proven, answers after {ANSWER_MS} ms",
        against="as long as somebody waits",
        unit="s",
        ours=seconds,
        theirs=[SECONDS] * rounds,
        at_most=1,
    )
    print(found, flush=True)
    return [found]
