"""Spans of this process to a collector, by OTLP over HTTP; and the trace that a log line belongs to.

Free when off: without an endpoint the SDK is not even imported, and OpenTelemetry's interface does nothing. The SDK reads its other
settings from the environment by their standard names: OTEL_TRACES_SAMPLER and its _ARG, OTEL_RESOURCE_ATTRIBUTES,
OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TIMEOUT, OTEL_BSP_*.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger

LAST_SPANS_SECONDS = 3.0
"""How long an ending process tries to hand over its last spans; a collector that is away must not hold up a restart."""


@contextmanager
def exported(*, service: str, instance: str | None, endpoint: str | None) -> Iterator[None]:
    """Export what is recorded while the block lasts; with no endpoint, record nothing. To be entered once in a process.

    A collector that is away costs spans and never work: they queue in memory up to OTEL_BSP_MAX_QUEUE_SIZE, then are dropped.
    """
    if endpoint is None:
        yield
        return
    provider = _provider(service, instance, endpoint)
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        # A thread that may be left behind: the SDK's own limit for this is half a minute.
        last = threading.Thread(target=provider.shutdown, name="telemetry-shutdown", daemon=True)
        last.start()
        last.join(LAST_SPANS_SECONDS)


def _provider(service: str, instance: str | None, endpoint: str) -> Any:
    # Imported here, because a process without telemetry should not pay 20 MB for it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    named = {"service.name": service, **({"service.instance.id": instance} if instance else {})}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    return provider


def name_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the line names the trace and span in which it was said, when there is one."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
        event["span_id"] = trace.format_span_id(span.span_id)
    return event
