"""One call to Visma from the outside: token, limits, attempts, one log line per attempt.

Log lines carry what identifies a call, never its variables, its body or a token.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import orjson
import stamina
import structlog
from opentelemetry.trace import SpanKind

from client_spans import inside, waiting
from visma_nxt import answers
from visma_nxt.answers import Answer
from visma_nxt.budget import Budget, Held
from visma_nxt.errors import Call, ConcurrencyLimited, NotAuthenticated, RateLimited, Transient, VismaError, VismaUnreachable
from visma_nxt.exchanges import Exchange, note
from visma_nxt.limits import Limits
from visma_nxt.settings import VismaSettings
from visma_nxt.token import Tokens
from visma_nxt.transport import NoAnswer, Reply, Transport

LONGEST_BACKOFF_SECONDS = 30

log = structlog.get_logger(__name__)


class Session:
    def __init__(self, settings: VismaSettings, clock: Callable[[], datetime], budget: Budget | None) -> None:
        self._settings = settings
        self._clock = clock
        self._transport = Transport(connect_timeout=settings.connect_timeout, total_timeout=settings.total_timeout)
        self._tokens = Tokens(settings, self._transport, clock)
        self._budget = budget or Limits(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._tokens.close()
        await self._transport.__aexit__(kind, error, trace)

    async def ask(self, call: Call) -> Answer:
        """Ask until there is an answer or no patience left; then the last error rises, a Transient among others."""
        settings = self._settings
        backoff = settings.backoff.total_seconds()
        deadline = self._now() + settings.retry_within.total_seconds()
        # The context form: stamina logs the arguments of a function it calls, and these hold the filters.
        async for attempt in stamina.retry_context(
            on=lambda error: self._wait_for(error, deadline),
            attempts=settings.retry_attempts,
            timeout=settings.retry_within,
            wait_initial=backoff,
            wait_max=LONGEST_BACKOFF_SECONDS,
            wait_jitter=backoff,
        ):
            with attempt:
                return await self._attempt(call, attempt.num, deadline)
        raise AssertionError("unreachable")

    def _wait_for(self, error: Exception, deadline: float) -> bool | float:
        """Whether to try again, or after how many seconds when Visma said so and there is that much time."""
        if not isinstance(error, Transient):
            return False
        if error.retry_after is None:
            return True
        return error.retry_after if self._now() + error.retry_after < deadline else False

    async def _attempt(self, call: Call, number: int, deadline: float) -> Answer:
        began, asked_at = self._now(), self._clock()
        facts: dict[str, Any] = {"operation": call.operation, "attempt": number}
        facts |= {"company": call.company_no, "customer": call.customer_no}
        try:
            with inside(f"query {call.operation}", SpanKind.INTERNAL, _shown(call, number)):
                reply = await self._authorised(call, deadline)
            facts |= {"status": reply.status, "visma_trace_id": reply.trace_id, "bytes": len(reply.body)}
            answer = answers.read(call, reply, self._clock())
        except VismaError as error:
            if isinstance(error, RateLimited) and error.code is not None:  # Visma said it, not we
                await self._budget.stop(error.retry_after)
            log.warning("visma.call_failed", **facts, ms=self._ms(began), error=type(error).__name__, code=error.code)
            raise
        note(Exchange(call.operation, call.document, call.variables, asked_at, self._clock()))
        codes = [each.code or type(each).__name__ for each in answer.problems]
        log.info("visma.call_answered", **facts, ms=self._ms(began), codes=codes)
        return answer

    async def _authorised(self, call: Call, deadline: float) -> Reply:
        """A token may be revoked at any time, so the first 401 only costs a new one; the second is a refusal."""
        question = {"operationName": call.operation, "query": call.document, "variables": call.variables}
        body = orjson.dumps(question, default=_exact)
        scope = f"company {call.company_no}" if call.company_no is not None else f"customer {call.customer_no}"
        for _ in range(2):
            token = await self._tokens.current()
            try:
                async with AsyncExitStack() as passed:
                    with waiting("rate limit"):
                        await passed.enter_async_context(self._budget.passage(scope, deadline - self._now()))
                    reply = await self._sent(body, token)
            except Held as held:
                if held.seconds is None:
                    raise ConcurrencyLimited(call, "all of our places are taken") from held
                raise RateLimited(call, "Visma asked for a longer pause than we wait", retry_after=held.seconds) from held
            except NoAnswer as error:
                raise VismaUnreachable(call, str(error)) from error
            if reply.status != 401:
                return reply
            self._tokens.drop(token)
        raise NotAuthenticated(call, "HTTP 401 with a new token", code="401", trace_id=reply.trace_id)

    async def _sent(self, body: bytes, token: str) -> Reply:
        """One exchange, and what it says of Visma's health."""
        began, troubled = self._now(), True
        try:
            reply = await self._transport.post_json(self._settings.graphql_url, body, bearer=token)
            troubled = reply.status >= 500 or self._now() - began > self._settings.slow_answer.total_seconds()
        finally:
            self._budget.learn(troubled=troubled)
        return reply

    def _ms(self, began: float) -> int:
        return round(1000 * (self._now() - began))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _shown(call: Call, number: int) -> dict[str, str | int]:
    shown = {"visma.company_no": call.company_no, "visma.customer_no": call.customer_no}
    return {
        "graphql.operation.name": call.operation,
        "graphql.operation.type": "query",
        "visma.attempt": number,
        **{name: value for name, value in shown.items() if value is not None},
    }


def _exact(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no value for a filter")
