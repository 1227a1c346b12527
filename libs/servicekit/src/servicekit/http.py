"""HTTP endpoints inside the service's own event loop: health, and what others call us with."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

import orjson
import uvicorn

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""


class TooLarge(Exception):
    """A request's body is above the limit."""


class Gone(Exception):
    """The other side went away in the middle of its request."""


@contextlib.asynccontextmanager
async def served(app: Application, host: str, port: int, *, name: str, most_at_once: int | None = None) -> AsyncIterator[str]:
    """Answer until the block is left. Gives the base URL with the real port; above ``most_at_once`` requests or connections answers 503."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    server = _Server(
        uvicorn.Config(
            app,
            interface="asgi3",  # its guess takes a bound method for the older interface
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            log_config=None,
            access_log=False,
            limit_concurrency=most_at_once,
            timeout_graceful_shutdown=2,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name=f"{name}-server")
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def body_of(receive: Receive, *, most_bytes: int) -> bytes:
    """The whole body of a request. Raises `TooLarge` as soon as it is, and `Gone`."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise TooLarge
        if not message.get("more_body", False):
            return bytes(body)


async def answer(send: Send, status: int, body: Mapping[str, object] | None = None) -> None:
    """JSON, or nothing but the status; never kept by a cache."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers if body is not None else headers[1:]})
    await send({"type": "http.response.body", "body": b"" if body is None else orjson.dumps(body)})


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave SIGTERM and SIGINT to the service; uvicorn would take them and stop only itself."""
        yield
