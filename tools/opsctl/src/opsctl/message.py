"""One record as operators see it: decoded as far as it can be, with what the contracts hold against it."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pydantic import Field

from contracts.cloudevents import Unreadable, legible
from contracts.registry import MESSAGES
from eventing.errors import InvalidData
from eventing.inbox import COMMAND_TOPICS
from eventing.reading import attributes_of, message_of
from eventing.record import Record
from opsctl import moments
from opsctl.render import Report
from opsctl.system import Refused

OWN_TYPES = "no.accountflow."
_HEADERS_AT_FAULT = {
    "unknown_type": "ce_type",
    "organization_mismatch": "ce_organizationid",
    "subject_mismatch": "ce_subject",
    "time_in_future": "ce_time",
}
_TELLING = ("status", "data_set", "name", "code", "percent", "message", "reason", "visma_customer_id", "visma_company_id", "user_id")


class Problem(Report):
    """One thing that the contracts hold against a record."""

    field: str = Field(description="a header (ce_...), 'key', 'value', or a field of the data with dots between its parts")
    problem: str
    given: str | None = Field(None, description="what stands there, shortened")


class MessageOnTopic(Report):
    """One record, decoded as a CloudEvent. What cannot be read is null, and `problems` says why."""

    place: str = Field(description="topic/partition/offset")
    topic: str
    partition: int
    offset: int
    at: datetime = Field(description="the record's time on Kafka")
    key: str | None
    bytes: int = Field(description="size of the value")
    id: str | None
    source: str | None
    type: str | None
    time: str | None = Field(description="the CloudEvent's own time, as it was written")
    subject: str | None
    sequence: int | None
    correlation_id: str | None
    causation_id: str | None
    organization_id: str | None
    actor: str | None
    headers: dict[str, str | None] = Field(description="every header that is not one of the above")
    data: Any = Field(description="the value as JSON; null when it is none")
    value_base64: str | None = Field(description="the value where it is not JSON")
    problems: list[Problem]


def on_topic(record: Record) -> MessageOnTopic:
    """Decode a record, trusting nothing."""
    text = legible(record.headers)
    data, is_json = data_of(record)
    sequence = text.get("sequence", "")
    known = {"id", "source", "type", "time", "subject", "sequence", "correlationid", "causationid", "organizationid", "actor"}
    return MessageOnTopic(
        place=record.place,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at=moments.of_milliseconds(record.timestamp_ms),
        key=shown(record.key),
        bytes=len(record.value or b""),
        id=text.get("id"),
        source=text.get("source"),
        type=text.get("type"),
        time=text.get("time"),
        subject=text.get("subject"),
        sequence=int(sequence) if sequence.isascii() and sequence.isdigit() else None,
        correlation_id=text.get("correlationid"),
        causation_id=text.get("causationid"),
        organization_id=text.get("organizationid"),
        actor=text.get("actor"),
        headers={name: shown(value) for name, value in record.headers if name.removeprefix("ce_") not in known},
        data=data,
        value_base64=None if is_json or record.value is None else base64.b64encode(record.value).decode(),
        problems=list(problems_of(record)),
    )


def problems_of(record: Record) -> Iterator[Problem]:
    """What a consumer would hold against the record, field by field; nothing for one that it can read."""
    try:
        attributes = attributes_of(record)
    except Unreadable as error:
        given = record.key if error.attribute == "key" else dict(record.headers).get(error.attribute)
        yield Problem(field=error.attribute, problem=error.problem, given=shown(given))
        return
    if record.topic in COMMAND_TOPICS and attributes.actor is None:
        yield Problem(field="ce_actor", problem="is missing: every command names the user who sends it")
    if record.topic not in COMMAND_TOPICS and attributes.sequence is None:
        yield Problem(field="ce_sequence", problem="is missing: every event of a subject has a number")
    try:
        message_of(record, attributes, now=moments.now())
    except InvalidData as error:
        if not error.errors:
            field = _HEADERS_AT_FAULT.get(error.code, "value")
            yield Problem(field=field, problem=error.message, given=shown(dict(record.headers).get(field)))
        data, _ = data_of(record)
        for each in error.errors:
            yield Problem(field=each.field, problem=each.message, given=_given(data, each.field))


def data_of(record: Record) -> tuple[Any, bool]:
    """The value as JSON, and whether it is JSON."""
    try:
        return orjson.loads(record.value or b""), True
    except orjson.JSONDecodeError:
        return None, False


def short_type(name: str | None) -> str:
    """`company.CompanyCreated.v1`."""
    return name.removeprefix(OWN_TYPES) if name else "unreadable"


def gist(message: MessageOnTopic) -> str:
    """What the data is about, in a few words: its telling fields, and how many rows it carries."""
    if message.problems:
        return "; ".join(f"{problem.field} {problem.problem}" for problem in message.problems[:3])
    if not isinstance(message.data, Mapping):
        return ""
    data: Mapping[str, Any] = message.data
    parts = [str(data[name]) for name in _TELLING if isinstance(data.get(name), str | int | float)]
    period = data.get("period")
    if isinstance(period, Mapping) and "first_day" in period:
        parts.append(f"{period['first_day']}..{period.get('last_day', '')}")
    if isinstance(data.get("rows"), list):
        parts.append(f"{len(data['rows'])} rows")
    elif isinstance(data.get("rows"), int):
        parts.append(f"{data['rows']} rows")
    parts += [f"{error['field']}: {error['code']}" for error in data.get("errors") or [] if isinstance(error, Mapping) and "field" in error]
    return ", ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which messages: every condition that is given must hold."""

    organization: str | None = None
    company: str | None = None
    type: str | None = None
    correlation: str | None = None
    key: str | None = None

    def __call__(self, record: Record) -> bool:
        """Whether a record is one of them. A record that cannot be read is wanted only by its key."""
        if self.key is not None and shown(record.key) != self.key:
            return False
        if not (self.organization or self.company or self.type or self.correlation):
            return True
        text = legible(record.headers)
        return (
            self.organization in (None, text.get("organizationid"))
            and self.correlation in (None, text.get("correlationid", text.get("id")))
            and (self.type is None or is_type(text.get("type", ""), self.type))
            and (self.company is None or self._is_about_the_company(record))
        )

    def _is_about_the_company(self, record: Record) -> bool:
        if shown(record.key) == self.company:
            return True
        if self.company is None or self.company.encode() not in (record.value or b""):
            return False
        data, _ = data_of(record)
        return isinstance(data, Mapping) and data.get("company_id") == self.company


def is_type(name: str, wanted: str) -> bool:
    """`CompanyCreated`, `CompanyCreated.v1` and the whole type all name one; so does a message of the contracts in any case."""
    name, wanted = name.lower(), wanted.lower()
    return name == wanted or name.endswith(f".{wanted}") or f".{wanted}.v" in name


def whole_type(wanted: str) -> str:
    """The whole type of the one message that is meant. Raises `Refused`."""
    found = [name for name in MESSAGES if is_type(name, wanted)]
    if len(found) != 1:
        raise Refused(f"{wanted} names {' and '.join(found) or 'no message of the contracts'}; write the whole type")
    return found[0]


def known_types() -> list[str]:
    """For completion."""
    return sorted({kind.schema_id().partition(".")[0] for kind in MESSAGES.values()})


def shown(value: bytes | None) -> str | None:
    """Bytes as text, what is not text escaped."""
    return None if value is None else value.decode("utf-8", "backslashreplace")


def _given(data: Any, field: str) -> str | None:
    for part in field.split("."):
        if isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        elif isinstance(data, Mapping) and part in data:
            data = data[part]
        else:
            return None
    text = orjson.dumps(data).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"
