"""What a span of a request shows, and what it must not; the other side is a real server."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from client_spans import TracedTransport, answered, request, waiting
from testkit.tracing import Spans


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Refuses everything with 403; its address, and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked


@pytest.mark.servers
async def test_a_request_is_named_by_the_conventions_and_our_context_stays_with_us(server: tuple[str, list[bytes]], spans: Spans) -> None:
    url, asked = server
    async with httpx.AsyncClient(transport=TracedTransport(httpx.AsyncHTTPTransport())) as client:
        await client.get(f"{url}/reports?name=Kari", headers={"Authorization": "Bearer s3cret"})
    (span,) = spans()
    assert (span.name, span.kind, span.status.status_code) == ("GET", SpanKind.CLIENT, StatusCode.ERROR)
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 403,
        "server.address": "127.0.0.1",
        "server.port": int(url.rpartition(":")[2]),
        "url.full": f"{url}/reports",
        "error.type": "403",
    }
    assert b"traceparent" not in asked[0].lower()


async def test_the_template_is_shown_instead_of_what_it_was_filled_in_with(spans: Spans) -> None:
    base = "https://kari:s3cret@api.example"
    with request("GET", f"{base}/v1/974761076", template=f"{base}/v1/{{organisation_number}}") as span:
        answered(span, 200)
    (span,) = spans()
    assert span.name == "GET /v1/{organisation_number}"
    assert (span.attributes or {})["url.full"] == "https://api.example/v1/{organisation_number}"
    assert "974761076" not in span.to_json()
    assert "s3cret" not in span.to_json()


async def test_an_error_is_named_and_not_quoted(spans: Spans) -> None:
    with pytest.raises(LookupError), request("GET", "https://api.example/"):
        raise LookupError("Kari")
    (span,) = spans()
    assert (span.attributes or {})["error.type"] == "LookupError"
    assert "Kari" not in span.to_json()


async def test_a_wait_is_an_event_of_the_span_at_work(spans: Spans) -> None:
    with request("GET", "https://api.example/"):
        with waiting("rate limit"):
            await asyncio.sleep(0.01)
        with waiting("nothing"):
            pass
    (span,) = spans()
    (event,) = span.events
    assert event.name == "rate limit"
    assert float((event.attributes or {})["seconds"]) >= 0.01  # type: ignore[arg-type]
