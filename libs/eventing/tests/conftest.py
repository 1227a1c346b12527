"""A service of the tests: the message core on real servers, with handlers a test chooses."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from contracts import topics as contracts
from contracts.cloudevents import Attributes
from contracts.message import Message
from contracts.org import MemberAdded, Role
from eventing.consumer import Consumer
from eventing.inbox import Handler, Inbox
from eventing.kafka import KafkaAccess
from eventing.operations import Operations
from eventing.outbox import Outbox
from eventing.parking import Parking, Patience
from eventing.pause import Tolerance
from eventing.rebuilt import EVERYTHING
from eventing.relay import Relay
from eventing.session_lock import give_back
from eventing.shadow import Scratch
from eventing.work import Cause
from servicekit.migrations import MigrationSet, migrate
from testkit.databases import DatabaseFactory
from testkit.probe import probe
from testkit.topics import OwnTopics

SERVICE = "company-service"
IMPATIENT = Patience(first_pause=timedelta(milliseconds=20), longest_pause=timedelta(milliseconds=200), unexpected=3)


@pytest.fixture(autouse=True, scope="session")
def plain_tracebacks() -> None:
    """The default ones show the locals of every frame, which takes a second for each failure of a handler that is meant to fail."""
    levels = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False)]
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, *levels, renderer])


async def migrate_core(dsn: str) -> None:
    """The core's own tables, and one for what handlers do."""
    await migrate(dsn, [MigrationSet.of_package("eventing", "eventing")])
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, subject text, what text)")
    await connection.close()


@dataclass
class Core:
    """One database, one set of topics, and any number of running members of the service."""

    dsn: str
    pool: asyncpg.Pool
    kafka: KafkaAccess
    producer: AIOKafkaProducer
    exits: AsyncExitStack
    scratch: Scratch
    members: list["Member"] = field(default_factory=list)
    """Those that run or are joining."""
    outbox: Outbox = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.pool, f"/{SERVICE}")

    async def run(
        self,
        handlers: Mapping[type[Message], Handler],
        topics: list[str],
        *,
        patience: Patience = IMPATIENT,
        tolerance: Tolerance | None = None,
        relay: bool = True,
        operations: bool = False,
    ) -> "Member":
        """Start a member; it ends with the test."""
        inbox = Inbox(self.outbox, handlers, service=SERVICE)
        parking = Parking(inbox, patience=patience, tolerance=tolerance)
        member = Member(Consumer(self.kafka, inbox, parking, topics, graceful_timeout=5))
        self.members.append(member)
        member.tasks.append(asyncio.create_task(parking.run()))
        if relay:
            member.tasks.append(asyncio.create_task(Relay(self.outbox, self.kafka).run()))
        if operations:
            member.tasks.append(asyncio.create_task(Operations(self.kafka, inbox, topics, self.scratch, poll=0.1).run()))
        self.exits.push_async_callback(member.stop)
        await member.consumer.start()
        return member

    async def request(self, kind: str, **request: Any) -> UUID:
        """Ask for an operation, as an operator does."""
        operation: UUID = await self.pool.fetchval(
            "INSERT INTO eventing.operation (kind, request, requested_by, why) VALUES ($1, $2, 'kari', 'because') RETURNING id",
            kind,
            json.dumps(request),
        )
        return operation

    async def ended(self, operation: UUID, state: str, *, within: float = 15) -> dict[str, Any]:
        """The operation in the state it should come to, its items' effects in ``items``."""

        async def found() -> dict[str, Any]:
            row = dict(await self.pool.fetchrow("SELECT * FROM eventing.operation WHERE id = $1", operation) or {})
            assert row["state"] == state, (row["state"], row["error"])
            return row

        row = await probe(found, within=within)
        items = await self.pool.fetch("SELECT * FROM eventing.operation_item WHERE operation_id = $1 ORDER BY position", operation)
        return {**row, "summary": json.loads(row["summary"] or "{}"), "items": [json.loads(item["effect"]) for item in items]}

    async def apply(self, operation: UUID) -> None:
        """Have a plan applied, as an operator does who has seen it."""
        await self.pool.execute(
            "UPDATE eventing.operation SET state = 'applying', applied_by = 'ola', applied_at = clock_timestamp()"
            " WHERE id = $1 AND state = 'planned'",
            operation,
        )

    async def effects(self, subject: str | None = None) -> list[str]:
        """What handlers did, in order."""
        rows = await self.pool.fetch("SELECT what FROM effect WHERE $1::text IS NULL OR subject = $1 ORDER BY id", subject)
        return [row["what"] for row in rows]

    async def send(self, message: Message, *, sequence: int | None = None, **changes: Any) -> Any:
        """Send a message as its owner, or a gateway, would."""
        return await self.send_raw(
            message.TOPIC, message.subject.encode(), message.model_dump_json().encode(), headers(message, sequence, **changes)
        )

    async def send_raw(
        self, topic: str, key: bytes | None, value: bytes | None, with_headers: list[tuple[str, Any]], **options: Any
    ) -> Any:
        return await self.producer.send_and_wait(self.kafka.topic_prefix + topic, value, key, headers=with_headers, **options)

    async def read(self, topic: str, count: int, *, within: float = 15) -> list["ConsumerRecord[Any, Any]"]:
        """The first ``count`` records of a topic, partition by partition."""
        records = await self.read_all(topic, until=count, within=within)
        assert len(records) >= count, f"{len(records)} of {count} records on {topic}: {records}"
        return records

    async def read_all(self, topic: str, *, until: int = 10**9, within: float = 1) -> list["ConsumerRecord[Any, Any]"]:
        """What stands on a topic; waits up to ``within`` seconds for ``until`` records."""
        consumer = AIOKafkaConsumer(**self.kafka.options, auto_offset_reset="earliest")
        await consumer.start()
        found: list[ConsumerRecord[Any, Any]] = []
        try:
            name = self.kafka.topic_prefix + topic
            await consumer._client._wait_on_metadata(name)
            consumer.assign([TopicPartition(name, partition) for partition in consumer.partitions_for_topic(name) or ()])
            await consumer.seek_to_beginning()
            deadline = asyncio.get_running_loop().time() + within
            while len(found) < until and asyncio.get_running_loop().time() < deadline:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += records
        finally:
            await consumer.stop()
        return found

    async def committed(self, topic: str) -> int:
        """How many records of a topic the group has committed, all partitions."""
        consumer = AIOKafkaConsumer(**self.kafka.options, group_id=self.kafka.topic_prefix + SERVICE, enable_auto_commit=False)
        await consumer.start()
        try:
            name = self.kafka.topic_prefix + topic
            await consumer._client._wait_on_metadata(name)
            places = [TopicPartition(name, partition) for partition in consumer.partitions_for_topic(name) or ()]
            return sum([await consumer.committed(place) or 0 for place in places])
        finally:
            await consumer.stop()


