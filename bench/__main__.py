"""``python -m bench [ROW ...] [--rounds N]``: run the rows, print them, keep their figures; status 1 when a goal is missed."""

import argparse
import logging
import sys

import structlog
import uvloop

from bench import (
    consume,
    debezium,
    first_request,
    fleet,
    locate,
    memory,
    newest,
    parked,
    prove_replay,
    quiet,
    relay,
    retrieval,
    round_trip,
    scale,
    workers,
)
from bench.rounds import keep
from bench.servers import servers

ROWS = {
    "relay": relay.run,
    "consume": consume.run,
    "round-trip": round_trip.run,
    "parked": parked.run,
    "scale": scale.run,
    "prove-replay": prove_replay.run,
    "locate": locate.run,
    "retrieval": retrieval.run,
    "memory": memory.run,
    "fleet": fleet.run,
    "newest": newest.run,
    "first-request": first_request.run,
    "quiet": quiet.run,
    "workers": workers.run,
    "debezium": debezium.run,
}


async def main(rows: list[str], rounds: int) -> bool:
    reached = True
    async with servers() as running:
        for row in rows:
            found = await ROWS[row](running, rounds)
            keep(row, found)
            reached &= all(comparison.reached for comparison in found)
    return reached


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", default=list(ROWS), metavar=f"{{{','.join(ROWS)}}}")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.disable(logging.WARNING)
    sys.exit(0 if uvloop.run(main(chosen.rows, chosen.rounds)) else 1)
