"""Spans of requests to the outside world, by OpenTelemetry's HTTP conventions.

They carry address, status and sizes; never a header, a query, a body, an error's text, or what a path was filled in with. Our trace context
is not sent along: the other side is a stranger.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

_TRACER = trace.get_tracer("client_spans")
_SHORTEST_WAIT = 0.001


@contextmanager
def request(method: str, url: str, *, template: str | None = None) -> Iterator[Span]:
    """The span of one request; `answered` notes its status.

    Args:
        url: a query in it is left out of the span.
        template: the address before names and numbers were filled in, when the url holds any: it is shown instead.
    """
    shown = httpx.URL(template or url)
    port = f":{shown.port}" if shown.port else ""
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "server.address": shown.host,
        "server.port": shown.port or {"https": 443, "http": 80}[shown.scheme],
        "url.full": f"{shown.scheme}://{shown.host}{port}{shown.path}",
        **({"url.template": shown.path} if template else {}),
    }
    with inside(f"{method} {shown.path}" if template else method, SpanKind.CLIENT, attributes) as span:
        yield span


def answered(span: Span, status: int) -> None:
    """Note the status of the answer; 400 and above is a failure to a client."""
    span.set_attribute("http.response.status_code", status)
    if status >= 400:
        failed(span, str(status))


def failed(span: Span, why: str) -> None:
    """Note a failure by the name of its kind."""
    span.set_attribute("error.type", why)
    span.set_status(Status(StatusCode.ERROR))


@contextmanager
def inside(name: str, kind: SpanKind, attributes: dict[str, str | int]) -> Iterator[Span]:
    """A span for the block; an error that leaves it is named by its class."""
    # The library would copy the error's text into the span.
    with _TRACER.start_as_current_span(name, None, kind, attributes, record_exception=False, set_status_on_exception=False) as span:
        try:
            yield span
        except Exception as error:
            failed(span, type(error).__qualname__)
            raise


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """An event in the span at work when the block takes its time, with its ``seconds``."""
    began = time.monotonic()
    yield
    seconds = time.monotonic() - began
    if seconds >= _SHORTEST_WAIT:
        trace.get_current_span().add_event(what, {"seconds": round(seconds, 3)})


class TracedTransport(httpx.AsyncBaseTransport):
    """Puts every request of a client into a span that ends when the answer begins."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, asked: httpx.Request) -> httpx.Response:
        with request(asked.method, str(asked.url)) as span:
            response = await self._transport.handle_async_request(asked)
            answered(span, response.status_code)
            return response

    async def aclose(self) -> None:
        await self._transport.aclose()
