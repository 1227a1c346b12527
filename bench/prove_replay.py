"""A million events that company-service has handled are replayed past its inbox: how long the proof takes, and what it takes of memory.

The service is a process of its own that goes on consuming; it is asked as ``opsctl prove-replay`` asks. Memory is compared with a proof of
the first tenth of the same history. ``SIZE=100000`` takes another number of events.
"""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import psutil  # type: ignore[import-untyped]
from aiokafka import AIOKafkaConsumer

from bench.bad_messages import migrate_company_service
from bench.consume import founded
from bench.messages import events_member_added, send_all
from bench.rounds import Comparison
from bench.servers import Servers
from eventing.kafka import KafkaAccess

EVENTS = int(os.environ.get("SIZE", "1000000"))
ORGANIZATIONS = [UUID(int=number + 1) for number in range(1_000)]
TOPIC, PORTION = "org-events", 20_000
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Proof:
    """Seconds from the wish to the verdict, and MB of the service at most meanwhile."""

    seconds: float
    megabytes: float


@asynccontextmanager
async def consumed(servers: Servers) -> AsyncIterator[tuple[asyncpg.Pool, psutil.Process, Mapping[str, int]]]:
    """A service that has handled all events; its database, its process, and where each partition ends."""
    async with AsyncExitStack() as exits:
        kafka = await exits.enter_async_context(servers.access("company-service"))
        dsn = await exits.enter_async_context(servers.database("company_service", migrate_company_service))
        pool = await exits.enter_async_context(servers.pool(dsn))
        await founded(ORGANIZATIONS)(pool)
        given = {"KAFKA__BOOTSTRAP_SERVERS": servers.bootstrap_servers, "KAFKA__TOPIC_PREFIX": kafka.topic_prefix, "POSTGRES__DSN": dsn}
        service = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "company_service", env=os.environ | given | {"LOG_LEVEL": "ERROR"}, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            start = time.perf_counter()
            for first in range(0, EVENTS, PORTION):
                await send_all(kafka, TOPIC, events_member_added(ORGANIZATIONS, min(PORTION, EVENTS - first), first=first))
            ends = await _committed(kafka, service)
            print(f"{EVENTS:,} events sent and handled in {time.perf_counter() - start:.0f} s", flush=True)
            yield pool, psutil.Process(service.pid), ends
        finally:
            service.terminate()
            await service.wait()


async def _committed(kafka: KafkaAccess, service: asyncio.subprocess.Process) -> dict[str, int]:
    """The ends of the partitions, once the group has committed all of them."""
    async with (
        AIOKafkaConsumer(kafka.topic_prefix + TOPIC, group_id=None, **kafka.options) as consumer,
        AIOKafkaConsumer(group_id=kafka.topic_prefix + "company-service", enable_auto_commit=False, **kafka.options) as group,
    ):
        ends = await consumer.end_offsets(list(consumer.assignment()))
        for place, end in ends.items():
            while (await group.committed(place) or 0) < end:
                if service.returncode is not None:
                    raise RuntimeError(f"company-service has ended with status {service.returncode}")
                await asyncio.sleep(0.2)
    return {f"{TOPIC}/{place.partition}": end for place, end in ends.items()}


async def prove(pool: asyncpg.Pool, service: psutil.Process, ends: Mapping[str, int]) -> Proof:
    """One proof of the records before these offsets."""
    asked = {"offsets": {place: [0, end] for place, end in ends.items()}}
    most = 0
    start = time.perf_counter()
    operation = await pool.fetchval(
        "INSERT INTO eventing.operation (kind, request, requested_by, why) VALUES ('prove_replay', $1, 'bench', 'bench') RETURNING id",
        json.dumps(asked),
    )
    found: Any = {"state": ""}
    while found["state"] not in {"done", "failed"}:
        await asyncio.sleep(0.1)
        most = max(most, service.memory_info().rss)
        found = await pool.fetchrow("SELECT state, error, summary::text AS summary FROM eventing.operation WHERE id = $1", operation)
    seconds = time.perf_counter() - start
    summary = json.loads(found["summary"])
    if found["state"] == "failed" or summary["read"]["duplicate"] != sum(ends.values()):
        raise RuntimeError(f"the proof has failed: {found['error']}; read {summary.get('read')}")
    proof = Proof(seconds, most / 2**20)
    print(f"{sum(ends.values()):,} records in {proof.seconds:.1f} s, {proof.megabytes:.0f} MB at most", flush=True)
    return proof


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """The same history as often as there are rounds, after a proof that does not count."""
    proofs: dict[int, list[Proof]] = {10: [], 1: []}
    async with consumed(servers) as (pool, service, ends):
        tenth = {place: end // 10 for place, end in ends.items()}
        await prove(pool, service, tenth)
        for _ in range(rounds):
            for share, part in ((10, tenth), (1, ends)):
                proofs[share].append(await prove(pool, service, part))
    what = f"prove that a replay of {EVENTS:,} events changes nothing"
    seconds = [each.seconds for each in proofs[1]]
    memory, of_a_tenth = ([each.megabytes for each in proofs[share]] for share in (1, 10))
    found = [
        Comparison(what=what, against="two minutes", unit="s", ours=seconds, theirs=[SECONDS] * rounds, at_most=1),
        Comparison(what=f"memory: {what}", against="the first tenth of them", unit="MB", ours=memory, theirs=of_a_tenth, at_most=1.1),
    ]
    print(*found, sep="\n", flush=True)
    return found
