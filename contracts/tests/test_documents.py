"""The committed documents say what the models say, and every message of a topic has real examples that still read."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from contracts import documents, topics
from contracts.cloudevents import read
from contracts.message import Message
from contracts.registry import MESSAGES

ALL = list(MESSAGES.values())
names = pytest.mark.parametrize("message", ALL, ids=[message.schema_id() for message in ALL])


def test_schemas_are_those_of_the_models() -> None:
    expected = documents.schema_files()
    assert set(documents.SCHEMAS.glob("*.json")) == set(expected), "run `make contracts`"
    changed = [path.name for path, text in expected.items() if path.read_text("utf-8") != text]
    assert changed == [], "run `make contracts`"


def test_the_asyncapi_document_is_that_of_the_models() -> None:
    assert documents.ASYNCAPI.read_text("utf-8") == documents.asyncapi_text(), "run `make contracts`"


@names
def test_every_message_has_examples_that_fit_schema_and_model(message: type[Message]) -> None:
    examples = documents.examples_of(message)
    assert examples, f"{message.schema_id()} has no example"
    validator = Draft202012Validator(documents.schema_of(message))
    for path in examples:
        example = orjson.loads(path.read_bytes())
        validator.validate(example["data"])
        model = message.model_validate(example["data"])
        attributes = read([(name, value.encode()) for name, value in example["headers"].items()])
        assert (attributes.type, attributes.subject, example["key"]) == (message.TYPE, model.subject, model.subject)
        assert (attributes.sequence is None) == (message.KIND == "command")


def test_no_example_or_schema_is_an_orphan() -> None:
    known = {message.schema_id().replace(".v", "/") for message in ALL}
    assert {f"{path.parent.name}/{path.name}" for path in documents.EXAMPLES.glob("*/*")} == known


WHAT_WAS_TYPED = {"financial_year_start_month", "visma_customer_ids"}
"""In forms: the service says what is wrong with it."""
COUNTS = re.compile(r"(^|_)(batches|deviations|lines|requests|rows|submissions|version|vouchers)(_|$)")


@names
def test_every_number_fits_into_64_bits_and_no_count_is_negative(message: type[Message]) -> None:
    for name, shape in integers(documents.schema_of(message)):
        if message.KIND == "event" or name not in WHAT_WAS_TYPED:
            assert shape.get("minimum", shape.get("exclusiveMinimum", -(2**64))) >= (0 if COUNTS.search(name) else -(2**63)), name
            assert shape.get("maximum", shape.get("exclusiveMaximum", 2**64)) < 2**63, name


def integers(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The whole numbers of a schema, each with the name of its field."""
    if isinstance(node, list):
        for part in node:
            yield from integers(part, name)
    elif isinstance(node, dict):
        if node.get("type") == "integer":
            yield name, node
        for below, part in node.items():
            # What stands under these words belongs to the field itself.
            yield from integers(part, name if below in {"anyOf", "items"} else below)


@names
def test_the_wire_type_is_explicit_and_well_formed(message: type[Message]) -> None:
    assert re.fullmatch(r"no\.accountflow\.[a-z-]+\.[A-Za-z0-9]+\.v[1-9]\d*", message.TYPE)
    assert message.TYPE.split(".")[-2] == message.__name__
    assert message.__doc__


def test_topics_and_models_name_each_other() -> None:
    declared = {(topic.name, f"{name}.v{major}") for topic in topics.load() for name, majors in topic.versions.items() for major in majors}
    assert declared == {(message.TOPIC, message.schema_id()) for message in ALL}


def test_every_consumer_has_its_dead_letter_topic_which_holds_longer_and_larger_records() -> None:
    by_name = {topic.name: topic for topic in topics.load()}
    services = {party for topic in by_name.values() for party in topic.consumers if f"{party}-dlq" in by_name}
    assert services == {"org-service", "company-service", "visma-connector", "sync-worker"}
    for topic in by_name.values():
        for service in services & set(topic.consumers):
            dead = by_name[f"{service}-dlq"]
            assert dead.carries == "dead letters"
            assert dead.retention_ms == -1
            assert dead.max_message_bytes > topic.max_message_bytes


def test_only_the_owner_writes_events_and_only_gateways_write_commands() -> None:
    for topic in topics.load():
        if topic.name == "command-results":
            continue
        expected = ["ui-gateway"] if topic.name.endswith("-commands") else [topic.owner]
        assert topic.producers == expected, topic.name
