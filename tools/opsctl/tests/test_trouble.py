"""What the commands say when something is wrong: a key that cannot go on, messages nobody can read, numbers that are missing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from contracts import topics
from contracts.cloudevents import Attributes
from contracts.org import MemberAdded, Role
from provisioning import granting
from provisioning.cluster import rights_client
from servicekit.settings import KafkaSettings
from testkit import probe

from .conftest import KARI, TROLL, Installation, Installations, add_member

pytestmark = pytest.mark.background  # the services of the module


@pytest.fixture(scope="module")
async def troubled(installations: Installations) -> AsyncIterator[Installation]:
    """company-service cannot store a member called troll, because its database will not have it."""
    async with installations() as own:
        await own.execute("company-service", f"ALTER TABLE tenancy.member ADD CONSTRAINT no_troll CHECK (name <> '{TROLL}')")
        yield own


@pytest.fixture(scope="module")
async def stuck(troubled: Installation) -> tuple[UUID, str]:
    """An organisation whose key stands still behind the troll, and the command that brought him."""
    organization = await troubled.found_organization()
    command = await troubled.outside.command(add_member(organization, TROLL), actor=KARI)
    await troubled.outside.outcomes(command, within=60)
    await troubled.outside.ask(add_member(organization, "ola"), actor=KARI, within=60)

    async def parked() -> bool:
        queue = await _queue(troubled, organization)
        return queue["state"] == "parked" and queue["behind"] == 1

    await probe(parked, within=60, despite=(AssertionError, IndexError))
    return organization, command


async def test_a_key_that_cannot_go_on_is_listed_with_what_waits_behind(troubled: Installation, stuck: tuple[UUID, str]) -> None:
    organization, command = stuck
    answer = await troubled.opsctl("park", "list", "--json")
    assert answer.status == 1
    queue = await _queue(troubled, organization)
    assert (queue["service"], queue["topic"], queue["key"]) == ("company-service", "org-events", str(organization))
    assert "no_troll" in queue["reason"]
    assert (queue["attempts"], queue["next_attempt_at"]) == (5, None)
    shown = (await troubled.opsctl("show", queue["place"], "--json")).json
    assert [(each["service"], each["state"]) for each in shown["receptions"]] == [("company-service", "parked")]
    story = await troubled.opsctl("why", command, "--json")
    assert (story.status, story.json["state"]) == (1, "stuck")
    assert [(each["service"], each["what"], each["place"]) for each in story.json["waiting"]] == [
        ("company-service", "parked", queue["place"])
    ]
    key = await troubled.opsctl("key", "org-events", str(organization), "--json")
    assert key.status == 1
    assert [(taker["behind"], taker["queued"], taker["state"]) for taker in key.json["takers"]] == [(2, 2, "parked")]


async def test_its_dead_letter_is_listed_counted_and_compared(troubled: Installation, stuck: tuple[UUID, str]) -> None:
    organization, _ = stuck
    place = (await _queue(troubled, organization))["place"]

    async def letter() -> dict[str, Any]:
        answer = await troubled.opsctl("dlq", "list", "--key", str(organization), "--reason", "no_troll", "--type", "MemberAdded", "--json")
        assert answer.status == 1
        (found,) = answer.json["letters"]
        return dict(found)

    found = await probe(letter, within=60, despite=(ValueError, AssertionError))
    assert (found["source"], found["reason"], found["state"]) == (place, "parked", "parked")
    assert (await troubled.opsctl("dlq", "list", "--key", str(organization), "--reason", "something else")).status == 0
    counts = (await troubled.opsctl("dlq", "list", "--key", str(organization), "--by", "reason", "--json")).json["counts"]
    assert [(count["value"], count["letters"]) for count in counts] == [("parked", 1)]
    shown = (await troubled.opsctl("dlq", "show", found["letter"], "--json")).json["message"]
    assert (shown["place"], shown["data"]["name"], shown["headers"]["x-dlq-reason"]) == (place, TROLL, "parked")
    diff = await troubled.opsctl("dlq", "diff", found["letter"], "--json")
    seen = diff.json
    assert diff.status == 0
    assert (seen["source_is_there"], seen["same_value"], seen["same_headers"], seen["newer_of_key"]) == (True, True, True, 1)
    assert {field["verdict"] for field in seen["fields"]} == {"as expected"}


async def test_a_gap_is_listed_until_somebody_closes_it(troubled: Installation) -> None:
    organization = await troubled.found_organization()
    await troubled.produce("org-events", member_record(organization, 7))

    async def noticed() -> dict[str, Any]:
        answer = await troubled.opsctl("gaps", "-s", "company-service", "--json")
        (gap,) = [gap for gap in answer.json["gaps"] if gap["subject"] == str(organization)]
        assert answer.status == 1
        return dict(gap)

    gap = await probe(noticed, within=60, despite=(ValueError, AssertionError))
    assert (gap["kind"], gap["after_sequence"], gap["next_sequence"], gap["missing"]) == ("missing", 2, 7, 4)
    for who in ("kari", "ola"):
        closed = await troubled.opsctl("close-gap", "company-service", str(gap["id"]), "--why", "sent by hand", "--by", who, "--json")
        assert (closed.status, closed.json["gaps"][0]["closed_by"]) == (0, "kari")
    assert (await troubled.opsctl("gaps", "-s", "company-service")).status == 0
    assert "kari: sent by hand" in (await troubled.opsctl("gaps", "--all")).out


async def test_a_message_against_its_contract_is_compared_field_by_field(troubled: Installation) -> None:
    # From here on nobody can ask from outside: the gateway of the tests expects readable messages.
    organization = await troubled.found_organization()
    await troubled.produce(
        "org-events",
        member_record(
            organization, 3, value=b'{"organization_id":"%s","userId":"x","name":"x","role":"king"}' % str(organization).encode()
        ),
    )

    async def compared() -> tuple[int, dict[str, Any]]:
        (letter,) = (await troubled.opsctl("dlq", "list", "--key", str(organization), "--json")).json["letters"]
        answer = await troubled.opsctl("dlq", "diff", letter["letter"], "--json")
        return answer.status, {field["field"]: field for field in answer.json["fields"]}

    status, fields = await probe(compared, within=60, despite=(ValueError, AssertionError))
    assert status == 1
    assert fields["user_id"]["verdict"] == "missing"
    assert (fields["userId"]["verdict"], fields["userId"]["expected"]) == ("not in the contract", "perhaps user_id")
    assert fields["role"]["given"] == '"king"'
    assert "accountant" in fields["role"]["expected"]
    assert fields["organization_id"]["verdict"] == "as expected"


async def test_pausing_twice_is_pausing_once_and_so_is_resuming(troubled: Installation) -> None:
    first = (await troubled.opsctl("pause", "org-service", "--why", "a move", "--by", "kari", "--json")).json
    second = (await troubled.opsctl("pause", "org-service", "--why", "another", "--by", "ola", "--json")).json
    assert (first["changed"], first["by"], first["why"]) == (True, "kari", "a move")
    assert (second["changed"], second["by"], second["since"]) == (False, "kari", first["since"])
    assert "paused for" in (await troubled.opsctl("doctor")).out
    resumed = [(await troubled.opsctl("resume", "org-service", "--json")).json for _ in range(2)]
    assert [(each["paused"], each["changed"]) for each in resumed] == [(False, True), (False, False)]


async def test_the_doctor_names_each_trouble_and_its_remedy(troubled: Installation, stuck: tuple[UUID, str]) -> None:
    await troubled.execute(
        "company-service", "UPDATE public.migration_content SET sha256 = 'x' WHERE schema_name = 'eventing' AND migration_id LIKE '0001%'"
    )
    await troubled.execute(
        "org-service",
        "INSERT INTO eventing.outbox (topic, key, header_names, header_values, value, created_at)"
        " VALUES ('no-such-topic', 'k', '{}', '{}', '{}', clock_timestamp() - interval '1 hour')",
    )
    diagnosis = await troubled.opsctl("doctor", "--json", OPSCTL__SERVICES__ORG_SERVICE__HEALTH_URL="http://127.0.0.1:9")
    assert diagnosis.status == 3
    found = {
        (finding["where"], finding["check"], finding["severity"]): finding
        for check in diagnosis.json["checks"]
        for finding in check["findings"]
    }
    assert "0001_streams_and_outbox was applied with another content" in found["company-service", "migrations", "error"]["what"]
    assert "the oldest for 1 h" in found["org-service", "message core", "error"]["what"]
    assert "127.0.0.1:9 does not answer" in found["org-service", "readiness", "away"]["what"]
    [topics_seen] = [check for check in diagnosis.json["checks"] if check["check"] == "topics"]
    assert any("partitions: 2, declared 6" in finding["what"] for finding in topics_seen["findings"]), topics_seen
    text = (await troubled.opsctl("doctor")).out
    assert "dlq redrive company-service" in text
    await troubled.execute("org-service", "DELETE FROM eventing.outbox WHERE topic = 'no-such-topic'")


async def test_the_doctor_misses_the_rights_that_the_contracts_give(troubled: Installation) -> None:
    async def missed() -> set[str]:
        checks = (await troubled.opsctl("doctor", "--json")).json["checks"]
        (permissions,) = [check for check in checks if check["check"] == "permissions"]
        return {finding["what"] for finding in permissions["findings"] if finding["severity"] == "error"}

    assert {"org-service may not write org-events", "company-service may not read org-events"} <= await missed()
    kafka, declared, prefix = KafkaSettings(bootstrap_servers=troubled.topics.bootstrap_servers), topics.load(), troubled.topics.prefix
    await granting.grant(kafka, declared, prefix=prefix)
    try:
        assert await missed() == set()
    finally:
        await granting.withdraw(kafka, declared, [f"{prefix}{service}" for service in troubled.databases], prefix=prefix)
    assert "org-service may not write org-events" in await missed()


async def test_the_doctor_warns_of_rights_that_the_contracts_do_not_give(troubled: Installation) -> None:
    prefix = troubled.topics.prefix
    strange = [
        AclBinding(kind, prefix + name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
        for kind, name, pattern, user, operation in (
            (ResourceType.TOPIC, "org-events", ResourcePatternType.LITERAL, "stranger", AclOperation.READ),
            (ResourceType.GROUP, "sync-worker-2", ResourcePatternType.PREFIXED, "stranger", AclOperation.READ),
            (ResourceType.TOPIC, "sync-events", ResourcePatternType.LITERAL, f"{prefix}org-service", AclOperation.WRITE),
        )
    ]
    # A stranger's own affair.
    strange.append(
        AclBinding(
            *(ResourceType.TOPIC, f"else.{prefix}", ResourcePatternType.LITERAL),
            *("User:stranger", "*", AclOperation.READ, AclPermissionType.ALLOW),
        )
    )
    kafka, declared = KafkaSettings(bootstrap_servers=troubled.topics.bootstrap_servers), topics.load()
    await granting.grant(kafka, declared, prefix=prefix)
    client = rights_client(kafka)
    for created in client.create_acls(strange).values():
        await asyncio.wrap_future(created)

    async def warned() -> bool:
        checks = (await troubled.opsctl("doctor", "--json")).json["checks"]
        (permissions,) = [check for check in checks if check["check"] == "permissions"]
        found = permissions["findings"]
        assert {(finding["severity"], finding["what"]) for finding in found} == {
            ("warning", f"stranger may read topic {prefix}org-events, which the contracts do not give"),
            ("warning", f"stranger may read group {prefix}sync-worker-2*, which the contracts do not give"),
            ("warning", f"{prefix}org-service may write topic {prefix}sync-events, which the contracts do not give"),
        }
        return all("--prune" in finding["remedy"] for finding in found)

    try:
        await probe(warned, within=30)
    finally:
        for deleted in client.delete_acls(list(map(_filter_of, strange))).values():
            await asyncio.wrap_future(deleted)
        await granting.withdraw(kafka, declared, [f"{prefix}{service}" for service in troubled.databases], prefix=prefix)


async def test_a_service_that_does_not_run_has_no_member_and_its_lag_has_an_age(installations: Installations) -> None:
    async with installations() as own:

        async def caught_up() -> bool:
            return (await own.opsctl("lag", "--group", "company-service")).status == 0

        await probe(caught_up, within=60)
        await own.stop("company-service")
        organization = await own.found_organization()

        async def late() -> bool:
            answer = await own.opsctl("lag", "--group", "company-service", "--json")
            (lag,) = answer.json["partitions"]
            assert lag["topic"] == "org-events"
            return bool(answer.status == 1 and lag["lag"] == 2 and lag["lag_seconds"] > 0 and lag["member"] is None)

        await probe(late, within=60, despite=(ValueError, AssertionError))
        assert (await own.opsctl("lag", "--group", "company-service", "--over", "2")).status == 0
        assert (await own.opsctl("lag", "--group", "company-service", "--older", "1h")).status == 0
        groups = await own.opsctl("groups", "--json")
        assert groups.status == 1
        assert [group["members"] for group in groups.json["groups"] if group["group"] == "company-service"] == [[]]
        event = (await own.opsctl("tail", "org-events", "--organization", str(organization), "-n", "1", "--json")).lines[0]
        shown = (await own.opsctl("show", event["place"], "--json")).json
        assert [each["state"] for each in shown["receptions"]] == ["unread"]


def _filter_of(right: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        *(right.restype, right.name, right.resource_pattern_type, right.principal, right.host, right.operation, right.permission_type)
    )


async def _queue(installation: Installation, organization: UUID) -> dict[str, Any]:
    queues = (await installation.opsctl("park", "list", "--key", str(organization), "--json")).json["queues"]
    return dict(queues[0])


def member_record(organization: UUID, sequence: int, value: bytes | None = None) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """A MemberAdded as org-service would publish it, or with another value."""
    event = MemberAdded(organization_id=organization, user_id="x", name="x", role=Role.READER)
    attributes = Attributes(
        id=str(uuid4()),
        source="/org-service",
        type=event.TYPE,
        time=datetime.now(UTC),
        subject=str(organization),
        organizationid=str(organization),
        correlationid="test",
        sequence=sequence,
    )
    return event.subject.encode(), value or event.model_dump_json().encode(), attributes.headers()
