"""Endpoints inside the loop, as strangers meet them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from servicekit.http import Gone, TooLarge, answer, body_of, served


async def pieces(*messages: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for message in messages:
        yield {"type": "http.request"} | message


async def test_a_body_in_pieces_is_whole() -> None:
    coming = pieces({"body": b"ab", "more_body": True}, {"more_body": True}, {"body": b"c"})
    assert await body_of(coming.__anext__, most_bytes=3) == b"abc"


async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    coming = pieces(*[{"body": b"x" * 10, "more_body": True}] * 1000)
    with pytest.raises(TooLarge):
        await body_of(coming.__anext__, most_bytes=25)
    assert sum([1 async for _ in coming]) == 997


async def test_who_goes_away_in_the_middle_has_no_body() -> None:
    coming = pieces({"body": b"half", "more_body": True}, {"type": "http.disconnect"})
    with pytest.raises(Gone):
        await body_of(coming.__anext__, most_bytes=100)


async def test_more_than_it_takes_at_once_are_told_to_come_later() -> None:
    busy, done = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        busy.set()
        await done.wait()
        await answer(send, 202)

    async with served(slow, "127.0.0.1", 0, name="slow", most_at_once=2) as url, httpx.AsyncClient(base_url=url) as client:
        first = asyncio.create_task(client.get("/"))
        await busy.wait()
        assert (await client.get("/")).status_code == 503
        done.set()
        answered = await first
    assert (answered.status_code, answered.content) == (202, b"")
