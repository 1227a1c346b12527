"""The loop of probes lives on when something it needs is away, or when one connection always fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from eventing.outbox import Outbox
from eventing.work import Cause
from servicekit.migrations import migrate
from testkit.own_servers import OwnPostgres
from testkit.probe import probe
from visma_connector.__main__ import PROGRAM
from visma_connector.probing import Probing
from visma_connector.settings import ProbeSettings
from visma_connector.store import connections
from visma_nxt import VismaClient

CAUSE = Cause(organization_id=UUID(int=7), correlation_id="registration", causation_id=None)


@asynccontextmanager
async def running(outbox: Outbox, client: VismaClient, **changes: Any) -> AsyncIterator[None]:
    settings = ProbeSettings(notice_within=timedelta(milliseconds=20), **changes)
    loop = asyncio.create_task(Probing(outbox, client, settings, client_key="isv_accountflow").run())
    try:
        yield
        assert not loop.done()
    finally:
        loop.cancel()
        await asyncio.wait({loop})


async def register(outbox: Outbox, *visma_customer_ids: int) -> None:
    async with outbox.work(CAUSE) as work:
        await connections.begin(work, visma_customer_ids)


async def is_probed(outbox: Outbox, visma_customer_id: int) -> bool:
    checked = "SELECT checked_at IS NOT NULL FROM connector.connection WHERE visma_customer_id = $1"
    return bool(await outbox.pool.fetchval(checked, visma_customer_id))


async def test_probing_goes_on_when_postgresql_has_been_away(own_postgres: OwnPostgres, client: VismaClient) -> None:
    administrator = await own_postgres.address.connect()
    await administrator.execute("CREATE DATABASE visma_connector")
    await administrator.close()
    dsn = own_postgres.address.database("visma_connector")
    await migrate(dsn, PROGRAM.migration_sets())
    async with asyncpg.create_pool(dsn, min_size=1) as pool:
        outbox = Outbox(pool, "/visma-connector")
        async with running(outbox, client):
            await register(outbox, 12345)
            await probe(lambda: is_probed(outbox, 12345), within=10)
            refused = own_postgres.proxy.accepted
            await own_postgres.proxy.refuse()
            await own_postgres.server.stop()
            await own_postgres.server.start()
            await own_postgres.proxy.restore()
            await probe(lambda: own_postgres.proxy.accepted > refused, within=10)  # the loop has come back by itself
            await register(outbox, 67890)
            await probe(lambda: is_probed(outbox, 67890), within=10)


async def test_a_connection_that_always_fails_holds_up_no_other(outbox: Outbox, client: VismaClient) -> None:
    await outbox.pool.execute("ALTER TABLE connector.connection ADD CHECK (visma_customer_id <> 12345 OR checked_at IS NULL)")
    await register(outbox, 12345)
    async with running(outbox, client):
        await probe(lambda: outbox.pool.fetchval("SELECT lease_token IS NOT NULL FROM connector.connection"), within=10)
        await register(outbox, 67890)
        await probe(lambda: is_probed(outbox, 67890), within=10)
    assert not await is_probed(outbox, 12345)
