"""A TCP proxy that breaks connections on request, between a client and a real server."""

import asyncio
from typing import Self

from local_stack.ports import free_port

CHUNK = 65_536


class Proxy:
    """Listens on 127.0.0.1 at a port that stays the same, and forwards to port `target`. Use it as `async with Proxy(port) as proxy`.

    refuse   connections are cut and new ones refused, as when the server's process is gone
    cut      connections are reset once, new ones work, as when a network device forgot them
    pause    nothing is forwarded and nothing closed, as when packets are lost
    restore  back to forwarding
    """

    def __init__(self, target: int, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self._target = target
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.accepted = 0
        """Connections accepted so far."""
        self.delay = 0.0
        """Seconds by which each piece is held back, each way, as on a long road."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """Open connections of clients."""
        return len(self._pumps)

    async def __aenter__(self) -> Self:
        await self.restore()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def restore(self) -> None:
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """Returns when all connections are gone."""
        for writer in self._writers:
            writer.transport.abort()
        pumps = list(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    def pause(self) -> None:
        self._flowing.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # it was on its way in when we closed
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task
        self._pumps.add(task)
        self._writers.add(writer)
        self.accepted += 1
        try:
            await self._flowing.wait()
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(server_writer)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._forward(reader, server_writer))
                    both.create_task(self._forward(server_reader, writer))
            finally:
                server_writer.transport.abort()
                self._writers.discard(server_writer)
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # a broken connection is what we are for; a cancelled handler would be logged by asyncio as an error
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._pumps.discard(task)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Until the source ends in order, which is passed on; a reset of either side raises, and so resets the other."""
        while chunk := await source.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._flowing.wait()
            sink.write(chunk)
            await sink.drain()
        await self._flowing.wait()
        sink.write_eof()
