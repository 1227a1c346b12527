"""The documents made from the models and the topic files: a JSON Schema per message and one AsyncAPI 3 document.

They are committed and never edited by hand; a test compares them with what the models say now.
"""

from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core.core_schema import WithDefaultSchema

from contracts.cloudevents import CONTENT_TYPE
from contracts.message import Message
from contracts.registry import MESSAGES
from contracts.topics import Topic, load

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
EXAMPLES = ROOT / "examples"
ASYNCAPI = ROOT / "asyncapi.yaml"


class Schemas(GenerateJsonSchema):
    """Pydantic's own, and defaults that are made by a factory: a reader of an old event must know what a field left out means."""

    def get_default_value(self, schema: WithDefaultSchema) -> Any:
        """What the field holds when it is left out."""
        factory = schema.get("default_factory")
        if factory is None or schema.get("default_factory_takes_data"):
            return super().get_default_value(schema)
        return factory()  # type: ignore[call-arg]  # takes no data, as just seen


@cache
def schema_of(message: type[Message]) -> dict[str, Any]:
    """The JSON Schema of a message's data: what a command may hold, what an event always holds. ``x-key`` is the key's field."""
    schema = message.model_json_schema(mode=_mode(message), ref_template="#/$defs/{model}", schema_generator=Schemas)
    about = {"x-kind": message.KIND, "x-topic": message.TOPIC, "x-key": message.SUBJECT}
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": f"{message.TYPE}.json", **about, **schema}


def _mode(message: type[Message]) -> JsonSchemaMode:
    return "validation" if message.KIND == "command" else "serialization"


def schema_files() -> dict[Path, str]:
    """Every schema file and its text."""
    return {
        SCHEMAS / f"{message.schema_id()}.json": orjson.dumps(schema_of(message), option=orjson.OPT_INDENT_2).decode() + "\n"
        for message in MESSAGES.values()
    }


def examples_of(message: type[Message]) -> list[Path]:
    """The example messages of one version, as they stood on a topic: ``key``, ``headers`` (as text) and ``data``."""
    name, version = message.schema_id().split(".v")
    return sorted((EXAMPLES / name / version).glob("*.json"))


def asyncapi() -> dict[str, Any]:
    """Servers, channels with Kafka bindings, messages with CloudEvents headers, and who sends and receives what."""
    topics = load()
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Visma Business NXT retrieval",
            "version": "1.0.0",
            "description": (
                "Commands and events of the services that bring accounting data from Visma Business NXT, complete and proven. "
                "Messages are CloudEvents 1.0 in Kafka's binary mode: attributes are ce_* headers in UTF-8, the value is JSON. "
                "The record key is the ce_subject. Readers ignore fields they do not know. Amounts are decimals in text."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "development": {
                "host": "{bootstrap}",
                "protocol": "kafka-secure",
                "description": "The local stack; `make up` writes address, user, password and the certificate to trust to .local/env.",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092"}},
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
            },
            "production": {
                "host": "{bootstrap}",
                "protocol": "kafka-secure",
                "description": "SASL over TLS; every user may do what the operations below say, and nothing else.",
                "variables": {"bootstrap": {"default": "kafka.example:9093"}},
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
            },
        },
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": _operations(topics),
        "components": {
            "securitySchemes": {"scram": {"type": "scramSha512", "description": "One user per service, gateway and operator."}},
            "messageTraits": {kind: {"headers": headers_schema(kind)} for kind in ("command", "event")},
            "messages": {message.schema_id(): _message(message) for message in MESSAGES.values()},
            "schemas": _component_schemas(),
        },
    }


def asyncapi_text() -> str:
    """The AsyncAPI document as committed."""
    return yaml.dump(asyncapi(), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=140)


def _channel(topic: Topic) -> dict[str, Any]:
    messages = [message for message in MESSAGES.values() if topic.name == message.TOPIC]
    return {
        "address": topic.name,
        "title": f"{topic.name} (owner: {topic.owner})",
        "description": f"{topic.description} Key: {topic.key}. Kept {topic.retention}.",
        "messages": {message.schema_id(): {"$ref": f"#/components/messages/{message.schema_id()}"} for message in messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup],
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations(topics: tuple[Topic, ...]) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for topic in topics:
        for action, parties in (("send", topic.producers), ("receive", topic.consumers)):
            for party in parties:
                operations[f"{party}.{action}.{topic.name}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic.name}"},
                    "summary": f"{party} {'writes to' if action == 'send' else 'reads'} {topic.name}.",
                    "tags": [{"name": party}],
                }
    return operations


def _message(message: type[Message]) -> dict[str, Any]:
    examples = [_example(path) for path in examples_of(message)]
    return {
        "name": message.TYPE,
        "title": message.__name__,
        "summary": " ".join((message.__doc__ or "").split()),
        "contentType": CONTENT_TYPE,
        "traits": [{"$ref": f"#/components/messageTraits/{message.KIND}"}],
        "payload": {"$ref": f"#/components/schemas/{message.schema_id()}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": f"the {message.SUBJECT}"}, "bindingVersion": "0.5.0"}},
        **({"examples": examples} if examples else {}),
    }


def _example(path: Path) -> dict[str, Any]:
    example = orjson.loads(path.read_bytes())
    return {"name": path.stem, "headers": example["headers"], "payload": example["data"]}


def _component_schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for message in MESSAGES.values():
        reference = f"#/components/schemas/{message.schema_id()}.{{model}}"
        own = message.model_json_schema(mode=_mode(message), ref_template=reference, schema_generator=Schemas)
        for name, part in own.pop("$defs", {}).items():
            schemas[f"{message.schema_id()}.{name}"] = part
        schemas[message.schema_id()] = own
    return schemas


def headers_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a ``command``'s or an ``event``'s headers, each as text."""
    text = {"type": "string", "minLength": 1}
    properties: dict[str, Any] = {
        "content-type": {"const": CONTENT_TYPE},
        "ce_specversion": {"const": "1.0"},
        "ce_id": {**text, "maxLength": 500, "description": "made by the sender, unique; a UUID is usual"},
        "ce_type": {**text, "description": "the message's name below"},
        "ce_source": {**text, "description": "who sends, such as /ui-gateway"},
        "ce_time": {**text, "format": "date-time", "description": "with time zone"},
        "ce_subject": {**text, "description": "the record key"},
        "ce_organizationid": {**text, "format": "uuid", "description": "the organisation whose data this is"},
        "ce_correlationid": {**text, "description": "one id from the first command to the last page; the ce_id when left out"},
        "ce_causationid": {**text, "description": "ce_id of the message that caused this one"},
        "traceparent": {**text, "description": "W3C trace context"},
    }
    required = ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "ce_organizationid"]
    if kind == "command":
        properties["ce_actor"] = {**text, "description": "the user who asks; must be a member with the role the command needs"}
        properties["ce_replyto"] = {**text, "description": "free text of the sender's, for its own use"}
        required.append("ce_actor")
    else:
        properties["ce_sequence"] = {**text, "pattern": r"^\d+$", "description": "rises by one per source, topic and subject"}
        required.append("ce_sequence")
    return {"type": "object", "required": required, "properties": properties}
