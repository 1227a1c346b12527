"""What the doctor looks at in Kafka: brokers, topics, groups, permissions."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from aiokafka.protocol.admin import DescribeAclsRequest

from opsctl import groups, moments, topics
from opsctl.finding import Check, Examination, Severity
from opsctl.system import System
from provisioning.rights import Right, rights

_LATE = timedelta(minutes=1)
_SECURITY_DISABLED = 54
_ANY, _MATCH, _ALLOW, _PREFIXED = 1, 1, 3, 4
_KINDS: Mapping[int, Any] = {2: "TOPIC", 3: "GROUP", 4: "BROKER"}
_OPERATIONS: Mapping[int, Any] = dict(
    enumerate(("ALL", "READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"), 2)
)


async def brokers(system: System) -> Check:
    """Whether the cluster answers and every partition of ours has its replicas."""
    seen = Examination("brokers", system.settings.kafka.bootstrap_servers)
    admin = await system.admin()
    cluster = await admin.describe_cluster()
    described = await admin.describe_topics([system.full(name) for name in system.topics])
    parts = [(topic["topic"], part) for topic in described for part in topic["partitions"]]
    seen.seen = f"{len(cluster['brokers'])} brokers, controller {cluster['controller_id']}, {len(parts)} partitions"
    for name, part in parts:
        replicas(seen, name, part)
    return seen.done()


def replicas(seen: Examination, topic: str, part: Mapping[str, Any]) -> None:
    """Whether a partition, as the client describes it, has a leader and all its replicas in step."""
    place = f"{topic}/{part['partition']}"
    if part["error_code"] or part["leader"] < 0:
        seen.find(Severity.ERROR, f"{place} has no leader", "Bring back the brokers that hold it; nothing can be written or read there.")
    elif len(part["isr"]) < len(part["replicas"]):
        lacking = f"{place} has {len(part['isr'])} of {len(part['replicas'])} replicas in step"
        seen.find(Severity.WARNING, lacking, "Look for a broker that is down or slow.")


async def declared_topics(system: System) -> Check:
    """Whether the topics are as the contracts declare them."""
    seen = Examination("topics", "Kafka")
    states = (await topics.collect(system)).topics
    seen.seen = f"{len(states)} declared, {sum(bool(state.partitions) for state in states)} there"
    for state in states:
        for difference in state.differences:
            missing = difference == "missing"
            remedy = (
                "Run the provisioning, which creates it from contracts/topics."
                if missing
                else "Decide which is right. More partitions move keys, a shorter retention deletes: neither is changed by itself."
            )
            seen.find(Severity.ERROR if missing else Severity.WARNING, f"{state.topic}: {difference}", remedy)
    return seen.done()


async def consumer_groups(system: System) -> Check:
    """Whether every service reads, and keeps up."""
    seen = Examination("groups", "Kafka")
    states = (await groups.collect(system)).groups
    seen.seen = f"{len(states)} groups, {sum(state.lag for state in states)} messages to handle"
    for state in states:
        ours = state.group in system.services
        if not state.members:
            remedy = (
                f"Start {state.group}; `lag --group {state.group}` says how much waits." if ours else "Nothing, if nobody reads any more."
            )
            seen.find(Severity.ERROR if ours else Severity.NOTE, f"{state.group} has no member ({state.state})", remedy)
        elif state.lag_seconds is not None and state.lag_seconds > _LATE:
            late = f"{state.group} has {state.lag} messages to handle, the oldest waits for {moments.in_words(state.lag_seconds)}"
            seen.find(
                Severity.WARNING, late, f"Look at `lag --group {state.group}`, its /readyz and its log; more replicas share the partitions."
            )
        if state.expired_unread:
            lost = f"{state.group}: {state.expired_unread} messages were deleted by retention before they were handled"
            seen.find(Severity.ERROR, lost, "Have the owner publish them again; lengthen the retention in contracts/topics.")
    return seen.done()


async def permissions(system: System) -> Check:
    """Whether the services may do what the contracts say and nobody anything else, where the broker knows permissions."""
    seen = Examination("permissions", "Kafka")
    admin = await system.admin()
    # The client has the request, but no method for it.
    answer = await admin._send_request(DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY))  # noqa: SLF001
    if answer.error_code == _SECURITY_DISABLED:
        seen.seen = "the broker knows none: everybody may do everything"
        seen.find(
            Severity.NOTE, "Kafka runs without an authorizer", "Right on a machine of one's own only; see the guide to a secured system."
        )
        return seen.done()
    if answer.error_code:
        seen.seen = "not shown to this operator"
        why = f"the permissions cannot be read: error {answer.error_code} {answer.error_message or ''}".strip()
        seen.find(Severity.NOTE, why, "Allow the operator DESCRIBE on the cluster.")
        return seen.done()
    granted = {
        Right(
            principal.removeprefix("User:"), _OPERATIONS.get(operation, f"OPERATION {operation}"), _KINDS[kind], name, pattern == _PREFIXED
        )
        for kind, name, pattern, acls in answer.resources
        for principal, _, operation, permission in acls
        if permission == _ALLOW and kind in _KINDS
    }
    seen.seen = f"{len(granted)} permissions"
    for topic in system.topics.values():
        for service, operation in [(each, "WRITE") for each in topic.producers] + [(each, "READ") for each in topic.consumers]:
            if service in system.services and not _may(granted, service, operation, system.full(topic.name)):
                seen.find(
                    Severity.ERROR,
                    f"{service} may not {operation.lower()} {topic.name}",
                    "Run the provisioning, which grants what contracts/topics says.",
                )
    for right in _undeclared(granted, rights(system.topics.values(), prefix=system.prefix)):
        seen.find(
            Severity.WARNING,
            f"{right}, which the contracts do not give",
            "The provisioning takes it away with --prune; if it is right, say so in contracts/topics.",
        )
    return seen.done()


def _may(granted: Collection[Right], who: str, operation: str, topic: str) -> bool:
    return any(
        right.kind == "TOPIC"
        and right.user.rpartition(".")[2] in (who, who.replace("-", "_"), "*")
        and right.operation in (operation, "ALL")
        and (right.name in (topic, "*") or (right.by_prefix and topic.startswith(right.name)))
        for right in granted
    )


def _undeclared(granted: Collection[Right], declared: Collection[Right]) -> list[Right]:
    """Of our users, or on our topics or groups. Rights of others by wildcard, such as an administrator's, are not looked at."""
    users = {right.user for right in declared}
    topics = {right.name for right in declared if right.kind == "TOPIC"}
    groups = tuple(right.name for right in declared if right.kind == "GROUP" and right.operation == "READ")

    def ours(right: Right) -> bool:
        named = right.name in topics if right.kind == "TOPIC" else right.kind == "GROUP" and right.name.startswith(groups)
        return right.user in users or named

    return sorted(right for right in granted if right not in declared and ours(right))
