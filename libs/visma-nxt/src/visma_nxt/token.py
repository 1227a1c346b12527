"""The access token: asked for once, shared by every call, renewed before it runs out.

However many calls need a token at the same moment, one request is made and all of them get its result, failure
included. It runs as a task of its own, so that a cancelled call does not take the renewal of the others with it.
"""

import asyncio
import random
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus

import msgspec

from visma_nxt.errors import Call, NotAuthenticated, RateLimited, ServerFault, VismaUnreachable
from visma_nxt.limits import retry_after
from visma_nxt.settings import VismaSettings
from visma_nxt.transport import NoAnswer, Reply, Transport

RENEW_EARLY: Final = timedelta(seconds=60)
JITTER: Final = timedelta(seconds=30)
CALL: Final = Call("Token")


@dataclass(frozen=True, slots=True)
class Token:
    value: str
    renew_at: datetime

    def __repr__(self) -> str:
        return f"Token(renew_at={self.renew_at.isoformat()})"


class Tokens:
    def __init__(self, settings: VismaSettings, transport: Transport, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._token: Token | None = None
        self._renewal: asyncio.Task[Token] | None = None

    async def current(self) -> str:
        """A token with some life left. Raises NotAuthenticated, or a Transient when Visma Connect cannot answer."""
        if self._token is None or self._clock() >= self._token.renew_at:
            if self._renewal is None:
                self._renewal = asyncio.create_task(self._renew())
                self._renewal.add_done_callback(self._renewed)
            return (await asyncio.shield(self._renewal)).value
        return self._token.value

    def drop(self, value: str) -> None:
        """Forget a token that was refused, unless somebody has already replaced it."""
        if self._token is not None and self._token.value == value:
            self._token = None

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    def _renewed(self, renewal: asyncio.Task[Token]) -> None:
        self._renewal = None
        # Reading the exception marks it as seen: every caller may have been cancelled while it was on its way.
        if not renewal.cancelled() and renewal.exception() is None:
            self._token = renewal.result()

    async def _renew(self) -> Token:
        settings = self._settings
        form = {"grant_type": "client_credentials", "scope": settings.scope}
        if settings.tenant_id is not None:
            form["tenant_id"] = settings.tenant_id
        asked_at = self._clock()
        try:
            reply = await self._transport.post_form(settings.token_url, form, authorization=self._credentials())
        except NoAnswer as error:
            raise VismaUnreachable(CALL, str(error)) from error
        return self._read(reply, asked_at)

    def _credentials(self) -> str:
        # Both halves are form-encoded first (RFC 6749, 2.3.1): a secret may hold a colon or a plus.
        pair = f"{quote_plus(self._settings.client_id)}:{quote_plus(self._settings.client_secret.get_secret_value())}"
        return f"Basic {b64encode(pair.encode()).decode()}"

    def _read(self, reply: Reply, asked_at: datetime) -> Token:
        if reply.status == 429:
            wait = retry_after(reply.headers.get("retry-after"), asked_at)
            raise RateLimited(CALL, "HTTP 429 from the token endpoint", code="429", trace_id=reply.trace_id, retry_after=wait)
        if reply.status >= 500:
            raise ServerFault(CALL, f"HTTP {reply.status} from the token endpoint", trace_id=reply.trace_id)
        body = _object(reply.body)
        if reply.status != 200 and isinstance(code := body.get("error"), str):
            # The description is left out: it may echo what we sent.
            raise NotAuthenticated(CALL, f"the token endpoint says {code}", code=code, trace_id=reply.trace_id)
        try:
            value, lifetime = str(body["access_token"]), timedelta(seconds=float(body.get("expires_in", 0)))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            # A refusal names its reason: this is a part of an answer, or the page of something in between.
            raise VismaUnreachable(CALL, f"HTTP {reply.status} without a token or a reason", trace_id=reply.trace_id) from error
        early = min(RENEW_EARLY + JITTER * random.random(), lifetime / 2)  # noqa: S311
        return Token(value, asked_at + lifetime - early)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
