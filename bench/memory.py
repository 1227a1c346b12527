"""What a worker takes of memory at most, by the size of the ledger: it holds pages, never a ledger.

``SIZES=100000,1000000,10000000`` takes other ledgers.
"""

import os

from bench.retrieving import UNLIMITED, landed, visma
from bench.rounds import Comparison
from bench.servers import Servers

SIZES = [int(size) for size in os.environ.get("SIZES", "100000,1000000").split(",")]
COMPANY = 7_100_001


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Each size in a simulator of its own, in turn; the first is what the others are compared with."""
    megabytes: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(rounds):
        for size in SIZES:
            with visma({COMPANY: size}, *UNLIMITED) as urls:
                megabytes[size].append((await landed(servers, urls, [COMPANY])).megabytes)
    smallest, *larger = SIZES
    found = [
        Comparison(
            what=f"memory of a worker at most, {size:,} lines",
            against=f"{smallest:,} lines",
            unit="MB",
            ours=megabytes[size],
            theirs=megabytes[smallest],
            at_most=1.1,
        )
        for size in larger
    ]
    print(*found, sep="\n", flush=True)
    return found
