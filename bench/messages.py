"""Messages to measure with, and how they get onto a topic."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from contracts.cloudevents import Attributes
from contracts.message import Message
from contracts.org import AddMember, MemberAdded, Role
from eventing.kafka import KafkaAccess

Sent = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Key, value and headers."""


def events_member_added(organizations: Sequence[UUID], count: int, *, first: int = 0) -> list[Sent]:
    """Round and round through the organisations, numbered per organisation; those from ``first`` on of a longer history."""
    return [
        sent(
            MemberAdded(
                organization_id=(to := organizations[n % len(organizations)]), user_id=f"user-{n}", name="Kari Nordmann", role=Role.READER
            ),
            to,
            sequence=n // len(organizations) + 1,
        )
        for n in range(first, first + count)
    ]


def commands_add_member(organizations: Sequence[UUID], count: int) -> list[Sent]:
    """Round and round through the organisations."""
    return [
        sent(
            AddMember(
                organization_id=(to := organizations[n % len(organizations)]), user_id=f"user-{n}", name="Kari Nordmann", role=Role.READER
            ),
            to,
            actor="kari",
        )
        for n in range(count)
    ]


def sent(message: Message, organization: UUID, *, source: str | None = None, sequence: int | None = None, actor: str | None = None) -> Sent:
    """The message as its owner would send it."""
    attributes = Attributes(
        id=str(uuid4()),
        source=source or ("/org-service" if message.KIND == "event" else "/ui-gateway"),
        type=message.TYPE,
        time=datetime.now(UTC),
        subject=message.subject,
        organizationid=str(organization),
        correlationid=str(uuid4()),
        sequence=sequence,
        actor=actor,
    )
    return message.subject.encode(), message.model_dump_json().encode(), attributes.headers()


async def send_all(kafka: KafkaAccess, topic: str, messages: Sequence[Sent]) -> None:
    """Publish in order and wait for the broker."""
    producer = kafka.producer()
    await producer.start()
    try:
        name = kafka.topic_prefix + topic
        await asyncio.gather(*[await producer.send(name, value, key, headers=headers) for key, value, headers in messages])
    finally:
        await producer.stop()
