"""Spans of the message core: one trace through receiving, handling and publishing, and nothing at all without an SDK."""

import subprocess
import sys
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from contracts.company import CompanyGroupCreated
from contracts.org import MemberAdded
from eventing import tracing
from eventing.work import Cause
from testkit.probe import probe
from testkit.tracing import Spans

from .conftest import Core, headers, member_added

TRACE, SENDER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SENDER}-01"


async def named(spans: Spans, name: str, count: int = 1) -> list[ReadableSpan]:
    """The spans of the trace with this name; waits for ``count``."""

    def found() -> list[ReadableSpan]:
        return [
            span for span in spans() if span.name == name and span.context is not None and format_trace_id(span.context.trace_id) == TRACE
        ]

    await probe(lambda: len(found()) >= count, within=15)
    return found()


def span_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return format_span_id(span.context.span_id)


def parent_id(span: ReadableSpan) -> str:
    assert span.parent is not None
    return format_span_id(span.parent.span_id)


async def test_what_a_message_causes_is_published_in_its_trace(core: Core, spans: Spans) -> None:
    organization = uuid4()

    async def handle(message: MemberAdded, work: Any) -> None:
        work.publish(a_group(message.organization_id))

    await core.run({MemberAdded: handle}, ["org-events"])
    sent = await core.send(member_added(organization, "kari"), sequence=1, traceparent=TRACEPARENT)
    (published,) = await core.read("company-events", 1)

    (process,) = await named(spans, "process org-events")
    assert process.kind is SpanKind.CONSUMER
    assert parent_id(process) == SENDER
    attributes = dict(process.attributes or {})
    assert UUID(str(attributes.pop("messaging.message.id")))
    assert attributes.pop("messaging.message.body.size") == len(member_added(organization, "kari").model_dump_json())
    assert attributes == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "org-events",
        "messaging.destination.partition.id": str(sent.partition),
        "messaging.consumer.group.name": "company-service",
        "messaging.kafka.offset": sent.offset,
        "messaging.kafka.message.key": str(organization),
        "messaging.message.conversation_id": "test",
        "cloudevents.event_type": "no.accountflow.org.MemberAdded.v1",
        "accountflow.result": "handled",
    }
    (send,) = await named(spans, "send company-events")
    assert send.kind is SpanKind.PRODUCER
    assert parent_id(send) == span_id(process)
    assert (send.attributes or {})["messaging.kafka.offset"] == published.offset
    assert dict(published.headers)["traceparent"] == f"00-{TRACE}-{span_id(send)}-01".encode()


async def test_a_failure_is_named_and_tried_again_in_the_same_trace(core: Core, spans: Spans) -> None:
    attempts: list[None] = []

    async def fail_once(message: MemberAdded, work: Any) -> None:
        attempts.append(None)
        if len(attempts) == 1:
            raise LookupError("Kari Nordmann is not in the list")

    await core.run({MemberAdded: fail_once}, ["org-events"])
    await core.send(member_added(uuid4(), "kari"), sequence=1, traceparent=TRACEPARENT)

    first, second = await named(spans, "process org-events", 2)
    assert first.status.status_code is StatusCode.ERROR
    assert (first.attributes or {})["error.type"] == "LookupError"
    assert "Nordmann" not in first.to_json()
    assert second.status.status_code is StatusCode.UNSET
    assert [parent_id(first), parent_id(second)] == [SENDER, SENDER]


async def test_a_dead_letter_is_sent_in_the_trace_and_stays_as_it_came(core: Core, spans: Spans) -> None:
    await core.run({}, ["org-events"])
    event = member_added(uuid4(), "kari")
    came = headers(event, 1, type="no.accountflow.org.Unheard.v1", traceparent=TRACEPARENT)
    await core.send_raw("org-events", event.subject.encode(), b"{}", came)
    (letter,) = await core.read("company-service-dlq", 1)
    assert list(letter.headers[: len(came)]) == came
    await named(spans, "send company-service-dlq")


async def test_a_foreign_trace_context_that_is_none_begins_a_new_trace(core: Core, spans: Spans) -> None:
    await core.run({}, ["org-events"])
    await core.send(member_added(uuid4(), "kari"), sequence=1, traceparent="00-somebody-else-01")
    await probe(lambda: [span for span in spans() if span.name == "process org-events" and span.parent is None], within=15)


async def test_work_that_is_done_later_goes_on_under_its_cause_and_hides_what_went_wrong(spans: Spans) -> None:
    cause = Cause(organization_id=uuid4(), correlation_id="c", causation_id=None, traceparent=TRACEPARENT)
    with pytest.raises(LookupError), tracing.later(cause, "fetch", {"accountflow.data_set": "customers"}):
        raise LookupError("Kari Nordmann is not in the list")
    (span,) = await named(spans, "fetch")
    assert parent_id(span) == SENDER
    assert (span.attributes or {})["error.type"] == "LookupError"
    assert (span.attributes or {})["accountflow.data_set"] == "customers"
    assert "Nordmann" not in span.to_json()


@pytest.mark.servers
def test_without_an_sdk_a_trace_context_travels_on_as_it_came() -> None:
    # In a process of its own: one that has an SDK keeps it.
    program = f"""
import sys
from uuid import uuid4
import servicekit.service
from eventing import tracing
from eventing.record import Record
from eventing.work import Cause

record = Record("org-events", 0, 0, 0, b"key", (("traceparent", b"{TRACEPARENT}"),), b"")
cause = Cause(organization_id=uuid4(), correlation_id="c", causation_id=None, traceparent="{TRACEPARENT}")
with tracing.processing(record, group="g"), tracing.later(cause, "work", {{}}):
    assert tracing.carried(cause) is cause
assert not tracing.on()
assert not [name for name in sys.modules if name.startswith("opentelemetry.sdk")]
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def a_group(organization_id: UUID) -> CompanyGroupCreated:
    return CompanyGroupCreated(organization_id=organization_id, company_group_id=uuid4(), name="Månedsoppgjør", created_by="kari")
