"""Every message ever released still reads today, and what is written today is read by whoever still runs the last release."""

from datetime import datetime
from pathlib import Path

import orjson
import pytest
from cloudevents.core.bindings import kafka as sdk
from jsonschema import Draft202012Validator, FormatChecker

from contracts import documents
from contracts.gate.comparison import compare
from contracts.gate.corpus import Golden, corpus, of_examples
from contracts.gate.release import Release
from contracts.gate.snapshot import Contracts
from contracts.registry import MESSAGES
from contracts.upcasting import newest
from eventing.reading import attributes_of, message_of
from eventing.record import Record

KEPT = corpus()
EXAMPLES = list(of_examples(Release.last().number + 1))
RELEASED = Contracts.read(documents.ROOT / "released")
# A command that may say more than the released service reads is not sent before that service is deployed.
SERVICE_FIRST = {change.where for change in compare(RELEASED, Contracts.today()) if change.first}
PROMISED = [example for example in EXAMPLES if example.message in RELEASED.schemas and example.message not in SERVICE_FIRST]
FORMATS = FormatChecker(["date", "uuid"])

kept = pytest.mark.parametrize("golden", KEPT, ids=[Path(golden.path).with_suffix("").as_posix() for golden in KEPT])


def record_of(golden: Golden) -> Record:
    return Record(golden.topic, 0, 0, 0, golden.key, golden.headers, golden.value)


@FORMATS.checks("date-time", raises=ValueError)
def has_a_time_zone(text: object) -> bool:
    return datetime.fromisoformat(str(text)).tzinfo is not None


def problems(schema: object, data: object) -> list[str]:
    return [error.message for error in Draft202012Validator(schema, format_checker=FORMATS).iter_errors(data)]


@kept
def test_todays_readers_read_it(golden: Golden) -> None:
    record = record_of(golden)
    attributes = attributes_of(record)
    message = message_of(record, attributes, now=attributes.time)
    assert message is newest(message)
    assert (message.TOPIC, message.subject) == (golden.topic, golden.key.decode())
    assert MESSAGES[attributes.type].schema_id() == golden.message


@kept
def test_nothing_it_says_is_lost_on_todays_readers(golden: Golden) -> None:
    """Only within a major: what an upcast makes of it is the upcast's own."""
    kind = next(message for message in MESSAGES.values() if message.schema_id() == golden.message)
    read = kind.model_validate_json(golden.value).model_dump_json(exclude_unset=True)  # without what was not said
    assert orjson.loads(read) == orjson.loads(golden.value)


@pytest.mark.parametrize("example", PROMISED, ids=[example.message for example in PROMISED])
def test_readers_of_the_last_release_read_what_is_written_today(example: Golden) -> None:
    written = MESSAGES[attributes_of(record_of(example)).type].model_validate_json(example.value).model_dump_json()
    headers = {name: value.decode() for name, value in example.headers}
    assert problems(RELEASED.schemas[example.message], orjson.loads(written)) == []
    kind = RELEASED.schemas[example.message]["x-kind"]
    if f"{kind} headers" not in SERVICE_FIRST:
        assert problems(RELEASED.headers[kind], headers) == []


@pytest.mark.parametrize("example", [*KEPT, *EXAMPLES], ids=lambda golden: golden.path)
def test_the_cloudevents_sdk_reads_and_writes_the_same(example: Golden) -> None:
    message = sdk.KafkaMessage(headers=dict(example.headers), key=example.key, value=example.value)
    event = sdk.from_kafka_event(message)
    told = attributes_of(record_of(example))
    assert (event.get_id(), event.get_source(), event.get_type(), event.get_subject()) == (told.id, told.source, told.type, told.subject)
    assert event.get_time() == told.time
    assert event.get_extension("organizationid") == told.organizationid
    assert event.get_data() == orjson.loads(example.value)

    written = sdk.to_binary_event(event)
    assert attributes_of(Record(example.topic, 0, 0, 0, example.key, tuple(written.headers.items()), example.value)) == told
    assert orjson.loads(written.value) == orjson.loads(example.value)
