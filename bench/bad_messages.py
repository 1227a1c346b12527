"""``python -m bench.bad_messages N``: malformed messages among good ones, through company-service in a process of its own, at full speed.

Says how fast, how much memory the service took meanwhile, and how long each partition stood still at the longest. Status 1 when a message
is not accounted for, when the second half of the time took more memory than the first, or when a partition stood still for longer than the
others of its topic. What must become of each kind is in `testkit.bad_messages`.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import DEVNULL
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from uuid import uuid4

import asyncpg
import psutil  # type: ignore[import-untyped]
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.round_trip import reading
from bench.servers import servers
from company_service.__main__ import PROGRAM
from contracts.org import MemberAdded, OrganizationRegistered, Role
from contracts.results import CommandRejected
from eventing.kafka import KafkaAccess
from servicekit.migrations import migrate
from testkit import raw_names
from testkit.bad_messages import good
from testkit.mixture import ACTOR, Mixture

TOPICS = ("org-events", "company-commands")
GROWTH = 1.1
"""Of memory, from the first half of the time to the second, at most."""
HALT = 3.0
"""Of a partition, against the median of its topic's, at most; below `NOTICED` seconds nobody asks."""
NOTICED = 2.0


async def migrate_company_service(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


@dataclass
class Watch:
    """Memory in MB and places committed, looked at twice a second while messages come and until all are dealt with."""

    memory: list[float] = field(default_factory=list)
    moved: dict[TopicPartition, float] = field(default_factory=dict)
    stood: dict[TopicPartition, float] = field(default_factory=dict)
    places: dict[TopicPartition, int] = field(default_factory=dict)

    async def until_done(self, group: AIOKafkaConsumer, consumer: AIOKafkaConsumer, sending: asyncio.Task[None], service: Any) -> None:
        """Return when all is sent and every partition is committed to its end."""
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while not sending.done() or any(self.places.get(place, 0) < end for place, end in ends.items()):
            if service.returncode is not None:
                raise SystemExit(f"the service has ended with status {service.returncode}")
            self.memory.append(psutil.Process(service.pid).memory_info().rss / 2**20)
            ends = await consumer.end_offsets(list(ends))
            for place, end in ends.items():
                await self._look(place, await group.committed(place) or 0, end)
            await asyncio.sleep(0.5)
        await sending

    async def _look(self, place: TopicPartition, committed: int, end: int) -> None:
        now = time.perf_counter()
        if committed != self.places.get(place) or committed >= end:
            self.moved[place] = now
        self.places[place] = committed
        self.stood[place] = max(self.stood.get(place, 0), now - self.moved.setdefault(place, now))

    def complaints(self) -> list[str]:
        """What grew, and who stood still for longer than its neighbours."""
        half = len(self.memory) // 2
        first, second = max(self.memory[:half]), max(self.memory[half:])
        found = [f"memory grew from {first:.0f} to {second:.0f} MB"] if second > GROWTH * first else []
        for place, halt in sorted(self.stood.items()):
            usual = median(other for neighbour, other in self.stood.items() if neighbour.topic == place.topic)
            if halt > max(NOTICED, HALT * usual):
                found.append(f"{place.topic}/{place.partition} stood still for {halt:.1f} s, its neighbours for {usual:.1f}")
        return found


async def send(producer: AIOKafkaProducer, prefix: str, messages: Any) -> None:
    """In portions, so that not all of them are in memory at once."""
    waiting: list[Any] = []
    for raw in messages:
        waiting.append(await raw_names.send(producer, prefix + raw.topic, raw.value, raw.key, raw.headers))
        if len(waiting) == 2_000:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)


async def everything(kafka: KafkaAccess, topic: str, count: int) -> list[Any]:
    found: list[Any] = []
    async with reading(kafka, topic) as consumer, asyncio.timeout(600):
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    return found


