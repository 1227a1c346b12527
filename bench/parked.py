"""Half of the keys parked, against none: what it costs the healthy ones."""

import asyncio
import time
from contextlib import AsyncExitStack
from uuid import UUID

from bench.consume import migrate_service
from bench.messages import events_member_added, send_all
from bench.rounds import Comparison, compare
from bench.servers import Servers
from eventing.consumer import Consumer
from eventing.inbox import Inbox
from eventing.outbox import Outbox
from eventing.parking import Parking
from tenancy.members import KEEPING_MEMBERS

TOPIC = "org-events"
HEALTHY, PARKED = 200, 200
EACH = 30

PARK = """
INSERT INTO eventing.parked (topic, partition, "offset", timestamp_ms, key, header_names, header_values, state, next_attempt_at)
SELECT $1, -1, n, 0, key, '{}', '{}', 'parked', now() FROM unnest($2::bytea[]) WITH ORDINALITY AS asked (key, n)
"""


async def healthy_messages(servers: Servers, *, others_parked: bool) -> float:
    """Messages of healthy keys per second, from the first record taken to the last one dealt with.

    The healthy keys' work is the same in both runs; beside it, ``others_parked`` sends as many messages of keys that have a queue.
    """
    healthy = [UUID(int=number + 1) for number in range(HEALTHY)]
    others = [UUID(int=number + 1_000_000) for number in range(PARKED)]
    async with AsyncExitStack() as exits:
        kafka = await exits.enter_async_context(servers.access("parked"))
        dsn = await exits.enter_async_context(servers.database("bench", migrate_service))
        pool = await exits.enter_async_context(servers.pool(dsn))
        everybody = [(organization,) for organization in healthy + others]
        await pool.executemany("INSERT INTO tenancy.organization (organization_id, name) VALUES ($1, 'A')", everybody)
        if others_parked:
            await pool.execute(PARK, TOPIC, [str(organization).encode() for organization in others])
        messages = events_member_added(healthy + others, EACH * (HEALTHY + PARKED))
        await send_all(kafka, TOPIC, messages)
        inbox = Inbox(Outbox(pool, "/org-service"), KEEPING_MEMBERS, service="org-service")
        consumer = Consumer(kafka, inbox, Parking(inbox), [TOPIC])
        done = "SELECT count(*) FROM tenancy.member"
        await consumer.start()
        while not await pool.fetchval(done):
            await asyncio.sleep(0.001)
        start = time.perf_counter()
        wanted = EACH * HEALTHY + (0 if others_parked else EACH * PARKED)
        while await pool.fetchval(done) < wanted:
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - start
        await consumer.stop()
        return EACH * HEALTHY / seconds


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """The same topic twice: once every key is healthy, once every second one has a queue."""
    return [
        await compare(
            f"healthy keys while {PARKED} of {HEALTHY + PARKED} keys are parked",
            "the same topic with nothing parked",
            "healthy messages/s",
            lambda: healthy_messages(servers, others_parked=True),
            lambda: healthy_messages(servers, others_parked=False),
            rounds=rounds,
            at_least=0.9,
        )
    ]
