"""Past a share of broken records the service stops by itself, says so, and waits for an operator; a few broken ones stop nothing."""

from typing import Any
from uuid import UUID, uuid4

from contracts.org import AddMember, MemberAdded
from eventing.errors import Refused
from eventing.pause import Tolerance
from testkit.probe import probe

from .conftest import Core, headers, member_added, noting

EVENTS = "org-events"
NOTE = noting(lambda message: message.user_id)
TOLERANCE = Tolerance(share=0.5, least=5, records=10)


async def test_too_many_dead_letters_pause_the_service_and_nothing_is_lost(core: Core) -> None:
    for _ in range(6):
        await core.send_raw(EVENTS, b"somebody", b"{}", [("x", b"unreadable")])
    member = await core.run({MemberAdded: NOTE}, [EVENTS], tolerance=TOLERANCE)
    why = await probe(lambda: core.pool.fetchval("SELECT why FROM eventing.consumer_pause WHERE kind = 'too_many_broken'"), within=10)
    assert "of the last" in why
    await probe(lambda: problem_of(member, why), within=5)
    assert len(await core.read("company-service-dlq", 6)) == 6  # the batch in hand was dealt with to its end
    await core.send(member_added(uuid4(), "after"), sequence=1)
    await member.stop()
    again = await core.run({MemberAdded: NOTE}, [EVENTS], tolerance=TOLERANCE)
    await probe(lambda: problem_of(again, why), within=5)
    assert await core.effects() == []
    await core.pool.execute("DELETE FROM eventing.consumer_pause")
    await probe(lambda: core.pool.fetchval("SELECT what = 'after' FROM effect"), within=10)


async def test_records_parked_for_a_fault_of_ours_are_broken(core: Core) -> None:
    async def fails(message: MemberAdded, work: Any) -> None:
        raise ZeroDivisionError

    for _ in range(6):
        await core.send(member_added(uuid4(), "x"), sequence=1)
    await core.run({MemberAdded: fails}, [EVENTS], tolerance=TOLERANCE)
    await probe(lambda: core.pool.fetchval("SELECT by = 'company-service' FROM eventing.consumer_pause"), within=15)


async def test_refusals_and_a_few_broken_records_stop_nothing(core: Core) -> None:
    async def refuse(command: AddMember, work: Any) -> None:
        raise Refused("no", "No.")

    member = await core.run({MemberAdded: NOTE, AddMember: refuse}, [EVENTS, "org-commands"], tolerance=TOLERANCE)
    for number in range(10):
        await core.send(AddMember(organization_id=uuid4(), user_id="x", name="x"), id=f"c-{number}")
    organization = UUID(int=7)
    for number in range(1, 31):
        await core.send(member_added(organization, str(number)), sequence=number)
        if number % 5 == 0:
            await core.send_raw(EVENTS, str(organization).encode(), b"{}", headers(member_added(organization, "x")))
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 30 FROM effect"), within=10)
    assert len(await core.read("company-service-dlq", 6)) == 6
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.consumer_pause") == 0
    assert await member.consumer.problem() is None


async def problem_of(member: Any, why: str) -> bool:
    return why in (await member.consumer.problem() or "")
