"""Replays are planned, leave the group's offsets alone, and change only what the inbox does not know; the proof shows that it knows all."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.org import AddMember, MemberAdded, MemberRemoved
from eventing.history import History
from eventing.inbox import Inbox, Result
from eventing.known import known
from eventing.record import Record
from testkit.probe import probe

from .conftest import SERVICE, Core, headers, member_added, noting

EVENTS = "org-events"
COMMANDS = "org-commands"
NOTE = noting(lambda message: message.user_id)
HANDLERS = {MemberAdded: NOTE, AddMember: NOTE}


async def test_the_whole_history_again_is_proven_to_be_without_effect(core: Core) -> None:
    await a_history(core)
    committed = await core.committed(EVENTS)
    proof = await core.ended(await core.request("prove_replay"), "done", within=30)
    summary = proof["summary"]
    assert summary["read"] == {"read": 34, "meant": 34, "effects": 0, "duplicate": 33, "dead": 1}
    assert summary["state_before"] == summary["state_after"]
    assert summary["tables"]["public.effect"]["rows"] == 33
    assert summary["new_events"] == 0
    assert 0 <= summary["seconds"] < 30
    assert await core.committed(EVENTS) == committed
    assert len(await core.effects()) == 33


async def test_the_proof_fails_when_the_inbox_has_forgotten_and_changes_nothing_itself(core: Core) -> None:
    organizations = await a_history(core)
    await core.pool.execute("UPDATE eventing.stream_in SET last_sequence = 8 WHERE subject = $1", str(organizations[0]))
    proof = await core.ended(await core.request("prove_replay"), "failed", within=30)
    assert proof["error"] == "2 records would have an effect again: 0 new events, changed tables: public.effect"
    assert proof["summary"]["tables_changed"] == ["public.effect"]
    assert [item["tables"] for item in proof["items"]] == [{"public.effect": {"inserted": 1}}] * 2
    assert len(await core.effects()) == 33
    # A replay of what was forgotten, planned first and then applied, once.
    operation = await core.request("replay", topics=[EVENTS])
    plan = await core.ended(operation, "planned")
    assert plan["summary"]["read"] == {"read": 31, "meant": 31, "effects": 2, "duplicate": 28, "dead": 1}
    assert len(await core.effects()) == 33
    await core.apply(operation)
    await core.ended(operation, "done")
    assert (await core.effects(str(organizations[0])))[-2:] == ["9", "10"]
    await core.ended(await core.request("prove_replay"), "done", within=30)


@pytest.mark.parametrize("lost", ["DELETE FROM eventing.command_delivery", "DELETE FROM eventing.dead_letter"])
async def test_the_proof_misses_no_kind_of_note(core: Core, lost: str) -> None:
    await a_history(core)
    await core.pool.execute(lost)
    await core.ended(await core.request("prove_replay"), "failed", within=30)


async def test_a_replay_takes_what_its_filters_say(core: Core) -> None:
    organizations = await a_history(core)
    await core.pool.execute("UPDATE eventing.stream_in SET last_sequence = 0")
    # As nothing is known any more, a replay of everything would do everything again; commands are known by their ids.
    for request, effects in (
        ({}, 30),
        ({"topics": [COMMANDS]}, 0),
        ({"organization": str(organizations[1])}, 10),
        ({"company": str(organizations[2])}, 10),
        ({"key": str(organizations[2]), "type": MemberAdded.TYPE}, 10),
        ({"type": MemberRemoved.TYPE}, 0),
        ({"since": "2099-01-01T00:00:00+00:00"}, 0),
        ({"until": "2020-01-01T00:00:00+00:00"}, 0),
        ({"offsets": {f"{EVENTS}/0": [0, 2], f"{EVENTS}/1": [0, 2]}}, None),
    ):
        plan = await core.ended(await core.request("replay", **request), "planned")
        if effects is not None:
            assert len(plan["items"]) == effects, request
        else:
            assert plan["summary"]["read"]["read"] <= 4
    failed = await core.ended(await core.request("replay", topics=["sync-events"]), "failed")
    assert "does not consume sync-events" in failed["error"]
    failed = await core.ended(await core.request("replay", limit=29), "failed")
    assert "more than 29 records" in failed["error"]


async def test_a_replay_leaves_alone_what_stands_in_a_queue_and_what_the_group_has_not_taken(core: Core) -> None:
    async def fails(message: MemberAdded, work: Any) -> None:
        if message.user_id == "2":
            raise ZeroDivisionError
        await NOTE(message, work)

    organization = uuid4()
    for number in (1, 2, 3):
        await core.send(member_added(organization, str(number)), sequence=number)
    member = await core.run({MemberAdded: fails}, [EVENTS], operations=True)
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 2 AND bool_or(state = 'parked') FROM eventing.parked"), within=15)
    proof = await core.ended(await core.request("prove_replay"), "done", within=30)
    assert proof["summary"]["read"] == {"read": 3, "meant": 3, "effects": 0, "duplicate": 1, "queued": 2}
    # Were the queue's note of its first record lost, the record would be blocked, not handled out of its turn.
    await core.pool.execute("UPDATE eventing.parked SET \"offset\" = 99 WHERE state = 'parked'")
    plan = await core.ended(await core.request("replay"), "planned")
    assert [item["result"] for item in plan["items"]] == ["blocked"]
    await core.pool.execute("INSERT INTO eventing.consumer_pause (kind, by, why) VALUES ('operator', 'kari', 'to look')")
    await probe(lambda: paused(member), within=5)
    await core.send(member_added(uuid4(), "the group's"), sequence=1)
    plan = await core.ended(await core.request("replay"), "planned")
    assert plan["summary"]["read"]["read"] == 3


async def test_an_operation_left_by_a_killed_process_is_begun_again(core: Core) -> None:
    await a_history(core)
    operation = await core.pool.fetchval(
        "INSERT INTO eventing.operation (kind, state, requested_by, why) VALUES ('prove_replay', 'planning', 'kari', 'x') RETURNING id"
    )
    await core.ended(operation, "done", within=30)


async def test_what_is_known_in_bulk_is_what_the_inbox_says_one_by_one(core: Core) -> None:
    """Every kind of record, some handled before and some not: both ways to ask agree."""
    inbox = Inbox(core.outbox, HANDLERS, service=SERVICE)
    records = []
    for n in range(6):
        organization = uuid4()
        for sequence in (1, 2):
            event = member_added(organization, str(n))
            records.append(a_record(EVENTS, len(records), event, headers(event, sequence)))
        unknown = member_added(uuid4(), "x")
        records.append(a_record(EVENTS, len(records), unknown, headers(unknown, 1, type="no.such.Type.v1")))
        records.append(a_record(EVENTS, len(records), unknown, headers(unknown, None)))
        records.append(a_record(EVENTS, len(records), unknown, headers(unknown, 1, organizationid="7")))
        command = AddMember(organization_id=uuid4(), user_id="x", name="x")
        records.append(a_record(COMMANDS, len(records), command, headers(command, id=f"c-{n}")))
        records.append(a_record(COMMANDS, len(records), command, headers(command, id=f"c-{n}")))  # asked again
        records.append(a_record(COMMANDS, len(records), command, []))
    handled = [record for i, record in enumerate(records) if i % 3 != 1]
    for record in handled:
        await inbox.handle(record)
    found = await known(core.pool, records)
    letters = await core.pool.fetchval("SELECT count(*) FROM eventing.dead_letter")
    results = {record.place: await inbox.handle(record) for record in records}
    known_by_inbox = {place for place, result in results.items() if result is Result.DUPLICATE}
    others = {record.place for record in found.others}
    assert found.counts["duplicate"] == len(known_by_inbox)
    assert not others & known_by_inbox
    new_letters = await core.pool.fetchval("SELECT count(*) FROM eventing.dead_letter") - letters
    dead = {place for place, result in results.items() if result is Result.DEAD}
    assert len(dead & others) == new_letters > 0
    assert len(others) + sum(found.counts.values()) == len(records)


async def a_history(core: Core) -> list[UUID]:
    """Ten events of each of three organisations, three commands, an unreadable record: all dealt with by a member that goes on running."""
    organizations = [uuid4() for _ in range(3)]
    for organization in organizations:
        for number in range(1, 11):
            await core.send(member_added(organization, str(number)), sequence=number)
        await core.send(AddMember(organization_id=organization, user_id="command", name="x"), id=f"c-{organization}")
    await core.send_raw(EVENTS, b"somebody", b"{}", [("x", b"unreadable")])
    await core.run(HANDLERS, [EVENTS, COMMANDS], operations=True)
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 33 FROM effect"), within=15)
    await probe(lambda: is_committed(core), within=10)
    return organizations


async def is_committed(core: Core) -> bool:
    history = History(core.kafka, SERVICE)
    ranges = await history.ranges([EVENTS, COMMANDS])
    return sum(end for _, end in ranges.values()) == 34


async def paused(member: Any) -> bool:
    return "paused" in (await member.consumer.problem() or "")


def a_record(topic: str, offset: int, message: Any, with_headers: list[tuple[str, bytes]]) -> Record:
    return Record(topic, 0, offset, 0, message.subject.encode(), tuple(with_headers), message.model_dump_json().encode())
