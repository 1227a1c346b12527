"""Two worker processes against one, where the machine is what limits: how much the second one adds, and who used the processors.

Simulator, broker and database share the machine with them, so on few processors the goal may be out of reach; what each of them used says
so. ``SIZE=1000000`` takes another number of lines.
"""

import os

from bench.retrieving import UNLIMITED, landed, visma
from bench.rounds import Comparison, compare
from bench.servers import Servers

LINES = int(os.environ.get("SIZE", "400000"))
COMPANIES = {7_100_001 + number: LINES // 4 for number in range(4)}


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Four companies side by side."""
    with visma(COMPANIES, *UNLIMITED) as urls:

        async def rows_per_second(processes: int) -> float:
            return (await landed(servers, urls, COMPANIES, processes)).rows_per_second

        return [
            await compare(
                f"two worker processes, {len(COMPANIES)} companies of {LINES // 4:,} lines",
                "one",
                "rows/s",
                lambda: rows_per_second(2),
                lambda: rows_per_second(1),
                rounds=rounds,
                at_least=1.7,
            )
        ]
