"""Brings a database up to date at the start of a service, safely from several replicas at once.

Migrations are plain SQL files for pogo: a comment that says what the file does, `-- depends:` with the name of the file
before it, `-- migrate: apply`, the statements, `-- migrate: rollback`, the way back. A set of them (a folder) lives in a
PostgreSQL schema of its own: its statements run with that schema as the search path, and its history is its own.

What has been applied is released and never changes again; the content of every file is noted and compared. A change is
a new file. History and notes are kept in schema `public`, where the service's role must be allowed to create tables
(it is, when it owns the database).
"""

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

import asyncpg
import structlog
from pogo_core.util import migrate as pogo
from pogo_core.util import sql as history

_log = structlog.get_logger(__name__)

_LOCK = int.from_bytes(hashlib.sha256(b"servicekit.migrations").digest()[:8], signed=True)

_POGO = logging.getLogger("pogo")
_POGO.setLevel(logging.ERROR)  # it warns about every file it applies; we say it once, in our own words

_FIRST = re.compile(r"^-- depends:[ \t]*$", re.MULTILINE)

_NOTES = """
CREATE TABLE IF NOT EXISTS public.migration_content (
    schema_name  text NOT NULL,
    migration_id text NOT NULL,
    sha256       text NOT NULL,
    PRIMARY KEY (schema_name, migration_id)
)
"""


@dataclass(frozen=True)
class MigrationSet:
    """The folder of one owner's migrations and the PostgreSQL schema they build."""

    schema: str
    folder: Path

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", self.schema):
            raise ValueError(f"{self.schema!r} is no plain PostgreSQL schema name")
        if not self.folder.is_dir():
            raise FileNotFoundError(f"there is no folder of migrations at {self.folder}")

    @classmethod
    def of_package(cls, schema: str, package: str, folder: str = "migrations") -> Self:
        """The set whose folder is inside an installed package."""
        return cls(schema, Path(str(files(package) / folder)))


class ReleasedMigrationChangedError(Exception):
    """A file that this database has already applied has other content now."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} has been applied to this database and was changed afterwards ({path}). "
            "Restore the file and put the change into a new migration"
        )
        self.path = path


async def migrate(dsn: str, sets: Sequence[MigrationSet]) -> list[str]:
    """Apply what is missing, set by set in the given order, and name what was applied (`schema/file`).

    Replicas that start together queue at an advisory lock: the first applies, the others find nothing to do. The work
    is done on a connection of its own, without the pool's statement timeout. A failing file leaves those before it
    applied and raises; migrations of a newer release that this program does not know are left alone.

    Raises:
        ReleasedMigrationChangedError: an applied file has changed; nothing of its set is applied.
        pogo_core.error.BadMigrationError: a file cannot be read or its SQL fails; the cause says why.
    """
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "migrations", "statement_timeout": "0"})
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(_NOTES)
        await history.ensure_pogo_sync(connection)
        return [name for migrations in sets for name in await _apply(connection, migrations)]
    finally:
        await connection.close(timeout=5)  # the lock belongs to the session and goes with it


async def _apply(connection: asyncpg.Connection, migrations: MigrationSet) -> list[str]:
    schema = migrations.schema
    await history.create_schema(connection, schema_name=schema)
    await connection.execute("SELECT set_config('search_path', $1, false)", schema)
    applied = await history.get_applied_migrations(connection, schema_name=schema)
    await _note_content(connection, migrations, applied)
    if any(path.stem not in applied for path in migrations.folder.glob("*.sql")):  # else it would parse them all for nothing: 0.1 s a start
        await pogo.apply(connection, migrations.folder, schema_name=schema, logger=_POGO)
    fresh = sorted(await history.get_applied_migrations(connection, schema_name=schema) - applied)
    if fresh:
        _log.info("migrations.applied", schema=schema, files=fresh)
    return [f"{schema}/{name}" for name in fresh]


async def _note_content(connection: asyncpg.Connection, migrations: MigrationSet, applied: set[str]) -> None:
    """Compare applied files with what was noted, and note the others before they are applied.

    Noted afterwards, a crash between the two would leave an applied file that nobody guards. A note about a file that
    is not applied yet binds nothing and is overwritten.
    """
    rows = await connection.fetch("SELECT migration_id, sha256 FROM public.migration_content WHERE schema_name = $1", migrations.schema)
    noted = {row["migration_id"]: row["sha256"] for row in rows}
    contents = _contents(migrations.folder)
    for path, sha256 in contents.items():
        if path.stem in applied and noted.get(path.stem, sha256) != sha256:
            raise ReleasedMigrationChangedError(path)
    await connection.executemany(
        "INSERT INTO public.migration_content VALUES ($1, $2, $3)"
        " ON CONFLICT (schema_name, migration_id) DO UPDATE SET sha256 = excluded.sha256",
        [(migrations.schema, path.stem, sha256) for path, sha256 in contents.items()],
    )


def _contents(folder: Path) -> dict[Path, str]:
    """Every migration with the hash of its text (line endings do not count)."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    firsts = [path.name for path, text in texts.items() if _FIRST.search(text)]
    if len(firsts) > 1:
        # pogo would run them in the order the file system lists them, which differs between machines.
        raise ValueError(f"only one migration can be the first; say what these depend on: {', '.join(firsts)}")
    return {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}
