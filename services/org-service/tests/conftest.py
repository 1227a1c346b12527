"""org-service behind its topics, on the real servers."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from org_service.__main__ import PROGRAM
from org_service.settings import Settings
from servicekit.migrations import migrate
from servicekit.service import serve
from servicekit.settings import KafkaSettings, PostgresSettings
from testkit.databases import DatabaseFactory
from testkit.gateway import Gateway, gateway
from testkit.topics import OwnTopics


async def migrate_org_service(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


@pytest.fixture
async def outside(database: DatabaseFactory, topics: OwnTopics) -> AsyncIterator[Gateway]:
    """The topics as a gateway sees them, with org-service running behind them."""
    stop = asyncio.Event()
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=topics.bootstrap_servers, topic_prefix=topics.prefix),
        postgres=PostgresSettings(dsn=SecretStr(await database("org_service", migrate_org_service))),
    )
    serving = asyncio.create_task(serve(PROGRAM, settings, stop))
    try:
        async with gateway(topics) as opened:
            yield opened
    finally:
        stop.set()
        assert await serving
