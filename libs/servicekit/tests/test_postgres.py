import asyncio
import uuid
from datetime import UTC, datetime

import asyncpg
import pytest
from pydantic import SecretStr

from servicekit.clock import SettableClock
from servicekit.health import Health
from servicekit.postgres import postgres_pool
from servicekit.settings import PostgresSettings
from testkit.patience import patient

FORM = {"name": "Bjørnøya AS", "modules": ["vat", None], "share": 0.5, "nested": {"at": "2026-01-01"}}


@pytest.fixture
async def pool(dsn):
    settings = PostgresSettings(dsn=SecretStr(dsn), pool_max=3, statement_timeout_seconds=0.2)
    pool = await postgres_pool(settings, application="org-service", health=Health())
    yield pool
    await pool.close()


@pytest.mark.parametrize("kind", ["json", "jsonb"])
async def test_json_travels_as_values(pool, kind):
    assert await pool.fetchval(f"SELECT $1::{kind}", FORM) == FORM
    assert await pool.fetchval(f"""SELECT '{{"a": [1, "ø"]}}'::{kind}""") == {"a": [1, "ø"]}


async def test_json_null_is_told_from_no_value(pool):
    row = await pool.fetchrow("SELECT 'null'::jsonb = $1::jsonb AS json_null, NULL::jsonb AS nothing", "x")
    assert tuple(row) == (False, None)


async def test_json_goes_through_copy(pool):
    await pool.execute("CREATE TABLE form (id uuid, body jsonb, raw json)")
    await pool.copy_records_to_table("form", records=[(uuid.uuid4(), FORM, FORM)])
    assert tuple(await pool.fetchrow("SELECT body, raw, body->>'name' FROM form")) == (FORM, FORM, "Bjørnøya AS")


async def test_sessions_are_named_and_in_utc(pool):
    row = await pool.fetchrow("SELECT current_setting('application_name'), current_setting('timezone')")
    assert tuple(row) == ("org-service", "UTC")


async def test_long_statement_is_cancelled(pool):
    with pytest.raises(asyncpg.QueryCanceledError):
        await pool.execute("SELECT pg_sleep(30)")


async def test_pool_is_a_readiness_check(dsn):
    health = Health()
    pool = await postgres_pool(PostgresSettings(dsn=SecretStr(dsn)), application="org-service", health=health)
    health.started()
    assert (await health._ready())[0] == 200
    await pool.close()
    status, body = await health._ready()
    assert (status, "closed" in body["checks"]["postgres"]["why"]) == (503, True)


async def test_waits_for_a_database_that_is_still_to_be_created(postgres):
    """A role or database that is missing is a matter of time, too: the server's set-up may run beside our start."""
    clock = SettableClock(datetime(2026, 1, 1, tzinfo=UTC))
    health = Health(clock=clock)
    name = f"t_{uuid.uuid4().hex}"
    settings = PostgresSettings(dsn=SecretStr(postgres.database(name)), pool_min=0)
    opening = asyncio.create_task(postgres_pool(settings, application="org-service", health=health, clock=clock))
    async with asyncio.timeout(patient(10)):
        while clock.sleepers == 0:  # noqa: ASYNC110
            await asyncio.sleep(0)
    _, body = await health._ready()
    assert f'database "{name}" does not exist' in body["phase"]
    administrator = await postgres.connect()
    await administrator.execute(f"CREATE DATABASE {name}")
    await administrator.close()
    clock.advance(2)
    async with asyncio.timeout(patient(10)):
        pool = await opening
    await pool.close()
