"""The wall between organisations in the database: landed rows are there only for a transaction that says which organisation it is for.

Whoever holds an item or a republication has said so by holding it (`work_items.hold`, `republications.hold`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventing.outbox import Outbox
from eventing.sql import queries
from eventing.work import Connection
from sync_worker.domain.company import Company

_WALL = queries(__file__, "wall")


@asynccontextmanager
async def reading(outbox: Outbox, company: Company) -> AsyncIterator[Connection]:
    """A connection that reads the landed rows of the company's organisation, while nothing is held."""
    async with outbox.pool.acquire() as connection, connection.transaction(readonly=True):
        await _WALL.work_for(connection, organization_id=company.organization_id)
        yield connection
