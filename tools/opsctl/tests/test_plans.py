"""What changes something: planned by the running service, shown, and carried out exactly so."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.company import CreateCompanyGroup
from contracts.results import CommandRejected, CommandSucceeded
from local_stack import provision
from local_stack.postgres import PostgresAddress
from servicekit.scratch import scratch_dsn
from testkit import probe

from .conftest import KARI, TROLL, Installation, Installations, add_member

pytestmark = [pytest.mark.long, pytest.mark.background]

NO_TROLL = f"ALTER TABLE tenancy.member ADD CONSTRAINT no_troll CHECK (name <> '{TROLL}') NOT VALID"


@pytest.fixture(scope="module")
async def own(installations: Installations) -> Any:
    async with installations() as installation:
        yield installation


async def park(own: Installation) -> UUID:
    """An organisation whose key stands still at company-service, with one message behind the troll."""
    await own.execute("company-service", NO_TROLL)
    organization = await own.found_organization()
    for member in (TROLL, "ola"):
        assert isinstance(await own.outside.ask(add_member(organization, member), actor=KARI, within=60), CommandSucceeded)

    async def parked() -> bool:
        (queue,) = (await own.opsctl("park", "list", "--key", str(organization), "--json")).json["queues"]
        return bool(queue["state"] == "parked" and queue["behind"] == 1)

    await probe(parked, within=60, despite=(AssertionError, ValueError))
    return organization


async def members(own: Installation, organization: UUID) -> list[str]:
    rows = await own.execute("company-service", "SELECT name FROM tenancy.member WHERE organization_id = $1 ORDER BY name", organization)
    return [row["name"] for row in rows]


async def test_a_redrive_is_planned_shown_and_applied_once_in_order(own: Installation) -> None:
    organization = await park(own)
    asked = (
        "dlq",
        "redrive",
        "company-service",
        "--key",
        str(organization),
        "--type",
        "MemberAdded",
        "--why",
        "constraint gone",
        "--by",
        "kari",
    )
    still_broken = await own.opsctl(*asked, "--json")
    assert still_broken.json["items"][0]["result"] == "failed"
    assert (await own.opsctl("withdraw", still_broken.json["id"], "--why", "not repaired yet", "--json")).json["state"] == "cancelled"
    assert (await own.opsctl("apply", still_broken.json["id"])).status == 1

    await own.execute("company-service", "ALTER TABLE tenancy.member DROP CONSTRAINT no_troll")
    planned = await own.opsctl(*asked, "--json")
    plan = planned.json
    assert (planned.status, plan["state"], plan["requested_by"], plan["why"]) == (0, "planned", "kari", "constraint gone")
    assert [item["result"] for item in plan["items"]] == ["handled", "handled"]
    assert plan["items"][0]["tables"] == {"tenancy.member": {"inserted": 1}}
    assert await members(own, organization) == ["Kari"]

    applied = await own.opsctl("apply", plan["id"][:8], "--by", "ola", "--json")
    assert (applied.status, applied.json["state"], applied.json["applied_by"]) == (0, "done", "ola")
    assert await members(own, organization) == ["Kari", "ola", TROLL]
    again = await own.opsctl("apply", plan["id"], "--by", "per", "--json")
    assert (again.status, again.json["applied_by"]) == (0, "ola")
    assert (await own.opsctl("park", "list", "--key", str(organization))).status == 0
    assert (await own.opsctl("dlq", "list", "--key", str(organization))).status == 0
    journal = (await own.opsctl("journal", "--service", "company-service", "--kind", "redrive", "--json")).json["operations"]
    assert [each["state"] for each in journal] == ["done", "cancelled"]
    assert "constraint gone" in (await own.opsctl("plan", plan["id"])).out


async def test_a_plan_is_not_applied_to_a_world_that_has_changed(own: Installation) -> None:
    organization = await park(own)
    await own.execute("company-service", "ALTER TABLE tenancy.member DROP CONSTRAINT no_troll")
    plan = (await own.opsctl("dlq", "redrive", "company-service", "--key", str(organization), "--why", "try", "--json")).json
    await own.execute("company-service", NO_TROLL)
    applied = await own.opsctl("apply", plan["id"], "--json")
    assert (applied.status, applied.json["state"]) == (1, "failed")
    assert applied.json["error"]
    discarded = await own.opsctl("dlq", "discard", "company-service", "--key", str(organization), "--why", "no trolls", "--json")
    assert [item["result"] for item in discarded.json["items"]] == ["discarded"]
    assert (await own.opsctl("apply", discarded.json["id"], "--json")).json["state"] == "done"

    async def went_on() -> bool:
        return await members(own, organization) == ["Kari", "ola"]

    await probe(went_on, within=60)
    letters = (await own.opsctl("dlq", "list", "--all", "--key", str(organization), "--json")).json["letters"]
    assert [letter["state"] for letter in letters] == ["discarded"]
    await own.execute("company-service", "ALTER TABLE tenancy.member DROP CONSTRAINT no_troll")


async def test_a_service_is_rebuilt_beside_the_live_one_and_what_differs_is_named(own: Installation, postgres: PostgresAddress) -> None:
    organization = await own.found_organization("per")
    oslo, same = [CreateCompanyGroup(company_group_id=uuid4(), organization_id=organization, name="Oslo") for _ in range(2)]
    assert isinstance(await own.outside.ask(oslo, actor=KARI, within=60), CommandSucceeded)
    assert isinstance(await own.outside.ask(same, actor=KARI, within=60), CommandRejected)

    async def handled() -> bool:
        return await members(own, organization) == ["Kari", "per"]

    await probe(handled, within=60)
    missing = await own.opsctl("prove-replay", "company-service", "--shadow", "--json")
    assert (missing.status, missing.json["state"]) == (1, "failed")
    assert "_shadow" in missing.json["error"]
    for service in ("org-service", "company-service"):
        await provision.create_database(postgres, scratch_dsn(own.databases[service]))
        proof = await own.opsctl("prove-replay", service, "--shadow", "--json")
        assert (proof.status, proof.json["state"]) == (0, "done"), proof.json["error"]
        assert proof.json["summary"]["state_live"] == proof.json["summary"]["state_shadow"]
    assert proof.json["summary"]["tables"]["company.company_group"]["rows"] == 1
    assert proof.json["summary"]["read"]["discarded"] == 1
    await own.execute("company-service", "DELETE FROM tenancy.member WHERE organization_id = $1 AND name = 'per'", organization)
    proof = await own.opsctl("prove-replay", "company-service", "--shadow", "--json")
    assert (proof.status, proof.json["state"]) == (1, "failed")
    counts = proof.json["summary"]["tables_differing"]
    assert {name: each["only shadow"] - each["only live"] for name, each in counts.items()} == {"tenancy.member": 1}
    said = (await own.opsctl("plan", proof.json["id"])).out
    assert "the rebuilt state is not the live one: tenancy.member has" in " ".join(said.split())
    assert (await own.opsctl("prove-replay", "company-service", "--shadow", "--topic", "org-events")).status == 2


async def test_a_replay_changes_nothing_that_was_handled_and_the_proof_says_so(own: Installation) -> None:
    organization = await own.found_organization("ola")

    async def handled() -> bool:
        return await members(own, organization) == ["Kari", "ola"]

    await probe(handled, within=60)
    planned = await own.opsctl("replay", "plan", "company-service", "--organization", str(organization), "--why", "look", "--json")
    assert (planned.status, planned.json["state"], planned.json["items"]) == (0, "planned", [])
    assert "3 of 3 are no-ops, 0 would change rows" in (await own.opsctl("plan", planned.json["id"])).out
    assert (await own.opsctl("replay", "undo-plan", planned.json["id"], "--why", "seen", "--json")).json["state"] == "cancelled"
    proof = await own.opsctl("prove-replay", "company-service", "--json")
    assert (proof.status, proof.json["state"]) == (0, "done")
    assert proof.json["summary"]["new_events"] == 0
    assert proof.json["summary"]["state_before"] == proof.json["summary"]["state_after"]
    assert f"seconds: {proof.json['summary']['seconds']}" in (await own.opsctl("plan", proof.json["id"])).out
    # A planted difference: as if the first two events had never been handled.
    await own.execute("company-service", "UPDATE eventing.stream_in SET last_sequence = 2 WHERE subject = $1", str(organization))
    await own.execute("company-service", "DELETE FROM tenancy.member WHERE organization_id = $1 AND name = 'ola'", organization)
    proof = await own.opsctl("prove-replay", "company-service", "--json")
    assert (proof.status, proof.json["state"]) == (1, "failed")
    assert proof.json["summary"]["tables_changed"] == ["tenancy.member"]
    replay = await own.opsctl("replay", "plan", "company-service", "--organization", str(organization), "--why", "mend", "--within", "60")
    assert "2 of 3 are no-ops, 1 would change these rows: tenancy.member: 1 inserted" in " ".join(replay.out.split())


async def test_a_paused_service_leaves_messages_until_it_is_resumed(own: Installation) -> None:
    await own.opsctl("pause", "company-service", "--why", "a look")
    # The pause is seen within a second; what was in hand before is finished.
    organization = None

    async def left() -> bool:
        nonlocal organization
        organization = await own.found_organization()
        return (await own.opsctl("lag", "--group", "company-service")).status == 1

    await probe(left, within=60)
    assert (await own.opsctl("resume", "company-service", "--json")).json["changed"]

    async def caught_up() -> bool:
        return (await own.opsctl("lag", "--group", "company-service")).status == 0

    await probe(caught_up, within=60)
    assert organization is not None
    assert await members(own, organization) == ["Kari"]


async def test_what_is_asked_of_nobody_is_refused(own: Installation) -> None:
    assert (await own.opsctl("apply", "00000000")).status == 1
    assert (await own.opsctl("pause", "no-such-service", "--why", "x")).status == 1
    assert (await own.opsctl("dlq", "redrive", "company-service", "--type", "Member", "--why", "x")).status == 1
    assert (await own.opsctl("dlq", "redrive", "company-service")).status == 2
    unread = await own.opsctl("replay", "plan", "company-service", "--topic", "sync-events", "--why", "x", "--json")
    assert (unread.status, unread.json["state"]) == (1, "failed")
    assert "sync-events" in unread.json["error"]
