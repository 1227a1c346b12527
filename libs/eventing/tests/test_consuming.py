"""What the framework and the network do to a consumer must cost no message: each test is one way in which messages get lost or doubled."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.consumer import fetcher
from faststream.exceptions import StopConsume
from structlog.contextvars import bind_contextvars, get_contextvars

from contracts.org import AddMember, MemberAdded, OrganizationRegistered, RemoveMember
from contracts.results import CommandRejected
from eventing.parking import Patience
from testkit.patience import patient
from testkit.probe import probe

from .conftest import Core, headers, member_added, noting

pytestmark = pytest.mark.long

EVENTS = "org-events"
DLQ = "company-service-dlq"
NOTE = {MemberAdded: noting(lambda message: message.user_id)}


async def test_a_binary_or_null_header_does_not_drop_the_batch(core: Core) -> None:
    organization = uuid4()
    strange: list[tuple[str, Any]] = [("x-trace", b"\xff\xfe\x00"), ("x-null", None), ("x-trace", b"again")]
    for number in range(1, 11):
        event = member_added(organization, f"user-{number}")
        await core.send_raw(
            EVENTS, event.subject.encode(), event.model_dump_json().encode(), headers(event, number) + strange * (number == 5)
        )
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects_are(core, [f"user-{number}" for number in range(1, 11)]), within=10)


async def test_one_unreadable_record_reaches_the_dead_letters_and_the_others_their_handler(core: Core) -> None:
    organization = uuid4()
    first, second = member_added(organization, "first"), member_added(organization, "second")
    await core.send(first, sequence=1)
    bad: list[tuple[str, Any]] = [*headers(first, 2), ("ce_dataschema", b"\xff")]
    await core.send_raw(EVENTS, first.subject.encode(), b"\x00\xffnot json", bad)
    await core.send(second, sequence=2)
    await core.run(NOTE, [EVENTS])
    (letter,) = await core.read(DLQ, 1)
    assert (letter.value, letter.key, list(letter.headers[: len(bad)])) == (b"\x00\xffnot json", first.subject.encode(), bad)
    assert dict(letter.headers)["x-dlq-reason"] == b"unreadable"
    await probe(lambda: effects_are(core, ["first", "second"]), within=5)
    await probe(lambda: is_committed(core, EVENTS, 3), within=5)


async def test_a_tombstone_and_an_empty_key_are_dead_letters_as_they_came(core: Core) -> None:
    event = member_added(uuid4(), "x")
    await core.send_raw(EVENTS, event.subject.encode(), None, [("x-nothing", None)])
    await core.send_raw(EVENTS, None, b"{}", headers(event, 1))
    await core.run(NOTE, [EVENTS])
    letters = await core.read(DLQ, 2)
    assert {(letter.key, letter.value) for letter in letters} == {(event.subject.encode(), None), (None, b"{}")}


async def test_what_a_dead_letter_quotes_of_its_record_may_hold_a_nul(core: Core) -> None:
    event = member_added(uuid4(), "x")
    twice: list[tuple[str, Any]] = [("ce_strange\0", b"1"), ("ce_strange\0", b"2")]
    await core.send_raw(EVENTS, event.subject.encode(), b"{}", [*headers(event, 1), *twice])
    await core.run(NOTE, [EVENTS], patience=Patience(first_pause=timedelta(minutes=1)))
    (letter,) = await core.read(DLQ, 1)
    assert dict(letter.headers)["x-dlq-reason"] == b"unreadable"
    assert dict(letter.headers)["x-dlq-error"] == rb"ce_strange\0 is given twice"


async def test_an_unknown_type_is_one_dead_letter_and_the_partition_moves_on(core: Core) -> None:
    organization = uuid4()
    await core.send(member_added(organization, "before"), sequence=1)
    await core.send(member_added(organization, "newer"), sequence=2, type="no.accountflow.org.MemberPromoted.v1")
    await core.send(member_added(organization, "after"), sequence=3)
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects_are(core, ["before", "after"]), within=10)
    assert len(await core.read(DLQ, 1)) == 1
    await probe(lambda: is_committed(core, EVENTS, 3), within=5)


async def test_a_type_without_a_handler_is_passed_over_in_silence(core: Core) -> None:
    organization = uuid4()
    await core.send(OrganizationRegistered(organization_id=organization, name="A", registered_by="kari"), sequence=1)
    await core.send(member_added(organization, "next"), sequence=2)
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects_are(core, ["next"]), within=10)
    assert await core.read_all(DLQ, within=0.3) == []


async def test_one_invalid_record_does_not_hold_its_neighbours(core: Core) -> None:
    broken, healthy = uuid4(), uuid4()
    event = member_added(broken, "broken")
    await core.send_raw(EVENTS, event.subject.encode(), b'{"organization_id": 5}', headers(event, 1))
    await core.send(member_added(broken, "waits behind it"), sequence=2)
    await core.send(member_added(healthy, "goes on"), sequence=1)
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects_are(core, ["goes on"]), within=10)
    await probe(lambda: is_committed(core, EVENTS, 3), within=5)
    rows = await core.pool.fetch("SELECT state, value FROM eventing.parked ORDER BY id")
    assert (rows[0]["state"], rows[0]["value"]) == ("parked", b'{"organization_id": 5}')
    assert len(rows) == 2


async def test_order_per_key_holds_while_keys_run_side_by_side(core: Core) -> None:
    meeting = asyncio.Barrier(4)
    first_of_each = {str(number) for number in range(4)}

    async def handle(message: MemberAdded, work: Any) -> None:
        if message.user_id in first_of_each:
            async with asyncio.timeout(patient(10)):
                await meeting.wait()  # passes only when four keys are being handled at the same time
        await NOTE[MemberAdded](message, work)

    organizations = [uuid4() for _ in range(4)]
    for number, organization in enumerate(organizations):
        await core.send(member_added(organization, str(number)), sequence=1)
    for step in range(2, 12):
        for organization in organizations:
            await core.send(member_added(organization, f"step {step}"), sequence=step)
    await core.run({MemberAdded: handle}, [EVENTS])
    for number, organization in enumerate(organizations):
        wanted = [str(number)] + [f"step {step}" for step in range(2, 12)]
        await probe(lambda organization=organization, wanted=wanted: effects_are(core, wanted, str(organization)), within=15)


async def test_two_members_share_the_work_and_a_rebalance_doubles_nothing(core: Core) -> None:
    organizations = [uuid4() for _ in range(20)]
    await core.run(NOTE, [EVENTS])
    for step in range(1, 31):
        for organization in organizations:
            await core.send(member_added(organization, str(step)), sequence=step)
        if step == 10:
            second = await core.run(NOTE, [EVENTS], relay=False)
        if step == 20:
            await second.stop()
    await probe(lambda: has_effects(core, 600), within=30)
    for organization in organizations:
        assert await core.effects(str(organization)) == [str(step) for step in range(1, 31)]


async def test_what_one_handler_binds_to_the_log_context_is_gone_for_the_next(core: Core) -> None:
    seen: list[dict[str, Any]] = []

    async def handle(message: MemberAdded, work: Any) -> None:
        seen.append(get_contextvars())
        bind_contextvars(leak=message.user_id)

    organization = uuid4()
    for number in (1, 2, 3):
        await core.send(member_added(organization, str(number)), sequence=number)
    await core.run({MemberAdded: handle}, [EVENTS])
    await probe(lambda: len(seen) == 3, within=10)
    assert all("leak" not in context for context in seen)


@pytest.mark.parametrize("wish", [StopConsume, SystemExit])
async def test_a_handler_cannot_stop_the_subscriber_or_the_process(core: Core, wish: type[BaseException]) -> None:
    async def handle(message: MemberAdded, work: Any) -> None:
        if message.user_id == "stops":
            raise wish
        await NOTE[MemberAdded](message, work)

    await core.send(member_added(uuid4(), "stops"), sequence=1)
    await core.run({MemberAdded: handle}, [EVENTS])
    await core.send(member_added(uuid4(), "still handled"), sequence=1)
    await probe(lambda: effects_are(core, ["still handled"]), within=10)
    await probe(lambda: core.pool.fetchval("SELECT state = 'parked' FROM eventing.parked"), within=10)


@pytest.mark.parametrize("committed", [False, True], ids=["new group", "known group"])
async def test_what_cannot_be_read_is_told_and_tried_again_without_haste(
    core: Core, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    """What was read of the other partitions beside it is not passed over."""
    tried: list[int] = []

    class Broken(fetcher.MemoryRecords):  # type: ignore[misc]
        def __init__(self, data: bytes) -> None:
            super().__init__(data)
            self._unreadable = b"unreadable" in data

        def next_batch(self, *more: int) -> Any:
            if self._unreadable:
                tried.append(1)
                raise LookupError("a defect of the client")
            return super().next_batch(*more)

    async def send(user: str, partition: int) -> None:
        event = member_added(uuid4(), user)
        await core.send_raw(EVENTS, event.subject.encode(), event.model_dump_json().encode(), headers(event, 1), partition=partition)

    if committed:
        for partition in range(2):
            await send(f"earlier {partition}", partition)
        first = await core.run(NOTE, [EVENTS], relay=False)
        await probe(lambda: is_committed(core, EVENTS, 2), within=15)
        await first.stop()
    for user, partition in (("before", 0), ("unreadable", 1), ("after", 1)):
        await send(user, partition)
    with monkeypatch.context() as broken:
        broken.setattr(fetcher, "MemoryRecords", Broken)
        broken.setattr("eventing.kafka.read_any", lambda: None)
        member = await core.run(NOTE, [EVENTS])
        await probe(lambda: member.consumer.unreadable, within=10)
        assert "a defect of the client" in (await member.consumer.problem() or "")
        await asyncio.sleep(1)
        assert len(tried) < 10
    await probe(lambda: has_effects(core, 5 if committed else 3), within=15)
    assert await member.consumer.problem() is None


async def test_after_a_long_quiet_the_next_message_is_handled_at_once(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(delay: float) -> None:
        slept.append(delay)
        await asyncio.sleep(delay)

    monkeypatch.setattr("faststream.kafka.subscriber.usecase.anyio.sleep", sleep)
    await core.run(NOTE, [EVENTS])
    await core.send(member_added(uuid4(), "before"), sequence=1)
    await probe(lambda: effects_are(core, ["before"]), within=10)
    await asyncio.sleep(3)  # empty polls, after each of which the framework would sleep as long as a poll may last
    await core.send(member_added(uuid4(), "after"), sequence=1)
    await probe(lambda: effects_are(core, ["before", "after"]), within=2)
    assert slept == []


async def test_stopping_in_the_middle_of_a_message_loses_and_doubles_nothing(core: Core) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow(message: MemberAdded, work: Any) -> None:
        started.set()
        await finish.wait()
        await NOTE[MemberAdded](message, work)

    organization = uuid4()
    await core.send(member_added(organization, "one"), sequence=1)
    member = await core.run({MemberAdded: slow}, [EVENTS])
    async with asyncio.timeout(patient(10)):
        await started.wait()
    stopping = asyncio.create_task(member.stop())
    await asyncio.sleep(0)
    finish.set()
    await stopping
    assert await core.effects() == ["one"]
    assert await core.committed(EVENTS) == 1


async def test_a_member_cut_off_in_the_middle_leaves_the_message_to_the_next(core: Core) -> None:
    started = asyncio.Event()

    async def hangs(message: MemberAdded, work: Any) -> None:
        await NOTE[MemberAdded](message, work)
        started.set()
        await asyncio.Event().wait()

    await core.send(member_added(uuid4(), "one"), sequence=1)
    member = await core.run({MemberAdded: hangs}, [EVENTS])
    member.consumer.broker.config.broker_config.graceful_timeout = 0.1
    async with asyncio.timeout(patient(10)):
        await started.wait()
    await member.stop()
    assert await core.committed(EVENTS) == 0
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects_are(core, ["one"]), within=15)


async def test_offsets_are_committed_by_the_batch(core: Core) -> None:
    organization = uuid4()
    futures = [
        await core.producer.send(
            core.kafka.topic_prefix + EVENTS,
            (event := member_added(organization, str(n))).model_dump_json().encode(),
            event.subject.encode(),
            headers=headers(event, n),
        )
        for n in range(1, 101)
    ]
    await asyncio.gather(*futures)
    member = await core.run(NOTE, [EVENTS])
    consumer = member.consumer._subscriber.consumer
    commits = Counter[str]()
    commit = consumer.commit

    async def counted(*arguments: Any) -> None:
        commits["all"] += 1
        await commit(*arguments)

    consumer.commit = counted
    await probe(lambda: is_committed(core, EVENTS, 100), within=15)
    assert commits["all"] <= 5


async def test_malformed_commands_are_answered_where_an_id_can_be_read(core: Core) -> None:
    organization = uuid4()
    command = AddMember(organization_id=organization, user_id="x", name="x")
    good = headers(command)
    for name, value in (("ce_type", b"no.such.Type.v1"), ("ce_actor", b"\xff"), ("ce_time", b"yesterday"), ("ce_organizationid", b"7")):
        replaced = [(known, value if known == name else old) for known, old in headers(command)]
        await core.send_raw("company-commands", command.subject.encode(), b"{}", replaced)
    await core.send_raw("company-commands", command.subject.encode(), b"not json", good)
    await core.send_raw("company-commands", b"", b"{}", headers(command))
    await core.send_raw("company-commands", command.subject.encode(), b"{}", [(name, value) for name, value in good if name != "ce_id"])
    await core.run({}, ["company-commands"])
    answers = [rejection(record) for record in await core.read("command-results", 6)]
    assert {answer.code for answer in answers} == {"unreadable", "unknown_type"}
    (letter,) = await core.read(DLQ, 1)
    assert b"ce_id" in dict(letter.headers)["x-dlq-error"]
    await probe(lambda: is_committed(core, "company-commands", 7), within=5)


async def test_a_command_that_is_too_large_is_refused_and_the_next_one_answered(core: Core) -> None:
    huge = AddMember(organization_id=uuid4(), user_id="x", name="x").model_dump_json().encode() + b" " * 300_000
    command = AddMember(organization_id=uuid4(), user_id="x", name="x")
    await core.send_raw("org-commands", command.subject.encode(), huge, headers(command, id="huge"))
    await core.send(command, id="next")
    await core.run({}, ["org-commands"])
    answers = {answer.command_id: answer.code for answer in map(rejection, await core.read("command-results", 2))}
    assert answers == {"huge": "too_large", "next": "unknown_command"}


async def test_a_command_of_another_topic_is_refused_by_name(core: Core) -> None:
    command = RemoveMember(organization_id=uuid4(), user_id="x")
    await core.send_raw("company-commands", command.subject.encode(), command.model_dump_json().encode(), headers(command))
    await core.run({}, ["company-commands"])
    (record,) = await core.read("command-results", 1)
    assert rejection(record).code == "unknown_type"


def rejection(record: Any) -> CommandRejected:
    return CommandRejected.model_validate_json(record.value)


async def effects_are(core: Core, wanted: list[str], subject: str | None = None) -> bool:
    found = await core.effects(subject)
    assert found == wanted, found
    return True


async def has_effects(core: Core, count: int) -> bool:
    found = len(await core.effects())
    assert found == count, found
    return True


async def is_committed(core: Core, topic: str, count: int) -> bool:
    found = await core.committed(topic)
    assert found == count, found
    return True
