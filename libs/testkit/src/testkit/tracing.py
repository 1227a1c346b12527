"""The spans that this process records during a test."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

Spans = Callable[[], list[ReadableSpan]]


@cache
def _provider() -> TracerProvider:
    """A process can be given one provider, once; after the first test that asks for spans it records for nobody."""
    provider = TracerProvider(shutdown_on_exit=False)
    trace.set_tracer_provider(provider)
    return provider


@pytest.fixture
def spans() -> Iterator[Spans]:
    """``spans()`` gives the spans that have ended so far, in the order of their ends."""
    exporter = InMemorySpanExporter()
    _provider().add_span_processor(SimpleSpanProcessor(exporter))
    yield lambda: list(exporter.get_finished_spans())
    exporter.shutdown()
    exporter.clear()
