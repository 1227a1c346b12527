"""Fifty companies under Visma's own limits: how much of the budget is used, whether anybody is refused, how evenly it is shared.

Time is real; the pages are small, so that what limits is Visma and not this machine. First figures, which have a share of their own, are
retrieved before by a worker of another client, whom nobody rations. ``MINUTES=5`` measures longer, ``MINUTE_SECONDS=30`` makes the minute
shorter, and with it the time a request may take on its way.
"""

import asyncio
import os
from collections import Counter
from datetime import UTC, datetime, timedelta

from bench.retrieving import FREE_CLIENT, FREELY, UNLIMITED, Site, site, visma
from bench.rounds import Comparison
from bench.servers import Servers
from visma_nxt import VismaSettings

COMPANIES = {7_100_001 + number: (1_500, 3_000, 6_000, 12_000, 40_000)[number % 5] for number in range(50)}
PAGE_SIZE = 100
LIMIT, IN_FLIGHT, ANSWER_MS = 600, 60, 200
MINUTE_SECONDS = float(os.environ.get("MINUTE_SECONDS", "60"))
MINUTES = int(os.environ.get("MINUTES", "1"))

LIMITS = {"requests_per_minute": LIMIT, "latency_ms": ANSWER_MS, "minute_ms": round(1000 * MINUTE_SECONDS)}
JITTER = VismaSettings.model_fields["jitter"].default * (MINUTE_SECONDS / 60)
SETTINGS = {
    "visma__requests_per_minute": LIMIT,
    "visma__minute": f"PT{MINUTE_SECONDS}S",
    "visma__jitter": f"PT{JITTER.total_seconds()}S",
    "visma__page_size": PAGE_SIZE,
}
FIRST_FIGURES = """
SELECT (SELECT count(planned_at) FROM sync.company) = $1
    AND NOT EXISTS (SELECT FROM sync.work_item WHERE rank = 0 AND status <> 'complete')"""


async def prepare(site: Site) -> None:
    """Every company created and planned, its newest period proven."""
    for number in COMPANIES:
        await site.create(number)
    async with site.workers(1, **FREELY, visma__client_id=FREE_CLIENT, visma__page_size=PAGE_SIZE):
        while not await site.pool.fetchval(FIRST_FIGURES, len(COMPANIES)):
            await asyncio.sleep(0.05)


async def minutes(site: Site) -> tuple[Counter[int], int]:
    """Requests per company in whole minutes while all have work, and how many requests were refused."""
    _, last = await site.asked()
    since = datetime.now(UTC) + timedelta(seconds=2)
    until = since + timedelta(seconds=MINUTES * MINUTE_SECONDS)
    await asyncio.sleep((until - datetime.now(UTC)).total_seconds() + 0.5)
    if await site.pool.fetchval("SELECT count(completed_at) FROM sync.company"):
        raise RuntimeError("a company was done before the time was over: give them more lines")
    requests, _ = await site.asked(last)
    mine = [each for each in requests if since <= datetime.fromisoformat(each["time"]) < until and each["status"] != 429]
    limits = (await site.control.get("/limits")).json()
    return Counter(each["companies"][0] for each in mine), sum(each["refused"] for each in [*limits["rate"], *limits["outstanding"]])


async def compared(servers: Servers, processes: int, rounds: int) -> list[Comparison]:
    """So many worker processes."""
    budget = LIMIT * MINUTES
    served: list[Counter[int]] = []
    refused: list[int] = []
    for _ in range(rounds):
        with visma(COMPANIES, *UNLIMITED, "--per-client", "--outstanding", str(IN_FLIGHT)) as urls:
            async with site(servers, urls) as here:
                await prepare(here)
                (await here.control.post("/limits", json=LIMITS)).raise_for_status()
                async with here.workers(processes, **SETTINGS):
                    found, number_refused = await minutes(here)
        served.append(found)
        refused.append(number_refused)
        print(f"{processes} processes: {found.total()} of {budget}, {min(found.values())} to {max(found.values())} each", flush=True)
    of = f"{len(COMPANIES)} companies, {processes} worker processes"
    return [
        Comparison(
            what=f"requests in {MINUTES} minutes of {MINUTE_SECONDS:g} s, {of}",
            against=f"what Visma allows, {LIMIT} a minute",
            unit="requests",
            ours=[each.total() for each in served],
            theirs=[budget] * rounds,
            at_least=0.98,
        ),
        Comparison(
            what=f"requests that Visma took, {of}",
            against="all that were sent",
            unit="requests",
            ours=[each.total() for each in served],
            theirs=[each.total() + number for each, number in zip(served, refused, strict=True)],
            at_least=1,
        ),
        Comparison(
            what=f"requests of the company served most, {of}",
            against="the one served least",
            unit="requests",
            ours=[max(each.values()) for each in served],
            theirs=[min(each[number] for number in COMPANIES) or 0.1 for each in served],
            at_most=1.2,
        ),
    ]


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Two and four processes."""
    found = [each for processes in (2, 4) for each in await compared(servers, processes, rounds)]
    print(*found, sep="\n", flush=True)
    return found
