"""The administrator's connections to a cluster: one client for topics, one for rights and users, which the first does not know."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka.admin import AdminClient

from servicekit.kafka import client_options
from servicekit.settings import KafkaSettings

Cluster = KafkaSettings | str
"""The administrator's settings, or the addresses alone where the cluster asks nobody who they are."""

ANSWER_SECONDS = 15


class ProvisioningError(Exception):
    """The cluster refused."""


@asynccontextmanager
async def admin(cluster: Cluster) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected client for topics. Raises `KafkaConnectionError` when nobody answers, or nobody lets us in."""
    client = AIOKafkaAdminClient(**client_options(settings_of(cluster)), request_timeout_ms=ANSWER_SECONDS * 1000)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


def rights_client(cluster: Cluster) -> AdminClient:
    """A client for rights and users. It connects when it is first asked something."""
    settings = settings_of(cluster)
    options: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
        "log_level": 2,  # what fails is raised; it would be printed besides
    }
    if settings.sasl_username and settings.sasl_password:
        options |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": settings.sasl_password.get_secret_value(),
        }
    if settings.ca_file:
        options["ssl.ca.location"] = str(settings.ca_file)
    return AdminClient(options)


def settings_of(cluster: Cluster) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=cluster) if isinstance(cluster, str) else cluster
