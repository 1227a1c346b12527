"""Spans by OpenTelemetry's messaging conventions, and what every log line about a message carries.

One trace leads from a command to the last page of data: a record is processed in a span whose parent is the span that sent it, what the
handler publishes is sent in a child of that span, and work that is done later goes on under the context that was stored with it. While the
process has no SDK nothing is recorded and a sender's ``traceparent`` travels on as it came. ``tracestate`` is not carried.

The conventions are those of `messaging.*` for Kafka. Attributes hold ids, places, sizes and types: no data, no user, no error text.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import asyncpg
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bind_contextvars, bound_contextvars, reset_contextvars

from contracts.cloudevents import Headers, legible
from eventing.errors import NotYet
from eventing.record import Record
from eventing.work import Cause

RESULT = "accountflow.result"
"""What became of a record, as in the metric of handled messages; `not_yet` for one that is tried again in a moment."""

_SILENT: ContextVar[bool] = ContextVar("eventing_silent", default=False)
_TRACER = trace.get_tracer("eventing")
_W3C = TraceContextTextMapPropagator()
_SHOWN = frozenset({"ce_id", "ce_type", "ce_correlationid", "traceparent"})


def on() -> bool:
    """Whether this process has an SDK. Without one, a span would cost microseconds and say nothing."""
    return not _SILENT.get() and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@contextmanager
def silent() -> Iterator[None]:
    """Without spans: what is done is no part of the traces that its messages name."""
    token = _SILENT.set(True)
    try:
        yield
    finally:
        _SILENT.reset(token)


@contextmanager
def processing(record: Record, *, group: str) -> Iterator[None]:
    """The span and the log context in which ``record`` is dealt with, its failures included."""
    text = _legible(record.headers)
    # Not `bound_contextvars`: a second generator for each message costs more than what is bound.
    tokens = bind_contextvars(place=record.place, correlation_id=text.get("correlationid", text.get("id")))
    try:
        if not on():
            yield
            return
        attributes = _attributes("process", record.topic, text, record.key, record.value) | {
            "messaging.consumer.group.name": group,
            **_place(record.partition, record.offset),
        }
        with _span(f"process {record.topic}", SpanKind.CONSUMER, text.get("traceparent"), attributes):
            yield
    finally:
        reset_contextvars(**tokens)


@contextmanager
def later(cause: Cause, name: str, attributes: Mapping[str, str | int]) -> Iterator[None]:
    """The span and the log context of work that a message caused and that is done when its handling is long over."""
    with bound_contextvars(correlation_id=cause.correlation_id):
        if not on():
            yield
            return
        known = {"messaging.message.conversation_id": cause.correlation_id, "accountflow.organization.id": str(cause.organization_id)}
        with _span(name, SpanKind.INTERNAL, cause.traceparent, {**known, **attributes}):
            yield


def became(result: str) -> None:
    """Note in the span at work what became of its record."""
    trace.get_current_span().set_attribute(RESULT, result)


def failed(why: BaseException | str) -> None:
    """Note a failure in the span at work, by its class or its reason; a text could quote data."""
    _fail(trace.get_current_span(), why)


def carried(cause: Cause) -> Cause:
    """``cause`` with the span at work as its trace context, for everything that is published or stored in its name."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return cause
    return replace(cause, traceparent=_traceparent(span))


class Sending:
    """The span of one record on its way to the broker, from `headers` to `done`.

    The record carries the context of this span, so that its receivers are children of it. A dead letter stays as it came.
    """

    def __init__(self, row: asyncpg.Record, headers: list[tuple[str, bytes]], *, client_id: str) -> None:
        text = _legible(headers)
        attributes = _attributes("send", row["topic"], text, row["key"], row["value"]) | {"messaging.client.id": client_id}
        parent = _context(text.get("traceparent"))
        self._span = _TRACER.start_span(f"send {row['topic']}", parent, SpanKind.PRODUCER, attributes)
        self.headers = headers
        context = self._span.get_span_context()
        if context.is_valid and not any(name.startswith("x-dlq-") for name, _ in headers):
            others = [header for header in headers if header[0] != "traceparent"]
            self.headers = [*others, ("traceparent", _traceparent(context).encode())]

    def done(self, answer: "asyncio.Future[Any]") -> None:
        """The broker has answered."""
        if answer.cancelled():
            self.failed("cancelled")
        elif error := answer.exception():
            self.failed(error)
        else:
            self._span.set_attributes(_place(answer.result().partition, answer.result().offset))
            self._span.end()

    def failed(self, why: BaseException | str) -> None:
        """It was not accepted for sending, or nobody waits for it any more."""
        _fail(self._span, why)
        self._span.end()


@contextmanager
def _span(name: str, kind: SpanKind, traceparent: str | None, attributes: Mapping[str, str | int]) -> Iterator[None]:
    # The library would copy the error's text into the span.
    with _TRACER.start_as_current_span(
        name, _context(traceparent), kind, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except Exception as error:
            _fail(span, error)
            raise


def _attributes(operation: str, topic: str, text: Mapping[str, str], key: bytes | None, value: bytes | None) -> dict[str, str | int | bool]:
    attributes: dict[str, str | int | bool | None] = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
        "messaging.message.id": text.get("id"),
        "messaging.message.conversation_id": text.get("correlationid"),
        "messaging.message.body.size": len(value or b""),
        "messaging.kafka.message.key": _printable(key),
        "messaging.kafka.message.tombstone": True if value is None else None,
        "cloudevents.event_type": text.get("type"),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _place(partition: int, offset: int) -> dict[str, str | int]:
    return {"messaging.destination.partition.id": str(partition), "messaging.kafka.offset": offset}


def _fail(span: Span, why: BaseException | str) -> None:
    if isinstance(why, NotYet):
        span.set_attribute(RESULT, "not_yet")
        return
    span.set_attribute("error.type", why if isinstance(why, str) else type(why).__qualname__)
    span.set_status(Status(StatusCode.ERROR))


def _legible(headers: Headers) -> dict[str, str]:
    return legible([header for header in headers if header[0] in _SHOWN])


def _printable(key: bytes | None) -> str | None:
    # Ours are ids; what a stranger has sent may be anything.
    text = (key or b"").decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() and 0 < len(text) <= 64 else None


def _context(traceparent: str | None) -> Context:
    return _W3C.extract({"traceparent": traceparent} if traceparent else {}, Context())


def _traceparent(span: trace.SpanContext) -> str:
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, trace.set_span_in_context(trace.NonRecordingSpan(span), Context()))
    return carrier["traceparent"]
