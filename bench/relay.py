"""The relay, in strict order per key, against a bare idempotent producer of the same messages on the same broker."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import UUID

from bench.consume import migrate_service
from bench.messages import Sent, events_member_added, send_all
from bench.rounds import Comparison, compare
from bench.servers import Servers
from eventing.outbox import Outbox
from eventing.relay import Relay

TOPIC = "org-events"
MESSAGES = 20_000
KEYS = 500


async def through_relay(servers: Servers, messages: Sequence[Sent]) -> float:
    """Messages per second from a full outbox to an empty one."""
    async with AsyncExitStack() as exits:
        kafka = await exits.enter_async_context(servers.access("relay"))
        dsn = await exits.enter_async_context(servers.database("bench", migrate_service))
        pool = await exits.enter_async_context(servers.pool(dsn))
        await fill(pool, messages)
        outbox = Outbox(pool, "/org-service")
        start = time.perf_counter()
        relaying = asyncio.create_task(Relay(outbox, kafka).run())
        while await pool.fetchval("SELECT EXISTS (SELECT FROM eventing.outbox)"):
            await asyncio.sleep(0.005)
        seconds = time.perf_counter() - start
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        return len(messages) / seconds


async def fill(pool: object, messages: Sequence[Sent]) -> None:
    """As committed transactions would have left it."""
    rows = [(TOPIC, key, [name for name, _ in headers], [part for _, part in headers], value) for key, value, headers in messages]
    columns = ["topic", "key", "header_names", "header_values", "value"]
    await pool.copy_records_to_table("outbox", schema_name="eventing", records=rows, columns=columns)  # type: ignore[attr-defined]


async def bare(servers: Servers, messages: Sequence[Sent]) -> float:
    """Messages per second of the producer that the relay uses, from its start to the last acknowledgement."""
    async with servers.access("bare") as kafka:
        start = time.perf_counter()
        await send_all(kafka, TOPIC, messages)
        return len(messages) / (time.perf_counter() - start)


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Messages of 300 bytes and of 3 KB."""
    organizations = [UUID(int=number + 1) for number in range(KEYS)]
    found = []
    for size, count in ((300, MESSAGES), (3000, MESSAGES // 4)):
        messages = [(key, value[:-1].ljust(size - 1) + b"}", headers) for key, value, headers in events_member_added(organizations, count)]
        found.append(
            await compare(
                f"relay, {count:,} messages of {size} bytes, {KEYS} keys",
                "a bare idempotent producer",
                "messages/s",
                lambda messages=messages: through_relay(servers, messages),
                lambda messages=messages: bare(servers, messages),
                rounds=rounds,
                at_least=0.7,
            )
        )
    return found
