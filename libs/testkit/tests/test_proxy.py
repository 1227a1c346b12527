import asyncio
from collections.abc import AsyncIterator

import pytest

from testkit import Proxy, probe


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1000):
        writer.write(chunk)
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


async def connect(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def echoed(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], text: bytes) -> bytes:
    reader, writer = connection
    writer.write(text)
    return await asyncio.wait_for(reader.readexactly(len(text)), 5)


async def test_forwards_both_ways_and_passes_the_end_on(proxy: Proxy) -> None:
    reader, writer = await connect(proxy)
    writer.write(b"x" * 1_000_000)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b"x" * 1_000_000
    writer.close()


async def test_refuses_and_restores_on_the_same_port(proxy: Proxy) -> None:
    first = await connect(proxy)
    assert await echoed(first, b"before") == b"before"
    await proxy.refuse()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await echoed(first, b"after")
    first[1].close()
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    await proxy.restore()
    second = await connect(proxy)
    assert await echoed(second, b"again") == b"again"
    second[1].close()


async def test_cut_resets_what_is_open_and_lets_new_connections_in(proxy: Proxy) -> None:
    first = await connect(proxy)
    assert await echoed(first, b"before") == b"before"
    await proxy.cut()
    assert proxy.connections == 0
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await echoed(first, b"after")
    first[1].close()
    second = await connect(proxy)
    assert await echoed(second, b"again") == b"again"
    assert proxy.accepted == 2
    second[1].close()


async def test_a_reset_of_the_server_reaches_the_client() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]) as proxy:
        connection = await connect(proxy)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await echoed(connection, b"lost" * 100_000)
        connection[1].close()


async def test_pause_holds_bytes_back_and_loses_none(proxy: Proxy) -> None:
    reader, writer = connection = await connect(proxy)
    assert await echoed(connection, b"before") == b"before"
    proxy.pause()
    writer.write(b"held")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(held := asyncio.ensure_future(reader.readexactly(4))), 0.1)
    await proxy.restore()
    assert await asyncio.wait_for(held, 5) == b"held"
    writer.close()
    await probe(lambda: proxy.connections == 0, within=5)
