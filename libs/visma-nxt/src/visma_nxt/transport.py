"""HTTP, and the only module that knows which library speaks it.

httpx is the interface, aiohttp carries the bytes: three times the requests per second of httpx's own transport at
fifty in flight. Retries, limits and tokens are not its business; redirects are not followed, a token must not travel
elsewhere.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from client_spans import TracedTransport


class NoAnswer(Exception):
    """The request got no complete answer; whether the server worked on it is unknown."""


class Abandoned(NoAnswer):
    """We stopped waiting; the server may work on it for a while yet."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0

    @property
    def trace_id(self) -> str | None:
        return self.headers.get("x-vbc-traceid")


class Transport:
    def __init__(self, *, connect_timeout: timedelta, total_timeout: timedelta) -> None:
        self._total = total_timeout.total_seconds()
        self._client = httpx.AsyncClient(
            # 0 is aiohttp's "unlimited": what may be in flight is decided by the limits, and a wait for a pooled
            # connection would eat the time that Visma needs for its answer.
            transport=TracedTransport(AiohttpTransport(verify=_trusted(), limits=httpx.Limits(max_connections=0, keepalive_expiry=30))),
            # Reading has no limit of its own: an answer that drips is as late as one that never begins.
            timeout=httpx.Timeout(None, connect=connect_timeout.total_seconds()),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._client.aclose()

    async def post_json(self, url: str, body: bytes, *, bearer: str) -> Reply:
        """Raises NoAnswer when no complete answer came, Abandoned when it did not come in time."""
        headers = {
            "Authorization": f"Bearer {bearer}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        return await self._post(self._client.build_request("POST", url, content=body, headers=headers))

    async def post_form(self, url: str, form: Mapping[str, str], *, authorization: str) -> Reply:
        """Raises NoAnswer when no complete answer came, Abandoned when it did not come in time."""
        headers = {"Authorization": authorization, "Accept": "application/json"}
        return await self._post(self._client.build_request("POST", url, data=dict(form), headers=headers))

    async def _post(self, request: httpx.Request) -> Reply:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._total) as patience:
                response = await self._client.send(request)
        except TimeoutError as error:
            raise (Abandoned if patience.expired() else NoAnswer)(f"no answer within {self._total:g} s") from error
        except (httpx.RequestError, aiohttp.ClientError, OSError) as error:
            # A read may fail with either library's own error: not every one of aiohttp's is translated.
            raise NoAnswer(f"{type(error).__name__} {error}".strip()) from error
        return Reply(response.status_code, response.headers, response.content, time.monotonic() - began)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificate authorities; reading them takes 40 ms, so a process does it once."""
    return httpx.create_ssl_context()
