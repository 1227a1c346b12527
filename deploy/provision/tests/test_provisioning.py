"""The command against a real protected broker: what it plans, does, takes away, and says."""

import os
import subprocess
import sys
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from contracts import topics as contracts
from local_stack.programs import kafka_variables
from local_stack.protection import protected
from provisioning import granting, topics
from provisioning.cluster import ProvisioningError, rights_client
from provisioning.rights import rights
from servicekit.kafka import client_options
from testkit import OwnKafka

DECLARED = contracts.load()
STRANGER = AclBinding(
    ResourceType.TOPIC, "org-events", ResourcePatternType.LITERAL, "User:stranger", "*", AclOperation.READ, AclPermissionType.ALLOW
)  # fmt: skip


def provision(own: OwnKafka, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kafka = {f"KAFKA__{name}": value for name, value in kafka_variables(own.server.administrator).items()}
    command = [sys.executable, "-m", "provisioning", "--replicas", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, env=os.environ | kafka | settings)


async def test_the_command_plans_applies_finds_nothing_more_and_prunes(protected_kafka: OwnKafka) -> None:
    planned = provision(protected_kafka, "--dry-run")
    assert planned.returncode == 1, planned.stdout + planned.stderr
    assert "would create topic org-events" in planned.stdout
    assert "would grant: org-service may write topic org-events" in planned.stdout
    assert len(planned.stdout.splitlines()) == len(DECLARED) + len(rights(DECLARED))
    applied = provision(protected_kafka)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert applied.stdout == planned.stdout.replace("would create", "created").replace("would grant", "granted")
    again = provision(protected_kafka, "--dry-run")
    assert (again.returncode, again.stdout) == (0, "")

    client = rights_client(protected_kafka.server.administrator)
    for granted in client.create_acls([STRANGER]).values():
        granted.result()
    found = provision(protected_kafka)
    assert (found.returncode, found.stdout.strip()) == (
        1,
        "undeclared, taken away with --prune: User:stranger AclOperation.READ ResourceType.TOPIC org-events",
    )
    assert provision(protected_kafka, "--prune").returncode == 0
    assert not await granting.plan_rights(protected_kafka.server.administrator, DECLARED)


def test_a_wrong_password_and_a_broker_that_is_away_are_told_and_no_password_is(protected_kafka: OwnKafka) -> None:
    for settings in ({"KAFKA__SASL_PASSWORD": "gue55ed"}, {"KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}):
        refused = provision(protected_kafka, "--dry-run", **settings)
        assert refused.returncode == 3, refused.stdout + refused.stderr
        assert "127.0.0.1" in refused.stdout
        assert "gue55ed" not in refused.stdout + refused.stderr


async def test_a_user_works_as_soon_as_made_and_not_after_it_is_withdrawn(protected_kafka: OwnKafka) -> None:
    administrator, prefix = protected_kafka.server.administrator, f"t{uuid4().hex[:8]}."
    user = prefix + "org-service"
    await topics.create_topics(administrator, DECLARED, prefix=prefix, most_partitions=1)
    await granting.put_users(administrator, {user: "first"})
    await granting.put_users(administrator, {user: "second"})
    await granting.grant(administrator, DECLARED, prefix=prefix)
    settings = protected(administrator.bootstrap_servers, user, "second", administrator.ca_file)
    async with AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(prefix + "org-events", b"{}", b"key")
    await granting.withdraw(administrator, DECLARED, [user], prefix=prefix)
    plan = await granting.plan_rights(administrator, DECLARED, prefix=prefix)
    assert set(plan.missing) == rights(DECLARED, prefix=prefix)
    producer = AIOKafkaProducer(**client_options(settings))
    with pytest.raises(KafkaConnectionError):
        await producer.start()
    await producer.stop()
    await topics.delete_topics(administrator, [prefix + topic.name for topic in DECLARED])


async def test_a_cluster_without_rights_says_so(own_kafka: OwnKafka) -> None:
    with pytest.raises(ProvisioningError, match=r"Security features are disabled|No Authorizer is configured"):
        await granting.grant(own_kafka.server.bootstrap_servers, DECLARED)
