"""What a role may not do in PostgreSQL."""

import asyncpg
import certifi
import pytest

from local_stack.postgres import PostgresAddress
from local_stack.programs import PROGRAMS
from local_stack.provision import close_to_public
from local_stack.stack import LocalStack
from servicekit.migrations import MigrationSet, migrate
from servicekit.scratch import scratch_dsn
from sync_worker.app import MIGRATIONS

SERVICES = [program.name for program in PROGRAMS if program.owns_database]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_enters_its_own_database_and_no_other(installation: LocalStack, service: str) -> None:
    credentials = installation.databases[service].rpartition("@")[0]
    shadows = {owner: scratch_dsn(installation.databases[owner]) for owner in SERVICES}
    for owner, dsn in [*installation.databases.items(), *shadows.items()]:
        attempt = f"{credentials}@{dsn.rpartition('@')[2]}"
        if owner == service:
            connection = await asyncpg.connect(attempt)
            await connection.close()
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(attempt)


async def test_no_role_enters_the_databases_that_every_server_has(installation: LocalStack, postgres: PostgresAddress) -> None:
    await close_to_public(postgres)  # the stack does it on a server of its own; this one was given to it
    before = installation.databases["org-service"].rpartition("/")[0]
    for database in ("postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(f"{before}/{database}")


async def test_no_role_is_more_than_an_owner_of_its_database(installation: LocalStack) -> None:
    connection = await asyncpg.connect(installation.databases["org-service"])
    try:
        roles = await connection.fetch(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS more FROM pg_roles"
            " WHERE starts_with(rolname, replace(current_user, 'org_service', ''))"
        )
    finally:
        await connection.close()
    assert len(roles) > len(SERVICES)
    assert not any(role["more"] for role in roles)


async def test_operators_work_in_the_message_core_and_see_nothing_else(installation: LocalStack) -> None:
    service = "org-service"
    await migrate(
        installation.databases[service], [MigrationSet.of_package("eventing", "eventing"), MigrationSet.of_package("tenancy", "tenancy")]
    )
    connection = await asyncpg.connect(installation.operator_databases[service])
    try:
        assert await connection.fetchval("SELECT count(*) FROM eventing.outbox") == 0
        assert await connection.execute("DELETE FROM eventing.parked") == "DELETE 0"
        for table in ("tenancy.member", "tenancy.organization"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM {table}")
        for statement in (
            "DROP TABLE eventing.outbox",
            "CREATE TABLE eventing.mine ()",
            "CREATE TABLE public.mine ()",
            "TRUNCATE eventing.outbox",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_operators_read_what_a_service_shows_them_and_not_what_it_is_made_of(installation: LocalStack) -> None:
    service = "sync-worker"
    await migrate(installation.databases[service], [MigrationSet.of_package("eventing", "eventing"), MigrationSet("sync", MIGRATIONS)])
    connection = await asyncpg.connect(installation.operator_databases[service])
    try:
        assert await connection.fetch("SELECT * FROM operators.retrieval") == []
        for statement in ("SELECT * FROM sync.work_item", "DELETE FROM operators.retrieval", "CREATE TABLE operators.mine ()"):
            with pytest.raises(asyncpg.PostgresError, match=r"permission denied|cannot delete"):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_dsn_that_wants_encryption_takes_no_server_without_it(installation: LocalStack) -> None:
    with pytest.raises(ConnectionError, match="SSL"):
        await asyncpg.connect(f"{installation.databases['org-service']}?sslmode=verify-full&sslrootcert={certifi.where()}")
