"""The service's connection pool."""

import asyncpg
import orjson

from eventing.session_lock import give_back
from servicekit.clock import Clock
from servicekit.health import Health
from servicekit.settings import PostgresSettings
from servicekit.waiting import wait_for

AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a connection attempt raises while the server is away, starting, or does not know our role or database yet."""


async def postgres_pool(settings: PostgresSettings, *, application: str, health: Health, clock: Clock | None = None) -> asyncpg.Pool:
    """Wait for PostgreSQL, open the pool and register its readiness check. The caller closes the pool.

    `json` and `jsonb` arguments and results are Python values: what orjson can write, with decimals and other types of
    the domain turned into text by the caller (a JSON number would come back as a float). Sessions run in UTC.

    Args:
        application: shown by PostgreSQL beside each connection (`pg_stat_activity.application_name`).
    """

    async def connect() -> asyncpg.Pool:
        pool = asyncpg.create_pool(
            settings.dsn.get_secret_value(),
            min_size=settings.pool_min,
            max_size=settings.pool_max,
            init=json_as_values,
            reset=give_back,
            server_settings={
                "application_name": application,
                "timezone": "UTC",
                "statement_timeout": str(round(settings.statement_timeout_seconds * 1000)),
            },
        )
        try:
            await pool
            await pool.fetchval("SELECT 1")  # with pool_min 0 nothing has been asked so far
        except BaseException:
            pool.terminate()
            raise
        return pool

    pool = await wait_for(f"PostgreSQL at {settings.place}", connect, health=health, away=AWAY, clock=clock)
    health.register("postgres", lambda: pool.fetchval("SELECT 1"))
    return pool


async def json_as_values(connection: asyncpg.Connection) -> None:
    """Make `json` and `jsonb` Python values on this connection."""
    # Binary, because COPY knows no other format; jsonb's binary form is its text after a version byte, which is 1.
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
        format="binary",
    )
    await connection.set_type_codec("json", schema="pg_catalog", encoder=orjson.dumps, decoder=orjson.loads, format="binary")
