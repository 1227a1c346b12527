"""How our clients work with Kafka, in one place: the settings under which nothing is lost, and the installation's topic prefix."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity

from eventing.header_names import read_any

LARGEST_REQUEST = 3 * 1024 * 1024  # bytes; above every topic's max.message.bytes, so that the broker decides


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAccess:
    """Where the brokers are and who we are there. ``options`` are aiokafka's, address and security included."""

    client_id: str
    options: Mapping[str, Any]
    security: BaseSecurity = field(default_factory=BaseSecurity)
    topic_prefix: str = ""
    group_instance_id: str | None = None
    """This member's name over restarts; without one, a crashed member's partitions wait until its session has expired."""

    def producer(self) -> AIOKafkaProducer:
        """An idempotent producer that waits for all replicas; it keeps the order of each partition through its own retries."""
        return AIOKafkaProducer(
            **self.options,
            client_id=self.client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=262_144,
            max_request_size=LARGEST_REQUEST,
        )

    def broker(self, *, graceful_timeout: float) -> KafkaBroker:
        """FastStream's broker, for subscribing. It never creates topics: those come from the contracts."""
        read_any()
        return KafkaBroker(
            self.options["bootstrap_servers"],
            client_id=self.client_id,
            security=self.security,
            allow_auto_create_topics=False,
            apply_types=False,  # its way of calling a function by the types of its parameters takes a millisecond for each batch
            graceful_timeout=graceful_timeout,
            logger=logging.getLogger("eventing.kafka"),
            log_level=logging.DEBUG,
        )
