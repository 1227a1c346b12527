"""Thousands of malformed messages among good ones, through a real service: every good one is handled, every bad one is accounted for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from company_service.__main__ import PROGRAM
from company_service.settings import Settings
from contracts.org import MemberAdded, OrganizationRegistered, Role
from contracts.results import CommandRejected
from servicekit.migrations import migrate
from servicekit.service import serve
from servicekit.settings import KafkaSettings, PostgresSettings
from testkit import raw_names
from testkit.bad_messages import good
from testkit.databases import DatabaseFactory
from testkit.mixture import ACTOR, Mixture
from testkit.probe import probe
from testkit.topics import OwnTopics

pytestmark = pytest.mark.long

MESSAGES = 5_000
DLQ = "company-service-dlq"


async def migrate_company_service(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


@pytest.fixture
async def pool(database: DatabaseFactory, topics: OwnTopics) -> AsyncIterator[asyncpg.Pool]:
    """The database of a running company-service."""
    dsn = await database("company_service", migrate_company_service)
    stop = asyncio.Event()
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=topics.bootstrap_servers, topic_prefix=topics.prefix),
        postgres=PostgresSettings(dsn=SecretStr(dsn)),
    )
    serving = asyncio.create_task(serve(PROGRAM, settings, stop))
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as opened:
        yield opened
        stop.set()
        assert await serving


@pytest.mark.timeout(300)  # fifteen seconds of work, many times as long on a machine that has other work
async def test_every_message_is_accounted_for(pool: asyncpg.Pool, topics: OwnTopics) -> None:
    mixture = Mixture(firm=uuid4())
    await found(mixture, pool, topics)
    await send(topics, mixture.messages(MESSAGES))
    assert mixture.sent >= MESSAGES
    assert len(mixture.dead) + len(mixture.refused) > mixture.bad / 2  # the others are strange, and handled

    await probe(lambda: is_everything_read(topics, mixture.sent + 2), within=180, every=0.5)
    assert {
        (row[0], row[1]) for row in await pool.fetch("SELECT organization_id, user_id FROM tenancy.member WHERE user_id <> $1", ACTOR)
    } == (mixture.members)
    assert {row[0] for row in await pool.fetch("SELECT company_group_id FROM company.company_group")} == mixture.groups
    assert await pool.fetchval("SELECT count(*) FROM eventing.parked") == mixture.waiting
    letters = await read(topics, DLQ, mixture.dead.total())
    assert Counter((letter.key, letter.value, without_reason(letter.headers)) for letter in letters) == mixture.dead
    outcomes = await read(topics, "command-results", len(mixture.refused) + len(mixture.groups))
    rejected = [CommandRejected.model_validate_json(record.value) for record in outcomes if b"Rejected" in dict(record.headers)["ce_type"]]
    assert {one.command_id: one.code for one in rejected} == mixture.refused
    assert len(outcomes) == len(mixture.refused) + len(mixture.groups)


async def found(mixture: Mixture, pool: asyncpg.Pool, topics: OwnTopics) -> None:
    """The firm of the commands, known to the service before the first one comes."""
    first = OrganizationRegistered(organization_id=mixture.firm, name="Regnskap AS", registered_by="boss")
    member = MemberAdded(organization_id=mixture.firm, user_id=ACTOR, name=ACTOR, role=Role.ACCOUNTANT)
    facts = [good(fact, id=str(uuid4()), source="/org-service", sequence=number) for number, fact in enumerate((first, member), 1)]
    await send(topics, facts)
    await probe(lambda: pool.fetchval("SELECT count(*) FROM tenancy.member"), within=30)


async def send(topics: OwnTopics, messages: Any) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers, linger_ms=2)
    await producer.start()
    try:
        sent = [await raw_names.send(producer, topics(raw.topic), raw.value, raw.key, raw.headers) for raw in messages]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def is_everything_read(topics: OwnTopics, count: int) -> bool:
    """Every partition is committed to its end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=topics.bootstrap_servers, group_id=topics("company-service"), enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topics(name), partition) for name in ("org-events", "company-commands") for partition in (0, 1)]
        committed = [await consumer.committed(place) or 0 for place in places]
        assert sum(committed) == count, committed
    finally:
        await consumer.stop()
    return True


async def read(topics: OwnTopics, name: str, count: int) -> list[Any]:
    """What stands on a topic, when ``count`` records do."""
    consumer = AIOKafkaConsumer(topics(name), bootstrap_servers=topics.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    records: list[Any] = []

    async def all_there() -> bool:
        for some in (await consumer.getmany(timeout_ms=200)).values():
            records.extend(some)
        return len(records) >= count

    try:
        await probe(all_there, within=30)
    finally:
        await consumer.stop()
    return records


def without_reason(headers: Any) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name, value) for name, value in headers if not name.startswith("x-dlq-"))
