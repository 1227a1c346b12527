import asyncio
from pathlib import Path

import asyncpg
import pytest
from pogo_core.error import BadMigrationError

from servicekit.migrations import MigrationSet, ReleasedMigrationChangedError, migrate
from testkit.patience import patient

FIRST = """-- Members of organisations
-- depends:
-- migrate: apply
CREATE TABLE member (id bigint PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION shout() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'a;b'; END; $$;
-- migrate: rollback
DROP TABLE member;
"""
SECOND = """-- Roles
-- depends: 0001_members
-- migrate: apply
ALTER TABLE member ADD COLUMN role text;
-- migrate: rollback
ALTER TABLE member DROP COLUMN role;
"""


@pytest.fixture
def members(tmp_path: Path) -> MigrationSet:
    folder = tmp_path / "members"
    folder.mkdir()
    (folder / "0001_members.sql").write_text(FIRST)
    (folder / "0002_roles.sql").write_text(SECOND)
    return MigrationSet("members", folder)


async def ask(dsn: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_applies_once_into_the_schema(dsn, members):
    assert await migrate(dsn, [members]) == ["members/0001_members", "members/0002_roles"]
    assert await migrate(dsn, [members]) == []
    assert await ask(dsn, "SELECT id, name, role FROM members.member") == []


async def test_sets_with_equal_file_names_have_their_own_history(dsn, members, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "0001_members.sql").write_text(FIRST)
    applied = await migrate(dsn, [members, MigrationSet("other", other)])
    assert applied == ["members/0001_members", "members/0002_roles", "other/0001_members"]
    await ask(dsn, "SELECT id FROM members.member UNION SELECT id FROM other.member")


async def test_of_replicas_that_start_together_one_applies_and_all_succeed(dsn, members):
    async with asyncio.timeout(patient(30)):
        results = await asyncio.gather(*(migrate(dsn, [members]) for _ in range(3)))
    assert sorted(results) == [[], [], ["members/0001_members", "members/0002_roles"]]


async def test_changed_released_file_is_refused_by_name(dsn, members):
    await migrate(dsn, [members])
    (members.folder / "0001_members.sql").write_text(FIRST.replace("NOT NULL", ""))
    (members.folder / "0003_more.sql").write_text(SECOND.replace("0001_members", "0002_roles").replace("role", "more"))
    with pytest.raises(ReleasedMigrationChangedError, match=r"0001_members\.sql has been applied"):
        await migrate(dsn, [members])
    assert await ask(dsn, "SELECT FROM information_schema.columns WHERE column_name = 'more'") == []


async def test_line_endings_are_no_change(dsn, members):
    await migrate(dsn, [members])
    (members.folder / "0001_members.sql").write_bytes(FIRST.replace("\n", "\r\n").encode())
    assert await migrate(dsn, [members]) == []


async def test_failing_file_can_be_corrected_because_it_is_not_released(dsn, members):
    broken = members.folder / "0002_roles.sql"
    broken.write_text(SECOND.replace("member ADD", "nobody ADD"))
    with pytest.raises(BadMigrationError, match="0002_roles"):
        await migrate(dsn, [members])
    broken.write_text(SECOND)
    assert await migrate(dsn, [members]) == ["members/0002_roles"]


async def test_lock_is_free_after_a_failure_and_after_a_cancellation(dsn, members):
    slow = members.folder / "0002_roles.sql"
    slow.write_text(SECOND.replace("ALTER TABLE member ADD", "SELECT pg_sleep(60); ALTER TABLE member ADD"))
    working = asyncio.create_task(migrate(dsn, [members]))
    async with asyncio.timeout(patient(10)):
        while not await ask(dsn, "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"):
            continue
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    slow.write_text(SECOND)
    async with asyncio.timeout(patient(10)):
        assert await migrate(dsn, [members]) == ["members/0002_roles"]


async def test_older_program_leaves_newer_migrations_alone(dsn, members):
    await migrate(dsn, [members])
    (members.folder / "0002_roles.sql").unlink()
    assert await migrate(dsn, [members]) == []


async def test_statement_timeout_of_the_database_does_not_cut_migrations_short(dsn, members):
    name = dsn.rpartition("/")[2]
    await ask(dsn, f"ALTER DATABASE {name} SET statement_timeout = '50ms'")
    slow = members.folder / "0002_roles.sql"
    slow.write_text(SECOND.replace("ALTER TABLE member ADD", "SELECT pg_sleep(0.2); ALTER TABLE member ADD"))
    assert await migrate(dsn, [members]) == ["members/0001_members", "members/0002_roles"]


async def test_two_files_without_a_predecessor_are_refused(dsn, members):
    (members.folder / "0002_roles.sql").write_text(SECOND.replace(" 0001_members", ""))
    with pytest.raises(ValueError, match=r"0001_members\.sql, 0002_roles\.sql"):
        await migrate(dsn, [members])


def test_set_of_a_package_is_its_folder():
    assert MigrationSet.of_package("eventing", "eventing").folder.name == "migrations"


def test_missing_folder_and_odd_schema_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        MigrationSet("org", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="Org"):
        MigrationSet("Org; DROP", tmp_path)
