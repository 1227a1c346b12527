"""What is parked goes on in its order when an operator says so, exactly as the plan said, or not at all."""

import asyncio
import os
import signal
import sys
from typing import Any
from uuid import UUID, uuid4

from contracts.company import CompanyGroupCreated
from contracts.org import AddMember, MemberAdded
from contracts.results import CommandRejected
from testkit.patience import patient
from testkit.probe import probe

from .conftest import Core, member_added, noting

EVENTS = "org-events"
GROUP = uuid4()
NOTE = noting(lambda message: message.user_id)


class Faulty:
    """A handler that cannot deal with some messages until it is repaired."""

    def __init__(self, *poison: str) -> None:
        self.poison = set(poison)

    async def __call__(self, message: Any, work: Any) -> None:
        if message.user_id in self.poison:
            raise ZeroDivisionError("a fault of ours")
        await NOTE(message, work)
        work.publish(
            CompanyGroupCreated(company_group_id=GROUP, organization_id=message.organization_id, name=message.user_id, created_by="kari")
        )


async def test_a_redriven_key_goes_on_in_its_order_before_anything_new(core: Core) -> None:
    handler = Faulty("2")
    organization, other = await parked_at_2(core, handler)
    handler.poison.clear()
    operation = await core.request("redrive", topic=EVENTS, key=str(organization))
    plan = await core.ended(operation, "planned")
    assert (
        plan["items"]
        == [
            {
                "result": "handled",
                "tables": {"public.effect": {"inserted": 1}},
                "publishes": [{"topic": "company-events", "type": CompanyGroupCreated.TYPE, "subject": str(GROUP)}],
            }
        ]
        * 3
    )
    assert plan["summary"]["results"] == {"handled": 3}
    assert plan["summary"]["tables"] == {"public.effect": {"inserted": 3}}
    assert await core.effects(str(organization)) == ["1"]
    await core.send(member_added(organization, "5"), sequence=5)
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 4 FROM eventing.parked"), within=10)
    # What has come since stands in the same queue: the plan is no longer what would happen.
    await core.apply(operation)
    failed = await core.ended(operation, "failed")
    assert "has come" in failed["error"]
    assert await core.effects(str(organization)) == ["1"]
    operation = await core.request("redrive", key=str(organization))
    await core.ended(operation, "planned")
    await core.apply(operation)
    done = await core.ended(operation, "done")
    assert (done["applied_by"], done["requested_by"], done["why"]) == ("ola", "kari", "because")
    await core.send(member_added(organization, "6"), sequence=6)
    await probe(lambda: effects_are(core, ["1", "2", "3", "4", "5", "6"], organization), within=10)
    assert await core.effects(str(other)) == ["other"]
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.parked") == 0
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.gap") == 0


async def test_what_fails_again_stays_and_after_three_times_needs_force(core: Core) -> None:
    handler = Faulty("2")
    organization, _ = await parked_at_2(core, handler)
    for _ in range(3):
        operation = await core.request("redrive")
        plan = await core.ended(operation, "planned")
        assert [item["result"] for item in plan["items"]] == ["failed", "waits", "waits"]
        assert "ZeroDivisionError" in plan["items"][0]["error"]
        await core.apply(operation)
        await core.ended(operation, "done")
    assert await core.effects(str(organization)) == ["1"]
    plan = await core.ended(await core.request("redrive"), "planned")
    assert [item["result"] for item in plan["items"]] == ["guarded", "waits", "waits"]
    handler.poison.clear()
    operation = await core.request("redrive", force=True)
    await core.ended(operation, "planned")
    await core.apply(operation)
    await core.ended(operation, "done")
    assert await core.effects(str(organization)) == ["1", "2", "3", "4"]


