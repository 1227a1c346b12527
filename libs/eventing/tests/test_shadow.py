"""A shadow is rebuilt from the topics alone and equals the live state, also where that came about by waiting, refusing and giving up."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.company import CompanyGroupCreated
from contracts.org import AddMember, MemberAdded
from eventing.errors import NotYet, Refused, Transient
from testkit.probe import probe

from .conftest import Core, member_added, noting

EVENTS, COMMANDS = "org-events", "org-commands"
GROUP: dict[str, Any] = {"name": "x", "created_by": "kari"}


class Service:
    """Handlers of a release that is ``strict``, until it is not."""

    def __init__(self) -> None:
        self.strict = True

    async def add(self, command: AddMember, work: Any) -> None:
        """Needs that the organisation has been heard of; it publishes before it refuses, which must leave no trace."""
        await noting(lambda command: command.user_id)(command, work)
        work.publish(CompanyGroupCreated(company_group_id=command.organization_id, **GROUP, organization_id=command.organization_id))
        if command.user_id == "no" or (command.user_id == "strict" and self.strict):
            raise Refused("refused", "no")
        if not await work.connection.fetchval("SELECT count(*) FROM effect WHERE subject = $1 AND what = 'known'", command.subject):
            raise NotYet(Refused("unknown", "not heard of"), within=timedelta(seconds=0.2 if command.user_id == "in vain" else 60))

    async def hear(self, event: MemberAdded, work: Any) -> None:
        if event.user_id == "troll":
            raise ZeroDivisionError
        await noting(lambda event: event.user_id)(event, work)


async def a_history(core: Core, service: Service) -> list[UUID]:
    """Three organisations. The first is heard of after a command about it, the third never; one event of the second is given up."""
    one, two, three = organizations = [uuid4() for _ in range(3)]
    await core.run({MemberAdded: service.hear, AddMember: service.add}, [EVENTS, COMMANDS], operations=True)
    for organization, user in ((one, "waits"), (three, "in vain")):
        await core.send(command(organization, user), id=user)
    await probe(lambda: core.pool.fetchval("SELECT count(*) > 0 FROM eventing.parked"), within=15)
    for organization in (one, two):
        await core.send(member_added(organization, "known"), sequence=1)
    for user in ("no", "strict", "twice", "twice"):
        await core.send(command(two, user), id=user)
    for user, sequence in (("troll", 2), ("after the troll", 3)):
        await core.send(member_added(two, user), sequence=sequence)
    await core.send(member_added(one, "after a gap"), sequence=4)
    for topic in (EVENTS, COMMANDS):
        await core.send_raw(topic, b"somebody", b"{}", [("x", b"unreadable")])
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 1 FROM eventing.parked WHERE state = 'parked'"), within=15)
    discard = await core.request("discard", reason="ZeroDivisionError")
    await core.ended(discard, "planned")
    await core.apply(discard)
    await core.ended(discard, "done")
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 6 FROM effect"), within=15)
    await core.read("command-results", 6)
    return organizations


def command(organization: UUID, user: str) -> AddMember:
    return AddMember(organization_id=organization, user_id=user, name="x")


async def test_a_shadow_of_everything_that_can_happen_is_equal_and_a_planted_difference_is_named(core: Core) -> None:
    service = Service()
    one, two, _ = await a_history(core, service)
    service.strict = False  # what a release allows that came later does not undo the answers of the one before
    proof = await core.ended(await core.request("prove_replay", shadow=True), "done", within=30)
    summary = proof["summary"]
    assert summary["state_live"] == summary["state_shadow"]
    results = {"handled": 6, "refused": 2, "allowed_now": 1, "repeated": 1, "discarded": 1, "dead": 2}
    assert summary["read"] == {"read": 13, "queued": 0, "not_handled": 0, **results}
    rows = {name: counted["rows"] for name, counted in summary["tables"].items()}
    assert rows == {
        "public.effect": 6,
        "eventing.command": 5,
        "eventing.dead_letter": 2,
        "eventing.stream_in": 2,
        "eventing.stream_out": 7,
    }
    assert summary["messages_published"] == 8
    assert proof["items"] == []

    await core.pool.execute("DELETE FROM effect WHERE subject = $1 AND what = 'after a gap'", str(one))
    await core.pool.execute("UPDATE effect SET what = 'once' WHERE subject = $1 AND what = 'twice'", str(two))
    await core.pool.execute("UPDATE eventing.stream_out SET last_sequence = 7 WHERE subject = $1", str(one))
    proof = await core.ended(await core.request("prove_replay", shadow=True), "failed", within=30)
    assert proof["summary"]["tables_differing"] == {
        "eventing.stream_out": {"live": 7, "shadow": 7, "only live": 1, "only shadow": 1},
        "public.effect": {"live": 5, "shadow": 6, "only live": 1, "only shadow": 2},
    }
    assert "public.effect has 5 rows live and 6 in the shadow (1 only live, 2 only in the shadow)" in proof["error"]
    assert len(await core.effects()) == 5


async def test_the_service_goes_on_meanwhile_and_a_record_that_fails_in_the_shadow_is_named(core: Core) -> None:
    organization, live = uuid4(), await core.pool.fetchval("SELECT current_database()")

    async def hear(event: MemberAdded, work: Any) -> None:
        in_shadow = await work.connection.fetchval("SELECT current_database()") != live
        if event.user_id == "waits":
            raise Transient("later")
        if event.user_id == "meanwhile" and in_shadow:
            raise ZeroDivisionError("in this release")
        await noting(lambda event: event.user_id)(event, work)
        if event.user_id == "first" and in_shadow and "meanwhile" not in await core.effects():
            await core.send(member_added(organization, "meanwhile"), sequence=2)
            await probe(lambda: core.pool.fetchval("SELECT count(*) = 2 FROM effect"), within=15)

    await core.run({MemberAdded: hear}, [EVENTS], operations=True)
    await core.send(member_added(organization, "first"), sequence=1)
    await core.send(member_added(uuid4(), "waits"), sequence=1)
    await probe(lambda: core.pool.fetchval("SELECT (SELECT count(*) FROM eventing.parked) + (SELECT count(*) FROM effect) = 2"), within=15)
    proof = await core.ended(await core.request("prove_replay", shadow=True), "done", within=30)
    assert proof["summary"]["read"] == {"read": 2, "queued": 1, "not_handled": 0, "handled": 1}
    assert proof["summary"]["tables"]["public.effect"]["rows"] == 1
    assert await core.effects() == ["first", "meanwhile"]
    proof = await core.ended(await core.request("prove_replay", shadow=True), "failed", within=30)
    assert "1 records that the live service has dealt with fail in the shadow" in proof["error"]
    assert proof["items"] == [{"result": "failed", "error": "ZeroDivisionError: in this release"}]
