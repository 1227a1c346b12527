"""What cannot be handled now waits in its own key's queue, in order, and nobody else waits with it."""

from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

from contracts.org import AddMember, MemberAdded
from contracts.results import CommandRejected, CommandSucceeded
from eventing.errors import NotYet, Refused, Transient
from local_stack.provision import create_database
from testkit.databases import DatabaseFactory
from testkit.own_servers import OwnPostgres
from testkit.probe import probe
from testkit.topics import OwnTopics

from .conftest import IMPATIENT, Core, headers, member_added, migrate_core, noting, open_core

EVENTS = "org-events"
NOTE = noting(lambda message: message.user_id)


async def test_a_handler_that_fails_three_times_keeps_the_order_of_its_key_and_delays_no_other(core: Core) -> None:
    attempts: dict[str, int] = defaultdict(int)

    async def handle(message: MemberAdded, work: Any) -> None:
        attempts[message.user_id] += 1
        if message.user_id == "a1" and attempts["a1"] <= 3:
            raise Transient("not now")
        await NOTE(message, work)

    slow, other = uuid4(), uuid4()
    for number in (1, 2, 3):
        await core.send(member_added(slow, f"a{number}"), sequence=number)
    for number in (1, 2, 3):
        await core.send(member_added(other, f"b{number}"), sequence=number)
    await core.run({MemberAdded: handle}, [EVENTS])
    await probe(lambda: effects(core, ["a1", "a2", "a3"], str(slow)), within=15)
    assert await core.effects(str(other)) == ["b1", "b2", "b3"]
    assert attempts["a1"] == 4
    all_effects = await core.effects()
    assert all_effects.index("b3") < all_effects.index("a1")
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.parked") == 0


async def test_a_message_that_always_fails_is_parked_with_a_byte_equal_dead_letter_and_its_key_waits(core: Core) -> None:
    attempts: dict[str, int] = defaultdict(int)

    async def handle(message: MemberAdded, work: Any) -> None:
        attempts[message.user_id] += 1
        if message.user_id == "poison":
            raise ZeroDivisionError("a fault of ours")
        await NOTE(message, work)

    organization = uuid4()
    event = member_added(organization, "poison")
    sent: list[tuple[str, Any]] = [*headers(event, 1), ("x-binary", b"\x00\xff"), ("x-null", None)]
    await core.send_raw(EVENTS, event.subject.encode(), event.model_dump_json().encode(), sent)
    await core.send(member_added(organization, "behind"), sequence=2)
    await core.send(member_added(uuid4(), "elsewhere"), sequence=1)
    await core.run({MemberAdded: handle}, [EVENTS])
    (letter,) = await core.read("company-service-dlq", 1)
    assert letter.value == event.model_dump_json().encode()
    assert letter.key == event.subject.encode()
    assert list(letter.headers[: len(sent)]) == sent
    reasons = dict(letter.headers)
    assert (reasons["x-dlq-reason"], reasons["x-dlq-topic"]) == (b"parked", b"org-events")
    assert b"a fault of ours" in reasons["x-dlq-error"]
    assert attempts["poison"] == IMPATIENT.unexpected
    assert await core.effects() == ["elsewhere"]
    await probe(lambda: queue_is(core, [("parked", IMPATIENT.unexpected), ("waiting", 0)]), within=10)


async def test_a_queue_survives_a_restart_and_goes_on_in_order(core: Core) -> None:
    async def fails(message: MemberAdded, work: Any) -> None:
        raise Transient("the other system is away")

    organization = uuid4()
    for number in (1, 2, 3):
        await core.send(member_added(organization, str(number)), sequence=number)
    member = await core.run({MemberAdded: fails}, [EVENTS])
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 3 FROM eventing.parked"), within=10)
    await member.stop()
    await core.run({MemberAdded: NOTE}, [EVENTS])
    await core.send(member_added(organization, "4"), sequence=4)
    await probe(lambda: effects(core, ["1", "2", "3", "4"]), within=15)


async def test_a_transient_fault_has_a_total_limit(core: Core) -> None:
    async def fails(message: MemberAdded, work: Any) -> None:
        raise Transient("away for good")

    await core.send(member_added(uuid4(), "x"), sequence=1)
    patience = IMPATIENT.__class__(
        first_pause=timedelta(milliseconds=10), longest_pause=timedelta(milliseconds=50), transient=timedelta(milliseconds=300)
    )
    await core.run({MemberAdded: fails}, [EVENTS], patience=patience)
    (letter,) = await core.read("company-service-dlq", 1)
    assert b"away for good" in dict(letter.headers)["x-dlq-error"]


async def test_a_command_waits_for_a_fact_on_its_way_and_succeeds_when_it_comes(core: Core) -> None:
    async def handle(command: AddMember, work: Any) -> None:
        if not await work.connection.fetchval("SELECT EXISTS (SELECT 1 FROM effect)"):
            raise NotYet(Refused("unknown", "Not known."), within=timedelta(seconds=20))

    await core.send(an_add_member(), id="c-1")
    await core.run({AddMember: handle, MemberAdded: NOTE}, ["org-commands", EVENTS])
    await probe(lambda: core.pool.fetchval("SELECT attempts >= 2 FROM eventing.parked"), within=10)
    await core.send(member_added(uuid4(), "arrives"), sequence=1)
    (record,) = await core.read("command-results", 1)
    assert CommandSucceeded.model_validate_json(record.value).command_id == "c-1"


async def test_a_command_is_refused_when_the_fact_does_not_come(core: Core) -> None:
    async def handle(command: AddMember, work: Any) -> None:
        raise NotYet(Refused("unknown", "Not known."), within=timedelta(milliseconds=200))

    await core.send(an_add_member(), id="c-1")
    await core.run({AddMember: handle}, ["org-commands"])
    (record,) = await core.read("command-results", 1)
    assert CommandRejected.model_validate_json(record.value).code == "unknown"
    assert await core.read_all("company-service-dlq", within=0.3) == []


async def test_postgres_away_holds_the_batch_and_nothing_is_lost(
    own_postgres: OwnPostgres, kafka: str, topics: OwnTopics, database: DatabaseFactory
) -> None:
    await create_database(own_postgres.server.address, own_postgres.server.address.database("held", role="held", password="held"))
    dsn = own_postgres.address.database("held", role="held", password="held")
    await migrate_core(dsn)
    organization = uuid4()
    async with AsyncExitStack() as exits:
        core = await open_core(exits, kafka, topics.prefix, dsn, database)
        member = await core.run({MemberAdded: NOTE}, [EVENTS])
        await core.send(member_added(organization, "1"), sequence=1)
        await probe(lambda: effects(core, ["1"]), within=15)
        await own_postgres.proxy.refuse()
        for number in (2, 3, 4):
            await core.send(member_added(organization, str(number)), sequence=number)
        await probe(lambda: member.consumer.holding, within=15)
        assert "holding" in (await member.consumer.problem() or "")
        assert await core.committed(EVENTS) == 1
        await own_postgres.proxy.restore()
        await probe(lambda: effects(core, ["1", "2", "3", "4"]), within=30)
        assert await member.consumer.problem() is None


async def queue_is(core: Core, wanted: list[tuple[str, int]]) -> bool:
    found = [tuple(row) for row in await core.pool.fetch("SELECT state, attempts FROM eventing.parked ORDER BY id")]
    assert found == wanted, found
    return True


def an_add_member() -> AddMember:
    return AddMember(organization_id=uuid4(), user_id="x", name="x")


async def effects(core: Core, wanted: list[str], subject: str | None = None) -> bool:
    found = await core.effects(subject)
    assert found == wanted, found
    return True
