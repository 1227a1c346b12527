"""Each test runs a program of its own: logging is a property of the whole process."""

import json
import os
import pty
import subprocess
import sys
from textwrap import dedent
from typing import Any

import pytest

pytestmark = pytest.mark.servers

S3CRET = "s3cr3t-V4lue"

SETUP = """
import asyncio, logging, warnings, structlog
from servicekit.logs import bound_contextvars, configure
from servicekit.settings import LogSettings
configure(LogSettings(), service="org-service")
log = structlog.get_logger("org_service.members")
"""


def lines_of(program: str) -> list[dict[str, Any]]:
    result = subprocess.run([sys.executable, "-c", SETUP + dedent(program)], capture_output=True, text=True)
    assert result.stdout == ""
    return [json.loads(line) for line in result.stderr.splitlines()]


def test_line_is_json_when_the_output_is_no_terminal():
    (line,) = lines_of("log.info('member.added', rows=3)")
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "service": "org-service",
        "event": "member.added",
        "rows": 3,
        "level": "info",
        "logger": "org_service.members",
    }


def test_line_is_text_on_a_terminal():
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb") as screen:
        program = SETUP + "log.info('member.added', password='x')"
        subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True)
        os.close(theirs)
        shown = screen.read1(10_000).decode()
    assert "member.added" in shown
    assert "\x1b[" in shown
    assert "***" in shown


def test_line_names_the_trace_in_which_it_was_said():
    within, without = lines_of("""
        from opentelemetry import trace
        context = trace.SpanContext(0x4bf92f3577b34da6a3ce929d0e0e4736, 0x00f067aa0ba902b7, is_remote=True)
        with trace.use_span(trace.NonRecordingSpan(context)):
            log.info("within")
        log.info("without")
    """)
    assert (within["trace_id"], within["span_id"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert "trace_id" not in without


def test_library_lines_join_the_stream_with_their_fields():
    (line,) = lines_of("logging.getLogger('eventing.kafka').info('read %d', 5, extra={'topic': 'org-events', 'token': 'x'})")
    assert (line["event"], line["topic"], line["token"], line["logger"]) == ("read 5", "org-events", "***", "eventing.kafka")


def test_message_context_reaches_libraries_and_ends_with_the_block():
    inside, library, outside = lines_of(
        """
        with bound_contextvars(event_id="e-1"):
            log.info("a")
            logging.getLogger("eventing").info("b")
        log.info("c")
        """
    )
    assert (inside["event_id"], library["event_id"], outside.get("event_id")) == ("e-1", "e-1", None)


def test_contexts_of_two_tasks_stay_apart():
    first, second = lines_of(
        """
        async def handle(name):
            with bound_contextvars(event_id=name):
                await asyncio.sleep(0)
                log.info("handled")
        async def both():
            await asyncio.gather(handle("e-1"), handle("e-2"))
        asyncio.run(both())
        """
    )
    assert [first["event_id"], second["event_id"]] == ["e-1", "e-2"]


def test_exception_is_told_without_variables_and_secrets():
    (line,) = lines_of(
        f"""
        def connect(dsn):
            hidden = "{S3CRET}" + "-2"
            raise OSError("cannot reach " + dsn)
        try:
            connect("postgresql://org:" + "{S3CRET}@db/org")
        except OSError:
            log.exception("connect.failed")
        """
    )
    assert line["exception"][0]["exc_value"] == "cannot reach postgresql://org:***@db/org"
    assert [frame["name"] for frame in line["exception"][0]["frames"]] == ["<module>", "connect"]
    assert S3CRET not in json.dumps(line)


def test_uncaught_error_is_a_line_too():
    (line,) = lines_of(f"raise RuntimeError('password={S3CRET}')")
    assert (line["event"], line["level"]) == ("service.crashed", "critical")
    assert line["exception"][0]["exc_value"] == "password=***"


def test_warnings_are_lines_too():
    (line,) = lines_of("warnings.warn('outdated')")
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")


def test_chatter_is_dropped_and_trouble_is_kept():
    lines = lines_of(
        """
        logging.getLogger("aiokafka.consumer").info("joined")
        logging.getLogger("uvicorn.error").info("started")
        logging.getLogger("uvicorn.access").info("GET /livez")
        for _ in range(50):
            logging.getLogger("aiokafka").error("Unable connect to %s", "k:9092")
        logging.getLogger("aiokafka").error("Unable connect to %s", "k:9093")
        """
    )
    assert [line["event"] for line in lines] == ["Unable connect to k:9092", "Unable connect to k:9093"]


def test_lines_below_the_level_are_dropped():
    assert lines_of("log.debug('a'); logging.getLogger('x').debug('b')") == []


def test_values_json_does_not_know_do_not_lose_the_line():
    (line,) = lines_of("log.info('odd', big=2**90, header='\\udcff', when=object, half=float('nan'))")
    assert (line["event"], line["big"], line["header"], line["half"]) == ("odd", str(2**90), "\\udcff", None)
