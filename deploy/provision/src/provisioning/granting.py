"""Rights and users as the cluster has them: compared with the contracts, granted, taken away."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from provisioning.cluster import ANSWER_SECONDS, Cluster, ProvisioningError, rights_client
from provisioning.rights import Right, Shared, rights

ITERATIONS = 8192
"""Of the hash that a guesser must compute for every guess; Kafka's own tools take 4096."""

MECHANISM = ScramMechanism.SCRAM_SHA_512
EVERYTHING = AclBindingFilter(
    ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY  # type: ignore[arg-type]
)  # fmt: skip


@dataclass(frozen=True)
class RightsPlan:
    """What stands between the cluster and the contracts."""

    missing: tuple[Right, ...]
    undeclared: tuple[AclBinding, ...]
    """Rights that the cluster grants on a topic of the contracts by name, or to one of their parties, and the contracts do not. Rights of
    others by wildcard, such as an administrator's, are not looked at."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.undeclared)


async def plan_rights(cluster: Cluster, topics: Collection[Shared], *, prefix: str = "") -> RightsPlan:
    """Compare, change nothing. Raises `ProvisioningError`."""
    return _plan(await _granted(rights_client(cluster)), topics, prefix)


async def grant(cluster: Cluster, topics: Collection[Shared], *, prefix: str = "", prune: bool = False, within: float = 30) -> RightsPlan:
    """Grant what is missing and, with `prune`, take away what is undeclared; returns the plan that was carried out.

    Returns when the broker that answers knows of it: the controller has decided a moment earlier. Raises `ProvisioningError`, also when
    the cluster has no authorizer.
    """
    client = rights_client(cluster)
    plan = _plan(await _granted(client), topics, prefix)
    if plan.missing:
        await _all(client.create_acls([_binding(right) for right in plan.missing]))
    if prune and plan.undeclared:
        await _all(client.delete_acls([_filter(binding) for binding in plan.undeclared]))
    deadline = time.monotonic() + within
    while (left := _plan(await _granted(client), topics, prefix)).missing or (prune and left.undeclared):
        if time.monotonic() > deadline:
            raise ProvisioningError(f"rights not in force after {within:.0f} s: {left}")
        await asyncio.sleep(0.02)
    return plan


async def put_users(cluster: Cluster, passwords: Mapping[str, str], *, within: float = 30) -> None:
    """Create the users, or give them these passwords. Raises `ProvisioningError`."""
    client = rights_client(cluster)
    credential = ScramCredentialInfo(MECHANISM, ITERATIONS)
    upsertions: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, credential, password.encode()) for user, password in passwords.items()
    ]
    await _all(client.alter_user_scram_credentials(upsertions))
    deadline = time.monotonic() + within
    while not set(passwords) <= await _users(client):
        if time.monotonic() > deadline:
            raise ProvisioningError(f"users not known after {within:.0f} s")
        await asyncio.sleep(0.02)


async def withdraw(cluster: Cluster, topics: Collection[Shared], users: Iterable[str], *, prefix: str = "") -> None:
    """Undo `grant` and `put_users`, for an installation that is taken away."""
    client = rights_client(cluster)
    await _all(client.delete_acls([_filter(_binding(right)) for right in rights(topics, prefix=prefix)]))
    present = set(users) & await _users(client)
    if present:
        await _all(client.alter_user_scram_credentials([UserScramCredentialDeletion(user, MECHANISM) for user in present]))


def _plan(granted: Collection[AclBinding], topics: Collection[Shared], prefix: str) -> RightsPlan:
    declared = {_binding(right): right for right in rights(topics, prefix=prefix)}
    users = {binding.principal for binding in declared}
    names = {prefix + topic.name for topic in topics}

    def ours(binding: AclBinding) -> bool:
        return binding.principal in users or (binding.restype is ResourceType.TOPIC and binding.name in names)

    return RightsPlan(
        missing=tuple(sorted(right for binding, right in declared.items() if binding not in granted)),
        undeclared=tuple(sorted(binding for binding in granted if binding not in declared and ours(binding))),
    )


def _binding(right: Right) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if right.by_prefix else ResourcePatternType.LITERAL
    operation, kind = AclOperation[right.operation], ResourceType[right.kind]
    return AclBinding(kind, right.name, pattern, f"User:{right.user}", "*", operation, AclPermissionType.ALLOW)


def _filter(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


async def _granted(client: AdminClient) -> set[AclBinding]:
    return set(await _answer(client.describe_acls(EVERYTHING, request_timeout=ANSWER_SECONDS)))


async def _users(client: AdminClient) -> set[str]:
    return set(await _answer(client.describe_user_scram_credentials(request_timeout=ANSWER_SECONDS)))


async def _all(answers: Mapping[Any, Future[Any]]) -> None:
    for answer in answers.values():
        await _answer(answer)


async def _answer(future: Any) -> Any:
    try:
        return await asyncio.wrap_future(future)
    except KafkaException as error:
        raise ProvisioningError(error.args[0].str()) from None
