"""Carries out a fault on the connection it hit."""

import asyncio
import contextlib
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from skatteetaten_simulator import faults

HANG_UP = "skatteetaten_simulator.hang_up"  # put into the ASGI scope by the server


class CutResponse(Response):
    """Sends the first half of `answer`, or nothing, and then closes the connection."""

    def __init__(self, answer: Response | None = None) -> None:
        super().__init__()
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._answer is not None:
            body = bytes(self._answer.body)
            head: dict[str, Any] = {"status": self._answer.status_code, "headers": self._answer.raw_headers}
            await send({"type": "http.response.start", **head})
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        scope[HANG_UP]()
        # The server must see that the client is gone before this call ends, or it tries to answer in its place.
        await _gone(receive)


def answer_for(effect: faults.Effect | None, real: Response) -> Response:
    match effect:
        case faults.Status():
            content = effect.text.encode() if effect.text is not None else orjson.dumps(effect.body)
            kind = "text/plain" if effect.text is not None else "application/json"
            return Response(content, effect.status, headers=effect.headers, media_type=kind)
        case faults.TooManyRequests():
            return JSONResponse({"melding": "For mange kall"}, 429, headers={"Retry-After": str(effect.retry_after)})
        case faults.GatewayPage():
            return HTMLResponse("<html><body><h1>Unknown instance</h1></body></html>", effect.status)
        case faults.Drop():
            return CutResponse()
        case faults.Truncated():
            return CutResponse(real)
    return real


async def wait(effect: faults.Effect | None, request: Request) -> None:
    """A delay ends early when the client has given up, so that nothing outlives its caller."""
    if isinstance(effect, faults.Delay):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(effect.seconds):
                await _gone(request.receive)


async def _gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        continue
