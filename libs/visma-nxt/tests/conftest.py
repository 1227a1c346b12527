"""An endpoint that answers as told, on a real port: for bad weather that must come at an exact moment."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
import uvicorn
from structlog.testing import capture_logs

from visma_nxt.settings import VismaSettings


@dataclass(frozen=True)
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass(frozen=True)
class Told:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Reply = Told | Callable[[Asked], Awaitable[Told]]


class ScriptedVisma:
    """Gives the replies queued in `token` and `graphql`, in order, then the usual ones; remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token: deque[Reply] = deque()
        self.graphql: deque[Reply] = deque()
        self.usual: Reply = self.information()
        self.asked: list[Asked] = []
        self.in_flight = self.most_in_flight = 0

    @staticmethod
    def told(content: Any, status: int = 200, **headers: str) -> Told:
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        return Told(status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    @classmethod
    def error(cls, message: str, code: str | None = None, data: Any = None) -> Told:
        extensions = {"extensions": {"code": code}} if code else {}
        return cls.told({"errors": [{"message": message} | extensions], "data": data}, x_vbc_traceid="trace-1")

    @classmethod
    def information(cls, number: str | None = "999888777", **contents: Any) -> Told:
        owner = {"companyInformation": {"items": [{"companyNo": number}]}}
        return cls.told({"data": {"useCompany": owner | contents}})

    def asked_for(self, path: str) -> list[Asked]:
        return [each for each in self.asked if each.path == path]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - what it waits for happens elsewhere
                await asyncio.sleep(0.001)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        asked = Asked(scope["path"], headers, body, asyncio.get_running_loop().time())
        self.asked.append(asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            reply = self._reply(asked)
            answer = reply if isinstance(reply, Told) else await reply(asked)
        finally:
            self.in_flight -= 1
        fields = [(key.encode(), value.encode()) for key, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.body})

    def _reply(self, asked: Asked) -> Reply:
        if asked.path == "/graphql":
            return self.graphql.popleft() if self.graphql else self.usual
        if self.token:
            return self.token.popleft()
        return self.told({"access_token": f"token-{len(self.asked_for('/token'))}", "expires_in": 3600})


class Endpoint:
    """One listening server for the whole session; each test puts its own script behind it."""

    def __init__(self, url: str) -> None:
        self.script = ScriptedVisma(url)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.script(scope, receive, send)


@pytest.fixture(scope="session")
async def endpoint() -> AsyncIterator[Endpoint]:
    # asyncio switches Nagle off only for sockets that name their protocol; without it each answer waits 40 ms.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        endpoint = Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(endpoint, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await endpoint.script.until(lambda: server.started)
        yield endpoint
        server.should_exit = True
        await serving


@pytest.fixture
def visma(endpoint: Endpoint) -> ScriptedVisma:
    endpoint.script = ScriptedVisma(endpoint.script.url)
    return endpoint.script


@pytest.fixture
def configure(visma: ScriptedVisma) -> Callable[..., VismaSettings]:
    """Settings for the scripted endpoint: no limit to speak of and short waits, unless a test says otherwise."""

    def settings(**changes: Any) -> VismaSettings:
        usual = {
            "token_url": f"{visma.url}/token",
            "graphql_url": f"{visma.url}/graphql",
            "client_id": "isv_reconciler",
            "client_secret": "s3cret:with+signs",
            "requests_per_minute": 60_000,
            "burst": 1000,
            "backoff": timedelta(milliseconds=5),
        }
        return VismaSettings.model_validate(usual | changes)

    return settings


@pytest.fixture
def settings(configure: Callable[..., VismaSettings]) -> VismaSettings:
    return configure()


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines
