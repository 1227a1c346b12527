"""Runs the simulator on a real port inside the calling event loop, for tests and for the command line."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from datetime import datetime

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from skatteetaten_simulator.app import build_app
from skatteetaten_simulator.effects import HANG_UP
from skatteetaten_simulator.keys import RegisteredClient
from skatteetaten_simulator.scenario import Scenario
from skatteetaten_simulator.world import Addresses, World, utc_now


@contextlib.asynccontextmanager
async def running(
    clients: Iterable[RegisteredClient],
    scenario: Scenario | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    public_url: str | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[World]:
    """A running simulator; its state is the World it yields, its addresses `world.addresses`.

    Port 0 takes a free one. `public_url` is the address clients use when it differs from host and port (the issuer in
    their grants must equal it). Raises OSError when the port is taken.
    """
    with socket.create_server((host, port)) as listener:
        base = public_url.rstrip("/") if public_url else f"http://{host}:{listener.getsockname()[1]}"
        world = World(scenario or Scenario(), clients, Addresses(base), now)
        server = _Server(
            uvicorn.Config(
                build_app(world),
                http=_HangingUpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.ready.wait()
            yield world
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the event loop, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _HangingUpProtocol(H11Protocol):
    """Gives the app a way to close its connection in the middle of an answer, which ASGI itself does not offer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = _with_hang_up(self.app, transport)


def _with_hang_up(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, HANG_UP: transport.close}, receive, send)

    return call
