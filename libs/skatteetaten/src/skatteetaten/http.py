"""The one place that knows the HTTP library.

An answer of any status comes back as `Answer`. What did not become an answer (no connection, cut off, too slow) is a
`TransientError`, because all of these pass by themselves.
"""

import asyncio
import functools
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from client_spans import answered, request
from skatteetaten.errors import TransientError
from skatteetaten.settings import SkatteetatenSettings


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """One pool of connections. Requests beyond `max_connections` wait their turn instead of failing on a full pool."""

    def __init__(self, settings: SkatteetatenSettings) -> None:
        self._timeout = settings.request_timeout.total_seconds()
        self._turns = asyncio.Semaphore(settings.max_connections)
        self._client = httpx.AsyncClient(
            verify=_trusted_authorities(),
            timeout=httpx.Timeout(self._timeout, connect=settings.connect_timeout.total_seconds()),
            limits=httpx.Limits(max_connections=settings.max_connections),
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: Any = None,
        template: str | None = None,
    ) -> Answer:
        """`template` is the address before an organisation was filled in, for those who trace the request."""
        async with self._turns:
            try:
                # The library's timeouts start anew with every byte; this one holds for the whole answer.
                with request(method, url, template=template) as span:
                    async with asyncio.timeout(self._timeout):
                        response = await self._client.request(
                            method, url, headers=dict(headers), params=query or None, data=form, json=body
                        )
                    answered(span, response.status_code)
            except (TimeoutError, httpx.TimeoutException) as error:
                raise TransientError("no answer in time", code="timeout") from error
            except httpx.HTTPError as error:
                raise TransientError(f"no whole answer ({type(error).__name__})", code="network") from error
        return Answer(response.status_code, response.headers, response.content)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@functools.cache
def _trusted_authorities() -> ssl.SSLContext:
    """The machine's certificate authorities; reading them takes longer than most requests."""
    return ssl.create_default_context()
