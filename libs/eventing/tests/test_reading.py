"""Reading without trust: whatever a record holds, what comes of it is a message or a typed error."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.cloudevents import Attributes, Unreadable, legible, read
from contracts.documents import EXAMPLES
from contracts.message import Message
from contracts.registry import MESSAGES
from eventing.errors import InvalidData
from eventing.inbox import Event, _read_command, read_event
from eventing.reading import message_of
from eventing.record import Record
from testkit.bad_messages import Fate, Kind, Raw, good, kinds

KINDS = list(kinds())
TEXT = st.text(max_size=20)
BYTES = st.binary(max_size=40)
NAMES = st.sampled_from(["ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_sequence", "ce_organizationid", "ce_specversion"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT, lambda part: st.lists(part) | st.dictionaries(TEXT, part)
)


def test_there_are_many_kinds_and_each_has_a_name() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 40


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.__name__)
def test_every_kind_is_told_apart_on_every_topic(message: type[Message]) -> None:
    raw = an_example(message)
    for kind in KINDS:
        if kind.name.startswith("claim") and "organization_id" not in message.model_fields:
            continue  # no organisation is claimed inside
        seen = as_command(kind.spoil(raw)) if message.KIND == "command" else as_event(kind.spoil(raw))
        assert seen == expected(kind, message), (message.__name__, kind.name)


WRONG: Mapping[str, Sequence[Any]] = {
    "integer": ["12,5", 1.5, "100 kr", [1]],
    "number": ["100,00", "100 kr", "1e400", [1]],
    "boolean": ["ja", 2],
    "string": [7, ["x"], {"x": 1}],
    "array": [{}, "x"],
    "date": [1_795_262_400, "31.12.2026", "2026-02-30"],
    "date-time": [1_795_262_400, 1_795_262_400_000, "1795262400.5", "2026-11-22T12:00:00", "22.11.2026 12:00"],
    "uuid": ["acme", 7],
}
"""By what a field should be: other types, and other units of the same."""
AS_IT_CAME = {("A07ReportRetrieved", "report"), ("CommandSucceeded", "result"), ("RowsRemoved", "rows")}
"""Fields that the contract does not look into."""
ANSWERED_FIELD_BY_FIELD = {"AddVismaCompany", "UpdateCompany", "ChangeReconciliationStart", "RegisterVismaCustomerIds"}
"""Forms: what was typed travels as it was typed, and the service says what is wrong with each field."""


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.__name__)
def test_a_field_of_another_type_or_unit_is_refused_by_its_name(message: type[Message]) -> None:
    raw = an_example(message)
    attributes = read(list(raw.headers))
    for field, shape in message.model_json_schema()["properties"].items():
        for wrong in [] if message.__name__ in ANSWERED_FIELD_BY_FIELD else WRONG.get(shape.get("format", shape.get("type")), ()):
            with pytest.raises(InvalidData, match=field):
                message_of(a_record(raw.data(**{field: wrong})), attributes, now=datetime.now(UTC))


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.__name__)
def test_a_number_beyond_64_bits_is_refused_by_its_name(message: type[Message]) -> None:
    raw = an_example(message)
    attributes = read(list(raw.headers))
    data = json.loads(raw.value or b"{}")
    for field, value in data.items():
        judged = message.__name__ not in ANSWERED_FIELD_BY_FIELD and (message.__name__, field) not in AS_IT_CAME
        for path, changed in with_other_numbers(value) if judged else ():
            with pytest.raises(InvalidData, match=re.escape(".".join([field, *path]))):
                message_of(a_record(raw.data(**{field: changed})), attributes, now=datetime.now(UTC))


def with_other_numbers(value: Any) -> Iterator[tuple[list[str], Any]]:
    """Copies of a value, in each of which one whole number is another; where it stands, and the copy."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield from (([], wrong) for wrong in (2**63, -(2**63) - 1))
    elif isinstance(value, list | dict):
        for place, part in enumerate(value) if isinstance(value, list) else value.items():
            for path, changed in with_other_numbers(part):
                copy = value.copy()
                copy[place] = changed
                yield [str(place), *path], copy


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a fault
@given(headers=st.lists(st.tuples(NAMES | TEXT, BYTES | TEXT.map(str.encode) | st.none()), max_size=12))
def test_attributes_or_unreadable(headers: list[tuple[str, bytes | None]]) -> None:
    with suppress(Unreadable):
        assert isinstance(read(headers), Attributes)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a fault
@given(kind=st.sampled_from(sorted(MESSAGES)), value=BYTES | JSON.map(lambda data: json.dumps(data).encode()))
def test_a_message_or_invalid_data(kind: str, value: bytes) -> None:
    attributes = Attributes(
        id="1", source="/x", type=kind, time=datetime.now(UTC), subject="1", organizationid=str(UUID(int=1)), correlationid="1", sequence=1
    )
    with pytest.raises(InvalidData) as caught:
        message_of(Record(MESSAGES[kind].TOPIC, 0, 0, 0, b"1", (), value), attributes, now=datetime.now(UTC))
    assert caught.value.code in {"invalid_json", "invalid_data", "subject_mismatch", "organization_mismatch"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a fault
@given(data=st.data(), number=st.integers(0, len(MESSAGES) - 1))
def test_a_real_message_with_any_part_replaced_is_read_or_refused_by_name(data: st.DataObject, number: int) -> None:
    message = list(MESSAGES.values())[number]
    raw = an_example(message)
    changed = raw.data(**{data.draw(st.sampled_from(sorted(message.model_fields))): data.draw(JSON)}) if data.draw(st.booleans()) else raw
    name, _ = data.draw(st.sampled_from(raw.headers))
    changed = changed.header(name, data.draw(BYTES | TEXT.map(str.encode)))
    seen = as_command(changed) if message.KIND == "command" else as_event(changed)
    assert isinstance(seen, Fate | str)


def an_example(message: type[Message]) -> Raw:
    """The real example of a message, under an envelope of today."""
    example = json.loads((EXAMPLES / message.__name__ / "1" / "real.json").read_text("utf-8"))
    given: dict[str, Any] = {"actor": "kari"} if message.KIND == "command" else {"sequence": 2}
    return good(message.model_validate(example["data"]), id="an-id", **given)


def a_record(raw: Raw) -> Record:
    return Record(raw.topic, 0, 0, 0, raw.key, raw.headers, raw.value)


def as_event(raw: Raw) -> Fate:
    record = a_record(raw)
    event = read_event(record)
    if isinstance(event, Unreadable):
        return Fate.DEAD
    assert isinstance(event, Event)
    if event.sequence <= 1:
        return Fate.DUPLICATE
    if event.attributes.type not in MESSAGES:
        return Fate.DEAD
    try:
        message_of(record, event.attributes, now=datetime.now(UTC))
    except InvalidData:
        return Fate.PARKED
    return Fate.GAP if event.sequence > 2 else Fate.HANDLED


def as_command(raw: Raw) -> Fate | str:
    if "id" not in legible(raw.headers):
        return Fate.DEAD
    _, message, problem = _read_command(a_record(raw), now=datetime.now(UTC))
    assert (message is None) != (problem is None)
    return problem.code if problem else Fate.HANDLED


def expected(kind: Kind, message: type[Message]) -> Fate | str:
    return kind.command if message.KIND == "command" else kind.event