@dataclass
class Member:
    """A running member of the group."""

    consumer: Consumer
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    stopped: bool = False

    async def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            await self.consumer.stop()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture(scope="session")
def declared_topics() -> list[contracts.Topic]:
    used = {
        "command-results",
        "company-commands",
        "company-events",
        "company-service-dlq",
        "org-commands",
        "org-events",
        "sync-events",
        "sync-progress",
    }
    return [topic for topic in contracts.load() if topic.name in used]


@pytest.fixture
async def core(kafka: str, topics: OwnTopics, database: DatabaseFactory) -> AsyncIterator[Core]:
    async with AsyncExitStack() as exits:
        yield await open_core(exits, kafka, topics.prefix, await database("eventing", migrate_core), database)


async def open_core(exits: AsyncExitStack, kafka: str, prefix: str, dsn: str, database: DatabaseFactory) -> Core:
    @asynccontextmanager
    async def emptied() -> AsyncIterator[asyncpg.Pool]:
        async with asyncpg.create_pool(await database("eventing", migrate_core), min_size=1, max_size=1) as scratch:
            yield scratch

    pool = await exits.enter_async_context(asyncpg.create_pool(dsn, min_size=1, max_size=12, reset=give_back))
    access = KafkaAccess(client_id=SERVICE, options={"bootstrap_servers": kafka}, topic_prefix=prefix)
    producer = access.producer()
    await producer.start()
    exits.push_async_callback(producer.stop)
    return Core(dsn, pool, access, producer, exits, Scratch(emptied, EVERYTHING))


def member_added(organization_id: UUID, user: str) -> MemberAdded:
    return MemberAdded(organization_id=organization_id, user_id=user, name=user, role=Role.READER)


def headers(message: Message, sequence: int | None = None, **changes: Any) -> list[tuple[str, bytes]]:
    given: dict[str, Any] = {
        "id": str(uuid4()),
        "source": "/org-service",
        "type": message.TYPE,
        "time": datetime.now(UTC),
        "subject": message.subject,
        "organizationid": str(getattr(message, "organization_id", UUID(int=1))),
        "correlationid": "test",
        "sequence": sequence,
        "actor": "kari" if message.KIND == "command" else None,
    }
    return Attributes(**{**given, **changes}).headers()


def noting(effects: Callable[[Any], str]) -> Handler:
    """A handler that notes what it was given."""

    async def handle(message: Any, work: Any) -> None:
        await work.connection.execute("INSERT INTO effect (subject, what) VALUES ($1, $2)", message.subject, effects(message))

    return handle


def a_cause(organization_id: UUID) -> Cause:
    return Cause(organization_id=organization_id, correlation_id="test", causation_id=None)
