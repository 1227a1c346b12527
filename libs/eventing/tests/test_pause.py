"""A paused service keeps its place in the group and takes nothing, over restarts, until an operator resumes it."""

from typing import Any
from uuid import uuid4

from contracts.org import MemberAdded
from eventing.errors import Transient
from testkit.probe import probe

from .conftest import Core, Member, member_added, noting

EVENTS = "org-events"
NOTE = noting(lambda message: message.user_id)


async def test_a_paused_member_says_why_and_goes_on_where_it_was(core: Core) -> None:
    organization = uuid4()
    member = await core.run({MemberAdded: NOTE}, [EVENTS])
    await core.send(member_added(organization, "before"), sequence=1)
    await probe(lambda: effects_are(core, ["before"]), within=10)
    await pause(core)
    problem = await probe(lambda: is_paused(member), within=5)
    assert "paused by kari since" in problem
    assert "moving the database" in problem
    partitions = member.consumer._subscriber.consumer.assignment()
    for number in range(2, 30):
        await core.send(member_added(organization, str(number)), sequence=number)
    await core.read(EVENTS, 29)
    assert await core.effects() == ["before"]
    assert member.consumer._subscriber.consumer.assignment() == partitions != set()
    await resume(core)
    await probe(lambda: effects_are(core, ["before", *map(str, range(2, 30))]), within=10)
    assert await member.consumer.problem() is None


async def test_a_pause_outlives_the_process_and_binds_who_joins_later(core: Core) -> None:
    await pause(core)
    for number in range(40):
        await core.send(member_added(uuid4(), str(number)), sequence=1)
    first = await core.run({MemberAdded: NOTE}, [EVENTS])
    await probe(lambda: is_paused(first), within=5)
    await first.stop()
    members = [await core.run({MemberAdded: NOTE}, [EVENTS], relay=False) for _ in range(2)]
    await probe(lambda: all(member.consumer._subscriber.consumer.paused() for member in members), within=20)
    assert await core.committed(EVENTS) == 0
    assert await core.effects() == []
    await resume(core)
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 40 AND count(DISTINCT what) = 40 FROM effect"), within=15)


async def test_what_waits_is_not_tried_again_while_paused(core: Core) -> None:
    attempts: list[str] = []

    async def handle(message: MemberAdded, work: Any) -> None:
        attempts.append(message.user_id)
        if not await work.connection.fetchval("SELECT EXISTS (SELECT 1 FROM effect)"):
            raise Transient("not now")
        await NOTE(message, work)

    await core.send(member_added(uuid4(), "waits"), sequence=1)
    member = await core.run({MemberAdded: handle}, [EVENTS])
    await probe(lambda: len(attempts) >= 2, within=10)
    await pause(core)
    await probe(lambda: is_paused(member), within=5)
    row = await core.pool.fetchrow("SELECT attempts, next_attempt_at FROM eventing.parked")
    await core.pool.execute("INSERT INTO effect (what) VALUES ('now it would work')")
    # Two rounds of the loop, each at most a second apart, in which it would have been due.
    await probe(
        lambda: core.pool.fetchval("SELECT clock_timestamp() > $1::timestamptz + interval '2 seconds'", row["next_attempt_at"]), within=10
    )
    assert await core.pool.fetchrow("SELECT attempts, next_attempt_at FROM eventing.parked") == row
    await resume(core)
    await probe(lambda: effects_are(core, ["now it would work", "waits"]), within=10)


async def pause(core: Core) -> None:
    await core.pool.execute("INSERT INTO eventing.consumer_pause (kind, by, why) VALUES ('operator', 'kari', 'moving the database')")


async def resume(core: Core) -> None:
    await core.pool.execute("DELETE FROM eventing.consumer_pause")


async def is_paused(member: Member) -> str:
    problem = await member.consumer.problem()
    assert problem is not None
    assert "paused" in problem
    return problem


async def effects_are(core: Core, wanted: list[str]) -> bool:
    found = await core.effects()
    assert found == wanted, found
    return True
