"""What somebody waits to see is read without a pause: a page is asked for while the one before it lands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from testkit.databases import Templates
from testkit.probe import probe

from .books import LINES, PAINTER, Books, retrieved

pytestmark = pytest.mark.servers

PAGE = 10
NEWEST = "SELECT {} FROM sync.work_item WHERE data_set = 'ledger_lines' AND rank = 0"


@pytest.fixture(scope="module")
async def books(database_templates: Templates) -> AsyncIterator[Books]:
    async with retrieved(database_templates, PAINTER) as [found]:
        yield found


@asynccontextmanager
async def landing_held_up(books: Books) -> AsyncIterator[None]:
    """No page of the company lands inside."""
    async with books.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(books.company.company_id))
        yield


async def read_newest_again(books: Books) -> int:
    """How many lines it has."""
    lines = await books.pool.fetchval(NEWEST.format("expected"))
    await books.pool.execute(
        "INSERT INTO sync.turn (source, company_id) VALUES ('visma', $1) ON CONFLICT DO NOTHING", books.company.company_id
    )
    await books.pool.execute(
        "UPDATE sync.work_item SET status = 'retrieving', scan = nextval('sync.scan'), cursor = NULL, scanned = 0, scan_complete = false"
        f" WHERE work_item_id = ({NEWEST.format('work_item_id')})"
    )
    await books.asked()
    return int(lines)


async def pages_asked_for(books: Books) -> int:
    found = (await books.control.get("/requests")).json()["requests"]
    return sum(each["operation"] == LINES for each in found)


async def test_the_next_page_is_asked_for_while_one_lands(books: Books) -> None:
    lines = await read_newest_again(books)
    assert lines > 3 * PAGE

    async def two() -> bool:
        return await pages_asked_for(books) == 2

    async with books.workers(page_size=PAGE):
        async with landing_held_up(books):
            await probe(two, within=20, every=0.01)
            assert await books.pool.fetchval(NEWEST.format("scanned")) == 0
        await probe(lambda: books.pool.fetchval(NEWEST.format("status = 'complete'")), within=20, every=0.01)
    assert await books.pool.fetchval(NEWEST.format("scanned")) == lines
    assert await pages_asked_for(books) == -(-lines // PAGE)


async def test_a_pause_ends_it_with_the_page_that_lands(books: Books) -> None:
    await read_newest_again(books)
    paused = "UPDATE sync.company SET paused_at = {} WHERE company_id = $1"

    async def two() -> bool:
        return await pages_asked_for(books) == 2

    async with books.workers(page_size=PAGE):
        async with landing_held_up(books):
            await probe(two, within=20, every=0.01)
            await books.pool.execute(paused.format("now()"), books.company.company_id)
        await probe(lambda: books.pool.fetchval(NEWEST.format("scanned > 0 AND lease_token IS NULL")), within=20, every=0.01)
        assert await books.pool.fetchval(NEWEST.format("scanned")) == PAGE
        assert await pages_asked_for(books) == 2
        await books.pool.execute(paused.format("NULL"), books.company.company_id)
        await probe(lambda: books.pool.fetchval(NEWEST.format("status = 'complete'")), within=20, every=0.01)
