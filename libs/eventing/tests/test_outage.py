"""The broker is away for a minute while the service goes on writing: the messages wait in PostgreSQL, not in memory, and all arrive."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import psutil
import pytest

from contracts import topics as contracts
from contracts.org import MemberAdded
from local_stack.provision import create_topics
from testkit.databases import DatabaseFactory
from testkit.own_servers import OwnKafka
from testkit.probe import probe

from .conftest import Core, a_cause, member_added, migrate_core, noting, open_core

AWAY_SECONDS = 60
WAVES, WAVE = 30, 100
EVENT_BYTES = 20_000
MEMORY_BYTES = 20 * 1024 * 1024  # a third of what is written meanwhile

EVENTS = "org-events"


pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]


@pytest.fixture
async def core(own_kafka: OwnKafka, database: DatabaseFactory) -> AsyncIterator[Core]:
    await create_topics(own_kafka.server.bootstrap_servers, contracts.load(), prefix="", most_partitions=1)
    async with AsyncExitStack() as exits:
        yield await open_core(exits, own_kafka.bootstrap_servers, "", await database("eventing", migrate_core), database)


async def test_a_minute_without_the_broker(core: Core, own_kafka: OwnKafka, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # pytest keeps every line of the clients' complaints in memory
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(str(context)))
    organization = uuid4()
    member = await core.run({MemberAdded: noting(lambda message: message.user_id.strip())}, [EVENTS])

    async def write(*names: str) -> None:
        async with core.outbox.work(a_cause(organization)) as work:
            work.publish(*(member_added(organization, name.ljust(EVENT_BYTES)) for name in names))

    await write(*(f"before {number}" for number in range(WAVE)))
    await probe(lambda: handled(core, WAVE), within=30)
    assert await member.consumer.problem() is None
    memory = psutil.Process().memory_info().rss
    own_kafka.server.kill()
    for wave in range(WAVES):
        await write(*(f"{wave} {number}" for number in range(WAVE)))
        await asyncio.sleep(AWAY_SECONDS / WAVES)
    assert "no broker answers" in (await member.consumer.problem() or "")
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.outbox") == WAVES * WAVE
    assert psutil.Process().memory_info().rss - memory < MEMORY_BYTES
    await own_kafka.server.start()
    await probe(lambda: handled(core, WAVE * (WAVES + 1)), within=90, every=0.5)
    assert (await core.effects())[WAVE:] == [f"{wave} {number}" for wave in range(WAVES) for number in range(WAVE)]
    await probe(lambda: outbox_is_empty(core), within=10)
    assert await member.consumer.problem() is None
    gc.collect()
    assert complaints == []


async def handled(core: Core, count: int) -> bool:
    seen = await core.pool.fetchval("SELECT count(*) FROM effect")
    assert seen == count, f"{seen} of {count}"
    return True


async def outbox_is_empty(core: Core) -> bool:
    return await core.pool.fetchval("SELECT count(*) FROM eventing.outbox") == 0
