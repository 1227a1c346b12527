"""A whole gateway in one file: sends a command, waits for its outcome, shows the event. Needs only aiokafka and contracts/asyncapi.yaml.

Run it with `set -a && source .local/env && python examples/gateway.py`.
"""

import asyncio
import json
import os
import ssl
import uuid
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

PREFIX = os.environ.get("KAFKA_TOPIC_PREFIX", "")
PROTOCOL = os.environ.get("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
CONNECTION = {
    "bootstrap_servers": os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"), "security_protocol": PROTOCOL,
    "ssl_context": ssl.create_default_context(cafile=os.environ["KAFKA_CA_FILE"]) if PROTOCOL.endswith("SSL") else None,
    "sasl_mechanism": os.environ.get("KAFKA_SASL_MECHANISM", "PLAIN"), "sasl_plain_username": os.environ.get("KAFKA_SASL_USERNAME"),
    "sasl_plain_password": os.environ.get("KAFKA_SASL_PASSWORD"),
}  # fmt: skip


async def send(producer: AIOKafkaProducer, *, topic: str, name: str, key: str, organization: str, actor: str, data: dict) -> str:
    """Commands are CloudEvents in binary mode: attributes in ce_* headers, JSON in the value, the subject as key."""
    command_id = str(uuid.uuid4())
    attributes = {
        "specversion": "1.0", "id": command_id, "source": "/example-gateway", "type": name, "subject": key,
        "time": datetime.now(UTC).isoformat(), "organizationid": organization, "actor": actor,
    }  # fmt: skip
    headers = [("content-type", b"application/json")] + [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    await producer.send_and_wait(PREFIX + topic, json.dumps(data).encode(), key.encode(), headers=headers)
    return command_id


async def main() -> None:
    topics = {PREFIX + "command-results", PREFIX + "org-events"}
    consumer = AIOKafkaConsumer(*topics, **CONNECTION, auto_offset_reset="latest")
    async with AIOKafkaProducer(**CONNECTION, acks="all", enable_idempotence=True) as producer, consumer:
        await consumer.seek_to_end()
        organization = str(uuid.uuid4())
        command_id = await send(
            producer, topic="org-commands", name="no.accountflow.org.RegisterOrganization.v1",
            key=organization, organization=organization, actor="kari@example.no",
            data={"organization_id": organization, "name": "Fjordregnskap AS"},
        )  # fmt: skip
        async for record in consumer:
            headers = {name: value.decode() for name, value in record.headers}
            if headers.get("ce_causationid") == command_id:
                print(headers["ce_type"], record.value.decode())
                topics.discard(record.topic)
                if not topics or headers["ce_type"].endswith("CommandRejected.v1"):
                    return  # outcome and event come on two topics, in either order


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(main(), timeout=30))
