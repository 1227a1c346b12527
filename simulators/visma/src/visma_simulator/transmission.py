"""How a response travels: whole, cut short, in drops, or not at all because the connection breaks."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from visma_simulator.faults import Drip, Drop, Rule, Truncate

# ASGI gives an application no way to break its connection, so the protocol notes each one under the address the application sees.
_open: dict[tuple[str, int], asyncio.Transport] = {}


class BreakableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with connections that Broken can find."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client:
            _open.pop(self.client, None)
        super().connection_lost(exc)


class Broken(Response):
    """No answer: the connection is cut. Where there is none (in-process use) the caller gets ConnectionResetError."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        transport = _open.get(tuple(scope["client"])) if scope.get("client") else None
        if transport is None:
            raise ConnectionResetError("The connection was dropped on request.")
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def of(response: Response, rules: Sequence[Rule]) -> Response:
    """The response as the rules let it travel."""
    for rule in rules:
        match rule.effect:
            case Drop():
                return Broken()
            case Truncate(bytes=kept):
                body = bytes(response.body)
                response = Response(body[: len(body) // 2 if kept is None else kept], response.status_code, _kept_headers(response))
            case Drip(bytes=size, ms=pause):
                response = StreamingResponse(_drops(bytes(response.body), size, pause), response.status_code, _kept_headers(response))
    return response


def _kept_headers(response: Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name != "content-length"}


async def _drops(body: bytes, size: int, pause_ms: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(pause_ms / 1000)
