"""What landed before a migration is there after it."""

import shutil
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from servicekit.migrations import MigrationSet, migrate
from sync_worker.app import MIGRATIONS
from testkit.databases import DatabaseFactory

from .conftest import EVERY_ORGANIZATION

pytestmark = pytest.mark.servers


async def test_the_values_of_two_dimensions_move_to_the_table_of_all(database: DatabaseFactory, tmp_path: Path) -> None:
    for path in sorted(MIGRATIONS.glob("*.sql"))[:3]:
        shutil.copy(path, tmp_path)
    dsn = await database("sync_worker_before_0004", lambda dsn: _migrate(dsn, tmp_path))
    connection = await asyncpg.connect(dsn + EVERY_ORGANIZATION)
    try:
        company = uuid4()
        await connection.execute(
            "INSERT INTO sync.company (company_id, organization_id, visma_customer_id, visma_company_id, organisation_number, period_type,"
            " financial_year_start_month, reconciliation_start, modules, created_at)"
            " VALUES ($1, $1, 1, 2, '999888777', 'month', 1, '2026-01-01', '{}', now())",
            company,
        )
        for dimension in (1, 2):
            await connection.execute(
                f"INSERT INTO sync.org_unit_{dimension} (organization_id, company_id, org_unit, dimension, name, scan, version, changed_at)"
                f" VALUES ($1, $1, 30 + {dimension}, {dimension}, 'Nord', 5, 2, now())",
                company,
            )
        await _migrate(dsn, MIGRATIONS)
        rows = await connection.fetch("SELECT dimension, code, org_unit, name, scan, version FROM sync.org_unit ORDER BY 1")
    finally:
        await connection.close()
    assert [tuple(row) for row in rows] == [(1, "31", 31, "Nord", 5, 2), (2, "32", 32, "Nord", 5, 2)]


async def _migrate(dsn: str, folder: Path) -> None:
    await migrate(dsn, [MigrationSet("sync", folder)])
