"""A database per test, cloned from one that was migrated once in the run."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from local_stack import provision
from local_stack.postgres import PostgresAddress

Migrate = Callable[[str], Awaitable[object]]
"""Brings the database of a DSN to its present form, connected as the role that owns it."""


@dataclass
class Templates:
    """The migrated databases of this run, by member and migration, each with a role of its own."""

    server: PostgresAddress
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _made: dict[tuple[str, Migrate | None], str] = field(default_factory=dict)

    async def clone(self, member: str, migrate: Migrate | None) -> str:
        """A new database; returns its DSN for the role that owns it."""
        role = await self._template(member, migrate)
        name = f"{role}_{uuid.uuid4().hex[:8]}"
        await self._execute(
            f"CREATE DATABASE {provision.quoted(name)} TEMPLATE {provision.quoted(role)} OWNER {provision.quoted(role)} STRATEGY file_copy",
            f"REVOKE CONNECT, TEMPORARY ON DATABASE {provision.quoted(name)} FROM PUBLIC",
        )
        return self.server.database(name, role=role, password=self.run)

    async def drop(self, dsn: str) -> None:
        await self._execute(f"DROP DATABASE IF EXISTS {provision.quoted(dsn.rpartition('/')[2])} WITH (FORCE)")

    async def drop_all(self) -> None:
        for role in self._made.values():
            await self._execute(f"DROP DATABASE {provision.quoted(role)} WITH (FORCE)", f"DROP ROLE {provision.quoted(role)}")

    async def _template(self, member: str, migrate: Migrate | None) -> str:
        """Made at the first request; template and role have the same name."""
        key = member, migrate
        if key not in self._made:
            role = f"{member}_{self.run}_{len(self._made)}"
            dsn = self.server.database(role, role, self.run)
            await provision.create_database(self.server, dsn)
            if migrate:
                await migrate(dsn)
            self._made[key] = role
        return self._made[key]

    async def _execute(self, *statements: str) -> None:
        connection = await self.server.connect()
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


DatabaseFactory = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session")
async def database_templates(postgres: PostgresAddress) -> AsyncIterator[Templates]:
    templates = Templates(postgres)
    yield templates
    await templates.drop_all()


@pytest.fixture
async def database(database_templates: Templates) -> AsyncIterator[DatabaseFactory]:
    """`dsn = await database("org_service", migrate)`: a database in the form that `migrate(dsn)` gives, this test's alone.

    `migrate` runs once in the run for each member and callable (pass a named function, not a new lambda in every test); without it the
    database is empty. All connections are cut and the database dropped when the test ends.
    """
    created: list[str] = []

    async def create(member: str = "test", migrate: Migrate | None = None) -> str:
        created.append(await database_templates.clone(member, migrate))
        return created[-1]

    yield create
    for dsn in created:
        await database_templates.drop(dsn)