async def test_a_discarded_record_lets_its_key_go_on_and_leaves_a_gap(core: Core) -> None:
    handler = Faulty("2")
    organization, _ = await parked_at_2(core, handler)
    operation = await core.request("discard", reason="a fault of ours")
    plan = await core.ended(operation, "planned")
    assert [item["result"] for item in plan["items"]] == ["discarded"]
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.gap") == 0
    await core.apply(operation)
    await core.ended(operation, "done")
    await probe(lambda: effects_are(core, ["1", "3", "4"], organization), within=10)
    gaps = await core.pool.fetch("SELECT kind, subject, after_sequence, next_sequence FROM eventing.gap")
    assert [tuple(gap) for gap in gaps] == [("discarded", str(organization), 1, 3)]
    handler.poison.clear()
    await core.send(member_added(organization, "2"), sequence=2)
    await core.send(member_added(organization, "5"), sequence=5)
    await probe(lambda: effects_are(core, ["1", "3", "4", "5"], organization), within=10)


async def test_the_sender_of_a_discarded_command_is_told(core: Core) -> None:
    async def fails(command: AddMember, work: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    await core.send(AddMember(organization_id=uuid4(), user_id="x", name="x"), id="c-1")
    await core.run({AddMember: fails}, ["org-commands"], operations=True)
    await core.read("company-service-dlq", 1)
    operation = await core.request("discard", type=AddMember.TYPE)
    await core.ended(operation, "planned")
    await core.apply(operation)
    (record,) = await core.read("command-results", 1)
    answer = CommandRejected.model_validate_json(record.value)
    assert (answer.command_id, answer.code) == ("c-1", "discarded")
    assert "because" in answer.message


async def test_a_plan_whose_effects_have_changed_is_not_applied(core: Core) -> None:
    handler = Faulty("2")
    organization, _ = await parked_at_2(core, handler)
    operation = await core.request("redrive")
    await core.ended(operation, "planned")
    handler.poison.clear()
    await core.apply(operation)
    failed = await core.ended(operation, "failed")
    assert (
        "would be handled (public.effect {'inserted': 1}, 1 no.accountflow.company.CompanyGroupCreated.v1), planned was failed"
        in failed["error"]
    )
    assert await core.effects(str(organization)) == ["1"]
    assert await core.pool.fetchval("SELECT array_agg(redrives ORDER BY id) FROM eventing.parked") == [0, 0, 0]
    assert len(await core.read_all("company-events", within=0.5)) == 2  # of the first record and the other key; nothing of what was tried


async def test_a_process_that_dies_while_applying_keeps_nothing_and_the_next_one_applies_all(core: Core) -> None:
    class Hanging(Faulty):
        reached: asyncio.Event | None = None

        async def __call__(self, message: Any, work: Any) -> None:
            await super().__call__(message, work)
            if self.reached is not None and message.user_id == "3":
                self.reached.set()
                await asyncio.Event().wait()

    handler = Hanging("2")
    organization = uuid4()
    for number in (1, 2, 3):
        await core.send(member_added(organization, str(number)), sequence=number)
    member = await core.run({MemberAdded: handler}, [EVENTS], operations=True)
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 2 AND bool_or(state = 'parked') FROM eventing.parked"), within=15)
    handler.poison.clear()
    operation = await core.request("redrive")
    await core.ended(operation, "planned")
    handler.reached = asyncio.Event()
    await core.apply(operation)
    async with asyncio.timeout(patient(15)):
        await handler.reached.wait()
    await member.stop()
    assert await core.effects() == ["1"]
    handler.reached = None
    await core.run({MemberAdded: handler}, [EVENTS], operations=True)
    await core.ended(operation, "done", within=30)
    assert await core.effects() == ["1", "2", "3"]


async def test_killed_at_any_of_its_crash_points_an_operation_is_done_exactly_once(core: Core) -> None:
    organization, _ = await parked_at_2(core, Faulty("2"))
    await core.members[0].stop()
    operation = await core.request("redrive")
    left = []
    for point in ("rehearsal.written", "rehearsal.committed", "operation.written", "operation.committed"):
        await killed_at(core, point)
        left.append(await left_by(core, operation, organization))
        await core.apply(operation)
    assert left == [("planning", 0, ["1"], 2), ("planned", 3, ["1"], 2), ("applying", 3, ["1"], 2), ("done", 3, ["1", "2", "3", "4"], 5)]
    operation = await core.request("redrive")
    await killed_at(core, "rehearsal.committed")
    assert await left_by(core, operation, organization) == ("planned", 0, ["1", "2", "3", "4"], 5)


async def test_filters_take_only_what_they_say_and_a_wrong_request_is_refused(core: Core) -> None:
    handler = Faulty("2")
    organization, _ = await parked_at_2(core, handler)
    place = await core.pool.fetchval("SELECT topic || '/' || partition || '/' || \"offset\" FROM eventing.parked ORDER BY id LIMIT 1")
    meant: list[dict[str, Any]] = [
        {"topic": EVENTS},
        {"key": str(organization)},
        {"type": MemberAdded.TYPE, "organization": str(organization)},
        {"reason": "ZeroDivision", "since": "2020-01-01T00:00:00+00:00"},
        {"places": [place]},
    ]
    not_meant: list[dict[str, Any]] = [
        {"topic": "company-events"},
        {"key": str(uuid4())},
        {"type": AddMember.TYPE},
        {"organization": str(uuid4())},
        {"reason": "Timeout"},
        {"until": "2020-01-01T00:00:00+00:00"},
        {"places": [f"{EVENTS}/9/9"]},
    ]
    for request, count in [(request, 3) for request in meant] + [(request, 0) for request in not_meant] + [({"limit": 2}, 2)]:
        plan = await core.ended(await core.request("redrive", **request), "planned")
        assert len(plan["items"]) == count, request
    failed = await core.ended(await core.request("redrive", tpoic=EVENTS), "failed")
    assert "tpoic" in failed["error"]


async def parked_at_2(core: Core, handler: Faulty) -> tuple[UUID, UUID]:
    """A key whose second of four records is parked for good, and another key that goes on."""
    organization, other = uuid4(), uuid4()
    for number in (1, 2, 3, 4):
        await core.send(member_added(organization, str(number)), sequence=number)
    await core.send(member_added(other, "other"), sequence=1)
    await core.run({MemberAdded: handler}, [EVENTS], operations=True)
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 3 AND bool_or(state = 'parked') FROM eventing.parked"), within=15)
    await probe(lambda: effects_are(core, ["other"], other), within=10)
    return organization, other


async def effects_are(core: Core, wanted: list[str], subject: UUID) -> bool:
    found = await core.effects(str(subject))
    assert found == wanted, found
    return True


async def killed_at(core: Core, point: str) -> None:
    """A process that carries operations out, and dies at the point."""
    servers, prefix = str(core.kafka.options["bootstrap_servers"]), core.kafka.topic_prefix
    environment = {**os.environ, "CRASH_AT": point}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _OPERATING, core.dsn, servers, prefix, env=environment)
    try:
        async with asyncio.timeout(patient(15)):
            assert await process.wait() == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()


