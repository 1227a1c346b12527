"""What the transport promises on its own."""

import asyncio
import contextlib
import time
from datetime import timedelta

import pytest

from skatteetaten import SkatteetatenSettings, TransientError
from skatteetaten.http import Http

pytestmark = pytest.mark.servers


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer that never stops coming, a byte at a time."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
    writer.close()


async def test_the_time_limit_holds_for_the_whole_answer(settings: SkatteetatenSettings) -> None:
    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with Http(settings.model_copy(update={"request_timeout": timedelta(seconds=0.4)})) as http:
            started = time.monotonic()
            with pytest.raises(TransientError, match="no answer in time"):
                await http.send("GET", f"http://{host}:{port}/", headers={})
            assert time.monotonic() - started < 5


async def answer_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(0.1)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    writer.close()


async def test_waiting_for_a_turn_does_not_count_as_waiting_for_an_answer(settings: SkatteetatenSettings) -> None:
    narrow = settings.model_copy(update={"max_connections": 1, "request_timeout": timedelta(seconds=0.8)})
    async with await asyncio.start_server(answer_slowly, "127.0.0.1", 0) as server, Http(narrow) as http:
        host, port = server.sockets[0].getsockname()
        calls = (http.send("GET", f"http://{host}:{port}/", headers={}) for _ in range(12))
        assert {answer.status for answer in await asyncio.gather(*calls)} == {204}
