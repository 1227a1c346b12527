"""A process of its own hands its spans to a collector, which is a real HTTP server; or there is none."""

import asyncio
import subprocess
import sys
import time
from textwrap import dedent

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

pytestmark = pytest.mark.servers

PROGRAM = """
    import sys
    from opentelemetry import trace
    from servicekit.telemetry import exported
    with exported(service="org-service", instance="org-service-1", endpoint=sys.argv[1]):
        with trace.get_tracer("test").start_as_current_span("work"):
            pass
"""


async def test_spans_reach_the_collector_before_the_process_ends() -> None:
    received: list[ExportTraceServiceRequest] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("post /v1/traces ")
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        received.append(ExportTraceServiceRequest.FromString(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(collect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", dedent(PROGRAM), f"http://127.0.0.1:{port}/")
        assert await process.wait() == 0
    ((resource,),) = [request.resource_spans for request in received]
    told = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    assert (told["service.name"], told["service.instance.id"]) == ("org-service", "org-service-1")
    assert [span.name for scope in resource.scope_spans for span in scope.spans] == ["work"]


def test_a_collector_that_never_answers_does_not_hold_up_the_end() -> None:
    began = time.monotonic()
    silent = dedent("""
        import socket, sys
        listening = socket.create_server(("127.0.0.1", 0))
        sys.argv[1:] = [f"http://127.0.0.1:{listening.getsockname()[1]}"]
    """)
    subprocess.run([sys.executable, "-c", silent + dedent(PROGRAM)], check=True, stderr=subprocess.DEVNULL)
    assert time.monotonic() - began < 9  # the exporter alone would wait for ten
