import asyncpg
import pytest

from local_stack.postgres import PostgresAddress
from testkit import DatabaseFactory
from testkit.databases import Templates

migrated: list[str] = []


async def migrate(dsn: str) -> None:
    migrated.append(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE companies (number integer PRIMARY KEY)")
    await connection.close()


async def databases(postgres: PostgresAddress, role: str) -> set[str]:
    """Those that are called after the role; others come and go, because the server is shared."""
    connection = await postgres.connect()
    try:
        return {name for (name,) in await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", role)}
    finally:
        await connection.close()


async def test_clones_share_one_migration_and_nothing_else(database: DatabaseFactory) -> None:
    migrated.clear()
    one, other = await database("member_a", migrate), await database("member_a", migrate)
    assert len(migrated) == 1
    connection = await asyncpg.connect(one)
    await connection.execute("INSERT INTO companies VALUES (7100001)")
    await connection.close()
    connection = await asyncpg.connect(other)
    assert await connection.fetchval("SELECT count(*) FROM companies") == 0
    await connection.close()


async def test_a_role_reaches_its_own_databases_alone(database: DatabaseFactory) -> None:
    mine, theirs = await database("member_b"), await database("member_c")
    connection = await asyncpg.connect(mine)
    assert not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(mine.rpartition("/")[0] + "/" + theirs.rpartition("/")[2])


async def test_everything_is_dropped_even_with_a_connection_open(postgres: PostgresAddress) -> None:
    assert await databases(postgres, "member_d") == set()
    templates = Templates(postgres)
    dsn = await templates.clone("member_d", migrate)
    assert len(await databases(postgres, "member_d")) == 2
    forgotten = await asyncpg.connect(dsn)
    await templates.drop(dsn)
    await templates.drop_all()
    assert await databases(postgres, "member_d") == set()
    forgotten.terminate()