async def main(count: int) -> bool:
    mixture = Mixture(firm=uuid4())
    async with servers() as running, AsyncExitStack() as exits:
        kafka = await exits.enter_async_context(running.access("company-service"))
        dsn = await exits.enter_async_context(running.database("company_service", migrate_company_service))
        pool = await exits.enter_async_context(running.pool(dsn))
        producer = await exits.enter_async_context(AIOKafkaProducer(**kafka.options, linger_ms=5, max_batch_size=262_144))
        first = OrganizationRegistered(organization_id=mixture.firm, name="Regnskap AS", registered_by="boss")
        actor = MemberAdded(organization_id=mixture.firm, user_id=ACTOR, name=ACTOR, role=Role.ACCOUNTANT)
        facts = [good(fact, id=str(uuid4()), source="/org-service", sequence=number) for number, fact in enumerate((first, actor), 1)]
        await send(producer, kafka.topic_prefix, facts)
        environment = {
            "KAFKA__BOOTSTRAP_SERVERS": running.bootstrap_servers,
            "KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
            "POSTGRES__DSN": dsn,
        }
        service = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "company_service", env=os.environ | environment, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            while not await pool.fetchval("SELECT count(*) FROM tenancy.member"):
                await asyncio.sleep(0.1)
            group = kafka.topic_prefix + "company-service"
            names = [kafka.topic_prefix + topic for topic in TOPICS]
            consumer = await exits.enter_async_context(AIOKafkaConsumer(*names, group_id=None, **kafka.options))
            reader = await exits.enter_async_context(AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **kafka.options))
            watch, begun = Watch(), time.perf_counter()
            sending = asyncio.create_task(send(producer, kafka.topic_prefix, mixture.messages(count)))
            await watch.until_done(reader, consumer, sending, service)
            seconds = time.perf_counter() - begun
            wrong = [*await differences(mixture, pool, kafka), *watch.complaints()]
        finally:
            service.terminate()
            await service.wait()
    print(f"{mixture.sent:,} messages, {mixture.bad:,} of them strange, in {seconds:.0f} s: {mixture.sent / seconds:,.0f}/s")
    print(f"memory of the service: {watch.memory[0]:.0f} MB at first, {max(watch.memory):.0f} at most, {watch.memory[-1]:.0f} at last")
    halts = (
        f"{place.topic.removeprefix(kafka.topic_prefix)}/{place.partition}: {halt:.1f} s" for place, halt in sorted(watch.stood.items())
    )
    print("longest halt of a partition:", ", ".join(halts))
    print(*(wrong or ["every message is accounted for, memory is flat, no partition stood still for longer than its neighbours"]), sep="\n")
    return not wrong


async def differences(mixture: Mixture, pool: asyncpg.Pool, kafka: KafkaAccess) -> list[str]:
    """What is not as the account of the mixture has it."""
    members = await pool.fetch("SELECT organization_id, user_id FROM tenancy.member WHERE user_id <> $1", ACTOR)
    groups = {row[0] for row in await pool.fetch("SELECT company_group_id FROM company.company_group")}
    letters = await everything(kafka, "company-service-dlq", mixture.dead.total())
    outcomes = await everything(kafka, "command-results", len(mixture.refused) + len(mixture.groups))
    dead = Counter((one.key, one.value, tuple(h for h in one.headers if not h[0].startswith("x-dlq-"))) for one in letters)
    rejected = [CommandRejected.model_validate_json(one.value) for one in outcomes if b"Rejected" in dict(one.headers)["ce_type"]]
    accounts = {
        "members": ({tuple(row) for row in members}, mixture.members),
        "company groups": (groups, mixture.groups),
        "dead letters": (dead, mixture.dead),
        "waiting": (await pool.fetchval("SELECT count(*) FROM eventing.parked"), mixture.waiting),
        "refusals": ({one.command_id: one.code for one in rejected}, mixture.refused),
    }
    return [f"{name} are not as they must be" for name, (seen, wanted) in accounts.items() if seen != wanted]


if __name__ == "__main__":
    sys.exit(0 if uvloop.run(main(int(sys.argv[1]))) else 1)
