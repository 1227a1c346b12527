"""Consuming with inbox, state and outbox in one transaction, against the same SQL without Kafka.

The other side is exact: every statement that the service sends is recorded in one run, with its arguments and its connection, and then
sent again to a fresh database, batch by batch, each connection as fast as it can. Same statements, same transactions, same batch sizes;
no Kafka, no reading, no handler, no model.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from bench.messages import Sent, commands_add_member, events_member_added, send_all
from bench.rounds import Comparison, compare
from bench.servers import Servers
from contracts.message import Message
from contracts.org import AddMember
from eventing import metrics
from eventing.consumer import Consumer
from eventing.inbox import Handler, Inbox
from eventing.outbox import Outbox
from eventing.parking import Parking
from org_service.__main__ import PROGRAM
from org_service.handlers import add_member
from servicekit.migrations import migrate
from tenancy.members import KEEPING_MEMBERS

MESSAGES = 6_000
KEYS = 300

Statement = tuple[str, Any]
Script = list[dict[int, list[Statement]]]
"""Batch by batch, the statements of each connection in order: two batches may lock the same rows on different connections."""

FIRST_OF_A_BATCH = "SELECT DISTINCT p.topic, p.key FROM eventing.parked"


async def migrate_service(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


@dataclass
class Consuming:
    """One kind of message with the handler that a service has for it."""

    servers: Servers
    topic: str
    handlers: Mapping[type[Message], Handler]
    messages: Sequence[Sent]
    prepare: Callable[[asyncpg.Pool], Awaitable[None]]
    script: Script = field(default_factory=list)

    async def through_kafka(self, *, record: bool = False) -> float:
        """Messages per second, from the first one handled to the last commit. With ``record`` the script is kept."""
        async with AsyncExitStack() as exits:
            kafka = await exits.enter_async_context(self.servers.access("org-service"))
            dsn = await exits.enter_async_context(self.servers.database("bench", migrate_service))
            pool = await exits.enter_async_context(self.servers.pool(dsn))
            await self.prepare(pool)
            recorder = await _recorded(pool) if record else []
            await send_all(kafka, self.topic, self.messages)
            inbox = Inbox(Outbox(pool, "/org-service"), self.handlers, service="org-service")
            consumer = Consumer(kafka, inbox, Parking(inbox), [self.topic])
            before = _handled(self.topic)
            await consumer.start()
            while _handled(self.topic) == before:
                await asyncio.sleep(0.001)
            begun, start = _handled(self.topic), time.perf_counter()
            while _handled(self.topic) - before < len(self.messages):
                await asyncio.sleep(0.002)
            seconds = time.perf_counter() - start
            await consumer.stop()
            if record:
                self.script = recorder
            return (len(self.messages) - (begun - before)) / seconds

    async def script_alone(self) -> float:
        """The same statements, as many messages a second."""
        async with self.servers.database("bench", migrate_service) as dsn, self.servers.pool(dsn) as pool:
            await self.prepare(pool)
            connections = [await pool.acquire() for _ in range(pool.get_max_size())]
            start = time.perf_counter()
            for batch in self.script:
                async with asyncio.TaskGroup() as group:
                    for number, statements in batch.items():
                        group.create_task(_replay(connections[number], statements))
            seconds = time.perf_counter() - start
            for connection in connections:
                await pool.release(connection)
            return len(self.messages) / seconds


async def _recorded(pool: asyncpg.Pool) -> Script:
    found: Script = [defaultdict(list)]

    def note(number: int, query: Any) -> None:
        if FIRST_OF_A_BATCH in query.query:
            found.append(defaultdict(list))
        if not query.query.startswith("SELECT pg_advisory"):  # the pool's own, when a connection comes back
            found[-1][number].append((query.query, query.args))

    connections = [await pool.acquire() for _ in range(pool.get_max_size())]
    for number, connection in enumerate(connections):
        connection.add_query_logger(partial(note, number))
    for connection in connections:
        await pool.release(connection)
    return found


async def _replay(connection: Any, statements: Sequence[Statement]) -> None:
    for query, arguments in statements:
        if isinstance(arguments, list):
            await connection.executemany(query, arguments)
        elif arguments:
            await connection.fetch(query, *arguments)
        else:
            await connection.execute(query)


def _handled(topic: str) -> float:
    return sum(metrics.HANDLED.labels(topic, result)._value.get() for result in ("handled", "refused", "duplicate", "dead"))  # noqa: SLF001


def founded(organizations: Sequence[UUID]) -> Callable[[asyncpg.Pool], Awaitable[None]]:
    """Puts the organisations into a service's database."""

    async def found(pool: asyncpg.Pool) -> None:
        await pool.executemany(
            "INSERT INTO tenancy.organization (organization_id, name) VALUES ($1, 'A')", [(organization,) for organization in organizations]
        )

    return found


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Events that are kept (company-service, sync-worker), and commands that are answered and published (org-service)."""
    organizations = [UUID(int=number + 1) for number in range(KEYS)]

    events = Consuming(servers, "org-events", KEEPING_MEMBERS, events_member_added(organizations, MESSAGES), founded(organizations))
    asked = commands_add_member(organizations, MESSAGES // 2)
    commands = Consuming(servers, "org-commands", {AddMember: add_member}, asked, founded(organizations))
    found = []
    for what, consuming in (("MemberAdded: inbox and state", events), ("AddMember: inbox, state and outbox", commands)):
        await consuming.through_kafka(record=True)
        found.append(
            await compare(
                f"consume {what}, {len(consuming.messages):,} messages",
                "the same SQL in the same transactions without Kafka",
                "messages/s",
                consuming.through_kafka,
                consuming.script_alone,
                rounds=rounds,
                at_least=0.8,
            )
        )
    return found
