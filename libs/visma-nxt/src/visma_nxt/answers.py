"""From an HTTP reply to an answer one can use.

Status 200 says little: refusals, limits and half answers arrive as 200 with an `errors` list. `read` raises what ends
the call whatever was asked (away, busy, cut short, not understood); what is left in `problems` is for the caller to
weigh, because some questions can live with half an answer and rows of a ledger cannot.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from visma_nxt.errors import Call, RateLimited, ServerFault, Transient, UnexpectedAnswer, VismaError
from visma_nxt.limits import retry_after
from visma_nxt.messages import problem
from visma_nxt.transport import Reply

_JSON = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Answer:
    call: Call
    data: dict[str, Any]
    problems: tuple[VismaError, ...]
    trace_id: str | None
    seconds: float = 0.0
    size: int = 0

    def complete(self) -> dict[str, Any]:
        """The data, when nothing at all went wrong; otherwise raises the most telling problem."""
        if self.problems:
            raise min(self.problems, key=lambda each: isinstance(each, UnexpectedAnswer))
        return self.data

    def unexpected(self, detail: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(self.call, detail, trace_id=self.trace_id)


def read(call: Call, reply: Reply, now: datetime) -> Answer:
    """Numbers with a fraction become Decimal, exactly as they were written."""
    if reply.status == 429:
        wait = retry_after(reply.headers.get("retry-after"), now)
        raise RateLimited(call, "HTTP 429", code="429", trace_id=reply.trace_id, retry_after=wait)
    if reply.status >= 500:
        raise ServerFault(call, f"HTTP {reply.status}", trace_id=reply.trace_id)
    try:
        body = _JSON.decode(reply.body)
    except (ValueError, RecursionError) as error:
        if reply.status == 200:
            raise ServerFault(call, "the answer is cut short or no JSON", code="TRUNCATED", trace_id=reply.trace_id) from error
        raise UnexpectedAnswer(call, f"HTTP {reply.status}", trace_id=reply.trace_id) from error
    if not isinstance(body, dict):
        raise UnexpectedAnswer(call, "the answer is no JSON object", trace_id=reply.trace_id)
    problems = tuple(problem(call, each, reply.trace_id) for each in body.get("errors") or ())
    for each in problems:
        if isinstance(each, Transient):
            raise each
    data = body.get("data")
    if not problems and (reply.status != 200 or not isinstance(data, dict)):
        raise UnexpectedAnswer(call, f"HTTP {reply.status} without data and without errors", trace_id=reply.trace_id)
    return Answer(call, data if isinstance(data, dict) else {}, problems, reply.trace_id, reply.seconds, len(reply.body))
