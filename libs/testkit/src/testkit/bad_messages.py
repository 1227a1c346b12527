"""A grammar of malformed messages: every way in which a record can be wrong, by name, each with what must become of it.

A kind spoils a good record of any topic. What must become of it is not the same for both sides of a conversation: the sender of a command
gets an answer wherever an id can be read, a fact has nobody to answer and goes to the dead letters.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from contracts.cloudevents import Attributes
from contracts.message import Message
from contracts.registry import MESSAGES
from testkit.raw_names import RawName

BYTES = b"\xff\xfe\x00\x80"
"""Not UTF-8, whatever comes before and after."""
NAME, CE_NAME = RawName.of(b"x-" + BYTES), RawName.of(b"ce_" + BYTES)


class Fate(Enum):
    """What must become of a record."""

    HANDLED = "handled, as if nothing were wrong"
    GAP = "handled, and the missing numbers are noted"
    DUPLICATE = "passed over: its number, or a later one, was handled"
    DEAD = "a dead letter, byte for byte; its key goes on"
    PARKED = "a dead letter, byte for byte, and everything later of its key waits for an operator"


@dataclass(frozen=True, slots=True)
class Raw:
    """A record before it has a place: what a producer is given, or `raw_names.send` where header names may be no text."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    def attribute(self, name: str) -> str:
        return next((value or b"").decode() for header, value in self.headers if header == f"ce_{name}")

    def without(self, *names: str) -> "Raw":
        return replace(self, headers=tuple(header for header in self.headers if header[0] not in names))

    def plus(self, *headers: tuple[str, bytes | None]) -> "Raw":
        return replace(self, headers=(*self.headers, *headers))

    def header(self, name: str, value: bytes | None) -> "Raw":
        """With another value of a header, at its old place if it has one."""
        if all(header != name for header, _ in self.headers):
            return self.plus((name, value))
        return replace(self, headers=tuple((header, value if header == name else old) for header, old in self.headers))

    def data(self, **changes: Any) -> "Raw":
        return replace(self, value=json.dumps(json.loads(self.value or b"{}") | changes).encode())


