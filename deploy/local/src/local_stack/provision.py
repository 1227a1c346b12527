"""Databases and roles: made once, left alone when they are right. Topics come from `provisioning`, which serves any cluster."""

from urllib.parse import unquote, urlsplit

from local_stack.postgres import PostgresAddress
from provisioning.cluster import ProvisioningError
from provisioning.topics import Declared, Difference, create_topics, delete_topics

__all__ = [
    "Declared",
    "Difference",
    "ProvisioningError",
    "admit_operator",
    "close_to_public",
    "create_database",
    "create_topics",
    "delete_topics",
    "literal",
    "quoted",
]


async def create_database(server: PostgresAddress, dsn: str) -> None:
    """The database, role and password that a DSN names: the role owns the database and alone may connect to it."""
    parts = urlsplit(dsn)
    role, database, password = (unquote(part or "") for part in (parts.username, parts.path[1:], parts.password))
    connection = await server.connect()
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {quoted(role)} LOGIN")
        await connection.execute(f"ALTER ROLE {quoted(role)} PASSWORD {literal(password)}")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            # An administrator who is not a superuser must be a member of the role to make it the owner.
            await connection.execute(f"GRANT {quoted(role)} TO CURRENT_USER")
            await connection.execute(f"CREATE DATABASE {quoted(database)} OWNER {quoted(role)}")
        await connection.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {quoted(database)} FROM PUBLIC")
    finally:
        await connection.close()


async def admit_operator(server: PostgresAddress, dsn: str, *, owner: str) -> None:
    """Let the role that `dsn` names work in schema `eventing` of the database and read schema `operators`, and nowhere else.

    That holds after every migration, too. In schema `operators` are the views and functions that a service offers to operators.

    `owner` is the DSN of the role that owns the database.
    """
    parts, owning = urlsplit(dsn), quoted(unquote(urlsplit(owner).username or ""))
    name, database = unquote(parts.username or ""), unquote(parts.path[1:])
    role, password = quoted(name), literal(unquote(parts.password or ""))
    connection = await server.connect(database)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
            await connection.execute(f"CREATE ROLE {role} LOGIN")
        tables, sequences = "SELECT, INSERT, UPDATE, DELETE ON {} TO " + role, "USAGE, SELECT ON {} TO " + role
        # The service's migrations fill the schema later, as its owner; the default privileges are for what they will make.
        await connection.execute(f"""
            ALTER ROLE {role} PASSWORD {password};
            GRANT CONNECT ON DATABASE {quoted(database)} TO {role};
            CREATE SCHEMA IF NOT EXISTS eventing AUTHORIZATION {owning};
            CREATE SCHEMA IF NOT EXISTS operators AUTHORIZATION {owning};
            GRANT USAGE ON SCHEMA eventing, operators TO {role};
            GRANT {tables.format("ALL TABLES IN SCHEMA eventing")};
            GRANT {sequences.format("ALL SEQUENCES IN SCHEMA eventing")};
            ALTER DEFAULT PRIVILEGES FOR ROLE {owning} IN SCHEMA eventing GRANT {tables.format("TABLES")};
            ALTER DEFAULT PRIVILEGES FOR ROLE {owning} IN SCHEMA eventing GRANT {sequences.format("SEQUENCES")};
            GRANT SELECT ON ALL TABLES IN SCHEMA operators TO {role};
            ALTER DEFAULT PRIVILEGES FOR ROLE {owning} IN SCHEMA operators GRANT SELECT ON TABLES TO {role};
        """)
    finally:
        await connection.close()


async def close_to_public(server: PostgresAddress) -> None:
    """On a server of our own: nobody but the administrator enters the databases that every server has."""
    connection = await server.connect()
    try:
        await connection.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
    finally:
        await connection.close()


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