async def left_by(core: Core, operation: UUID, organization: UUID) -> tuple[str, int, list[str], int]:
    """The state of the operation, how many records its journal has, what handlers did, and how many numbers events have got."""
    state = await core.pool.fetchval("SELECT state FROM eventing.operation WHERE id = $1", operation)
    items = await core.pool.fetchval("SELECT count(*) FROM eventing.operation_item WHERE operation_id = $1", operation)
    numbers = await core.pool.fetchval("SELECT sum(last_sequence)::int FROM eventing.stream_out WHERE topic = 'company-events'")
    return state, items, await core.effects(str(organization)), numbers


_OPERATING = """
import asyncio, sys
import asyncpg
from contracts.company import CompanyGroupCreated
from contracts.org import MemberAdded
from eventing.inbox import Inbox
from eventing.kafka import KafkaAccess
from eventing.operations import Operations
from eventing.outbox import Outbox

async def note(message, work):
    await work.connection.execute("INSERT INTO effect (subject, what) VALUES ($1, $2)", message.subject, message.user_id)
    organization = message.organization_id
    work.publish(CompanyGroupCreated(company_group_id=organization, organization_id=organization, name="x", created_by="kari"))

async def main(dsn, servers, prefix):
    kafka = KafkaAccess(client_id="company-service", options={"bootstrap_servers": servers}, topic_prefix=prefix)
    async with asyncpg.create_pool(dsn, min_size=1) as pool:
        inbox = Inbox(Outbox(pool, "/company-service"), {MemberAdded: note}, service="company-service")
        await Operations(kafka, inbox, ["org-events"], None, poll=0.05).run()

asyncio.run(main(*sys.argv[1:]))
"""
