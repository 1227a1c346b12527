"""Foreign records are read without trust."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings import kafka as sdk
from hypothesis import given
from hypothesis import strategies as st

from contracts.cloudevents import Attributes, Unreadable, legible, read

WHOLE = Attributes(
    id="1",
    source="/org-service",
    type="no.accountflow.org.MemberAdded.v1",
    time=datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC),
    subject="s",
    organizationid="o",
    correlationid="c",
    causationid="b",
    sequence=7,
    actor="kari",
    replyto="screen 4",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)


def test_what_is_written_is_read_back() -> None:
    assert read(WHOLE.headers()) == WHOLE


def test_the_cloudevents_sdk_reads_what_we_write() -> None:
    headers = dict(WHOLE.headers())
    event = sdk.from_kafka_event(sdk.KafkaMessage(headers=headers, key=b"s", value=b'{"a": 1}'))
    assert (event.get_id(), event.get_type(), event.get_subject()) == ("1", WHOLE.type, "s")
    assert event.get_time() == WHOLE.time
    assert event.get_extension("sequence") == "7"


def test_headers_that_are_not_ours_are_not_looked_at() -> None:
    assert read([("x", b"\xff"), ("x", None), *WHOLE.headers(), ("y", b"")]) == WHOLE


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("ce_id", None, "empty"),
        ("ce_id", b"", "empty"),
        ("ce_id", b"\xff\xfe", "not printable text"),
        ("ce_id", b"a\x00b", "not printable text"),
        ("ce_id", b"x" * 501, "not printable text"),
        ("ce_specversion", b"0.3", "not 1.0"),
        ("ce_time", b"yesterday", "RFC 3339"),
        ("ce_time", b"2026-11-22T12:00:00", "time zone"),
        ("ce_sequence", b"0", "whole number"),
        ("ce_sequence", b"-1", "whole number"),
        ("ce_sequence", "٣".encode(), "whole number"),
        ("ce_sequence", b"9223372036854775808", "whole number"),
        ("content-type", b"application/avro", "not application/json"),
    ],
)
def test_a_broken_attribute_is_named(name: str, value: bytes | None, problem: str) -> None:
    headers = [(known, value if known == name else old) for known, old in WHOLE.headers()]
    with pytest.raises(Unreadable, match=problem) as caught:
        read(headers)
    assert caught.value.attribute == name


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_organizationid"])
def test_a_missing_attribute_is_named(name: str) -> None:
    with pytest.raises(Unreadable, match="is missing") as caught:
        read([header for header in WHOLE.headers() if header[0] != name])
    assert caught.value.attribute == name


def test_a_doubled_attribute_is_refused() -> None:
    with pytest.raises(Unreadable, match="given twice"):
        read([*WHOLE.headers(), ("ce_id", b"2")])


NAMES = st.sampled_from([name for name, _ in WHOLE.headers()]) | st.text(max_size=20)


@given(st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=40)), max_size=20))
def test_anything_at_all_is_read_or_unreadable(headers: list[tuple[str, bytes | None]]) -> None:
    legible(headers)
    with suppress(Unreadable):
        read(headers)