Spoil = Callable[[Raw], Raw]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to be wrong. ``command`` is a fate, or the code under which the command is refused."""

    name: str
    spoil: Spoil
    event: Fate
    command: Fate | str


def good(message: Message, *, id: str, time: datetime | None = None, **attributes: Any) -> Raw:  # noqa: A002
    """The record of a message as its owner, or a gateway, sends it."""
    context = Attributes(
        id=id,
        type=message.TYPE,
        time=time or datetime.now(UTC),
        subject=message.subject,
        organizationid=str(getattr(message, "organization_id", UUID(int=0))),
        **{"correlationid": id, "source": "/ui-gateway"} | attributes,
    )
    return Raw(message.TOPIC, message.subject.encode(), message.model_dump_json().encode(), tuple(context.headers()))


def kinds() -> Iterator[Kind]:
    """All of them, in the order of the parts of a record: key, headers, envelope, value, data, time and order."""
    yield from _KEYS
    yield from _HEADERS
    yield from _ENVELOPES
    yield from _VALUES
    yield from _DATA
    yield from _TIMES


def _missing(attribute: str, *, command: Fate | str = "unreadable", event: Fate = Fate.DEAD) -> Kind:
    return Kind(f"{attribute} missing", lambda raw: raw.without(attribute), event, command)


def _set(name: str, header: str, value: bytes | None, *, event: Fate = Fate.DEAD, command: Fate | str = "unreadable") -> Kind:
    return Kind(name, lambda raw: raw.header(header, value), event, command)


def _value(name: str, value: Callable[[bytes], bytes | None], code: str = "invalid_json") -> Kind:
    return Kind(name, lambda raw: replace(raw, value=value(raw.value or b"")), Fate.PARKED, code)


def _data(name: str, change: Callable[[str], dict[str, Any]], code: str = "invalid_data") -> Kind:
    return Kind(name, lambda raw: raw.data(**change(_subject_field(raw))), Fate.PARKED, code)


def _subject_field(raw: Raw) -> str:
    return MESSAGES[raw.attribute("type")].SUBJECT


def _type(raw: Raw, change: Callable[[str], str]) -> Raw:
    return raw.header("ce_type", change(raw.attribute("type")).encode())


def _of_another_topic(raw: Raw) -> Raw:
    other = next(kind for kind in MESSAGES.values() if raw.topic != kind.TOPIC)
    return raw.header("ce_type", other.TYPE.encode())


def _unnamed(raw: Raw) -> Raw:
    return replace(raw, headers=((NAME, None), *raw.without("ce_id").headers))


def _never_text(raw: Raw) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((RawName.of(name.encode() + BYTES), value) for name, value in raw.headers)


def _moved(raw: Raw, ahead: timedelta) -> Raw:
    return raw.header("ce_time", (datetime.now(UTC) + ahead).isoformat().encode())


_KEYS = (
    Kind("key null", lambda raw: replace(raw, key=None), Fate.DEAD, "unreadable"),
    Kind("key empty", lambda raw: replace(raw, key=b""), Fate.DEAD, "unreadable"),
    Kind("key not UTF-8", lambda raw: replace(raw, key=BYTES), Fate.DEAD, "unreadable"),
    Kind("key of another subject", lambda raw: replace(raw, key=b"another"), Fate.DEAD, "unreadable"),
    Kind("key in capitals", lambda raw: replace(raw, key=(raw.key or b"").upper() + b"X"), Fate.DEAD, "unreadable"),
    Kind("key of 64 KiB", lambda raw: replace(raw, key=b"k" * 65_536), Fate.DEAD, "unreadable"),
)

_HEADERS = (
    Kind("foreign header not UTF-8", lambda raw: raw.plus(("x-trace", BYTES)), Fate.HANDLED, Fate.HANDLED),
    Kind("foreign header null", lambda raw: raw.plus(("x-nothing", None)), Fate.HANDLED, Fate.HANDLED),
    Kind("foreign header twice", lambda raw: raw.plus(("x-a", b"1"), ("x-a", b"2")), Fate.HANDLED, Fate.HANDLED),
    Kind("foreign header of 100 KiB", lambda raw: raw.plus(("x-large", b"x" * 102_400)), Fate.HANDLED, Fate.HANDLED),
    Kind("a thousand foreign headers", lambda raw: raw.plus(*((f"x-{n}", b"") for n in range(1000))), Fate.HANDLED, Fate.HANDLED),
    Kind("header name with strange letters", lambda raw: raw.plus(("x-\u202e🧾", b"")), Fate.HANDLED, Fate.HANDLED),
    Kind("header name with a NUL, and no id", lambda raw: raw.without("ce_id").plus(("x-\0", b"")), Fate.DEAD, Fate.DEAD),
    Kind("header name not UTF-8", lambda raw: raw.plus((NAME, b"1")), Fate.HANDLED, Fate.HANDLED),
    Kind("header name not UTF-8, twice", lambda raw: raw.plus((NAME, b"1"), (NAME, b"2")), Fate.HANDLED, Fate.HANDLED),
    Kind("header name not UTF-8, before the others, null, and no id", _unnamed, Fate.DEAD, Fate.DEAD),
    Kind("unknown ce header with a name not UTF-8, twice", lambda raw: raw.plus((CE_NAME, b"1"), (CE_NAME, b"1")), Fate.DEAD, "unreadable"),
    Kind("no header name UTF-8", lambda raw: replace(raw, headers=_never_text(raw)), Fate.DEAD, Fate.DEAD),
    Kind("header name empty", lambda raw: raw.plus(("", b"1")), Fate.HANDLED, Fate.HANDLED),
    Kind("every header name empty", lambda raw: replace(raw, headers=tuple(("", value) for _, value in raw.headers)), Fate.DEAD, Fate.DEAD),
    Kind("headers reversed", lambda raw: replace(raw, headers=raw.headers[::-1]), Fate.HANDLED, Fate.HANDLED),
    Kind("no header at all", lambda raw: replace(raw, headers=()), Fate.DEAD, Fate.DEAD),
    Kind("every ce header null", lambda raw: replace(raw, headers=tuple((name, None) for name, _ in raw.headers)), Fate.DEAD, Fate.DEAD),
    Kind("ce_id twice", lambda raw: raw.plus(("ce_id", b"other")), Fate.DEAD, "unreadable"),
    Kind("ce_subject twice, the same", lambda raw: raw.plus(("ce_subject", raw.key)), Fate.DEAD, "unreadable"),
    Kind("unknown ce header null", lambda raw: raw.plus(("ce_dataschema", None)), Fate.DEAD, "unreadable"),
    Kind("unknown ce header not UTF-8", lambda raw: raw.plus(("ce_dataschema", BYTES)), Fate.DEAD, "unreadable"),
    Kind("ce header too long", lambda raw: raw.plus(("ce_comment", b"c" * 501)), Fate.DEAD, "unreadable"),
    Kind("ce header with a line break", lambda raw: raw.plus(("ce_comment", b"a\nb")), Fate.DEAD, "unreadable"),
    Kind("structured mode", lambda raw: raw.header("content-type", b"application/cloudevents+json"), Fate.DEAD, "unreadable"),
    Kind("content-type of another language", lambda raw: raw.header("content-type", b"application/avro"), Fate.DEAD, "unreadable"),
)

_ENVELOPES = (
    _missing("ce_id", command=Fate.DEAD),
    _set("ce_id null", "ce_id", None, command=Fate.DEAD),
    _set("ce_id not UTF-8", "ce_id", BYTES, command=Fate.DEAD),
    _set("ce_id empty", "ce_id", b"", command=Fate.DEAD),
    _missing("ce_source"),
    _missing("ce_type"),
    _missing("ce_subject"),
    _missing("ce_time"),
    _missing("ce_specversion"),
    _missing("ce_organizationid"),
    _missing("ce_actor", event=Fate.HANDLED),
    _missing("ce_sequence", command=Fate.HANDLED),
    _set("ce_specversion of the past", "ce_specversion", b"0.3"),
    _set("ce_type not UTF-8", "ce_type", BYTES),
    _set("ce_time without a zone", "ce_time", b"2026-11-22T12:00:00"),
    _set("ce_time not a time", "ce_time", b"yesterday"),
    _set("ce_time as seconds", "ce_time", b"1795262400.5"),
    _set("ce_time of the year 10000", "ce_time", b"10000-01-01T00:00:00Z"),
    _set("ce_time at the edge of the calendar", "ce_time", b"0001-01-01T00:00:00+14:00"),
    _set("ce_organizationid not a UUID", "ce_organizationid", b"acme"),
    _set("ce_sequence zero", "ce_sequence", b"0", command="unreadable"),
    _set("ce_sequence negative", "ce_sequence", b"-1", command="unreadable"),
    _set("ce_sequence beyond 64 bits", "ce_sequence", str(2**63).encode(), command="unreadable"),
    _set("ce_sequence of 400 digits", "ce_sequence", b"9" * 400, command="unreadable"),
    _set("ce_sequence with a fraction", "ce_sequence", b"1.5", command="unreadable"),
    _set("ce_sequence in other digits", "ce_sequence", "١٢".encode(), command="unreadable"),
    Kind("unknown type", lambda raw: _type(raw, lambda text: text.replace(".v1", "x.v1")), Fate.DEAD, "unknown_type"),
    Kind("unknown major version", lambda raw: _type(raw, lambda text: text.replace(".v1", ".v99")), Fate.DEAD, "unknown_type"),
    Kind("type without a version", lambda raw: _type(raw, lambda text: text.removesuffix(".v1")), Fate.DEAD, "unknown_type"),
    Kind("type of another topic", _of_another_topic, Fate.PARKED, "unknown_type"),
)

_VALUES = (
    _value("tombstone", lambda _: None),
    _value("value empty", lambda _: b""),
    _value("value not UTF-8", lambda _: BYTES),
    _value("value with bytes in a string", lambda value: value.replace(b'":"', b'":"' + BYTES, 1)),
    _value("value truncated", lambda value: value[:-1]),
    _value("value cut in half", lambda value: value[: len(value) // 2]),
    _value("value doubled", lambda value: value * 2),
    _value("value with a byte order mark", lambda value: b"\xef\xbb\xbf" + value),
    _value("value in UTF-16", lambda value: value.decode().encode("utf-16")),
    _value("value not JSON but XML", lambda _: b"<event/>"),
    _value("value nested a hundred thousand deep", lambda _: b"[" * 100_000),
    _value("value a list", lambda value: b"[" + value + b"]", "invalid_data"),
    _value("value a string", lambda _: b'"text"', "invalid_data"),
    _value("value null", lambda _: b"null", "invalid_data"),
    _value("value a number", lambda _: b"1e400", "invalid_data"),
    _value("value of another shape", lambda _: b'{"after":{},"op":"c"}', "invalid_data"),
    Kind("value huge", lambda raw: raw.data(padding="p" * 300_000), Fate.HANDLED, "too_large"),
)

_DATA = (
    _data("subject missing", lambda field: {field: None}),
    _data("subject a number beyond 64 bits", lambda field: {field: 2**80}),
    _data("subject a list", lambda field: {field: []}),
    _data("subject a part", lambda field: {field: {"id": 1}}),
    _data("subject true", lambda field: {field: True}),
    _data("another subject than the envelope's", lambda field: {field: str(UUID(int=7))}, "subject_mismatch"),
    Kind("unknown field", lambda raw: raw.data(shoe_size=43), Fate.HANDLED, Fate.HANDLED),
    Kind(
        "claim of another organisation in the envelope",
        lambda raw: raw.header("ce_organizationid", str(UUID(int=7)).encode()),
        Fate.PARKED,
        "organization_mismatch",
    ),
)

_TIMES = (
    Kind("time an hour ahead", lambda raw: _moved(raw, timedelta(hours=1)), Fate.PARKED, "time_in_future"),
    Kind("time a century ahead", lambda raw: _moved(raw, timedelta(days=36_525)), Fate.PARKED, "time_in_future"),
    Kind("time a minute ahead", lambda raw: _moved(raw, timedelta(minutes=1)), Fate.HANDLED, Fate.HANDLED),
    Kind("time ten years back", lambda raw: _moved(raw, -timedelta(days=3652)), Fate.HANDLED, Fate.HANDLED),
    Kind("sequence that jumps back", lambda raw: raw.header("ce_sequence", b"1"), Fate.DUPLICATE, Fate.HANDLED),
    Kind("sequence that jumps ahead", lambda raw: raw.header("ce_sequence", b"1000"), Fate.GAP, Fate.HANDLED),
    Kind("sequence at the end of 64 bits", lambda raw: raw.header("ce_sequence", str(2**63 - 1).encode()), Fate.GAP, Fate.HANDLED),
)
