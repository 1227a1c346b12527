"""The database in which a service is rebuilt: beside its own, of the same name with `_shadow`, emptied at every use.

Its owner is the service's role. The name cannot be chosen. So nobody can name a database by mistake whose contents somebody needs.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from servicekit.migrations import MigrationSet, migrate
from servicekit.postgres import json_as_values
from servicekit.settings import PostgresSettings

_OPERATORS = "operators"
"""The schema in which migrations put what operators may read of a service's own."""
_NOTES = ("public.migration_content", "public._pogo_migration", "public._pogo_version")


class NoScratchDatabase(Exception):
    """There is no database to rebuild the service in."""


def scratch_dsn(dsn: str) -> str:
    """The address of the database beside this one."""
    url = urlsplit(dsn)
    return urlunsplit(url._replace(path=f"{url.path}_shadow"))


@asynccontextmanager
async def emptied(settings: PostgresSettings, sets: Sequence[MigrationSet], *, application: str) -> AsyncIterator[asyncpg.Pool]:
    """Its only connection, as a pool; the schemas of ``sets`` are made anew and stay afterwards. Raises `NoScratchDatabase`."""
    dsn = scratch_dsn(settings.dsn.get_secret_value())
    # Nothing in it outlives a crash: it would be emptied first.
    options = {"application_name": f"{application} shadow", "timezone": "UTC", "statement_timeout": "0", "synchronous_commit": "off"}
    try:
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=1, init=json_as_values, server_settings=options)
    except (asyncpg.InvalidCatalogNameError, asyncpg.InsufficientPrivilegeError) as error:
        raise NoScratchDatabase(f"{error}: a rebuild needs an empty database of this name, owned by the service's role") from None
    async with pool:
        schemas = ", ".join(f'"{name}"' for name in (*(each.schema for each in sets), _OPERATORS))
        await pool.execute(f"DROP SCHEMA IF EXISTS {schemas} CASCADE")
        await pool.execute(f"DROP TABLE IF EXISTS {', '.join(_NOTES)}")
        await migrate(dsn, sets)
        yield pool
