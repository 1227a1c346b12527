"""Every message has its effect once: events by their number, commands by the id their sender gave them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import Counter

from contracts.org import AddMember, MemberAdded
from contracts.results import CommandRejected, CommandSucceeded
from eventing import metrics
from eventing.errors import Refused
from eventing.inbox import Inbox, Result
from eventing.record import Record
from testkit.probe import probe

from .conftest import Core, headers, member_added, noting

EVENTS = "org-events"
NOTE = {MemberAdded: noting(lambda message: message.user_id)}


async def test_an_event_published_twice_has_one_effect(core: Core) -> None:
    event = member_added(uuid4(), "once")
    for _ in range(3):
        await core.send(event, sequence=1)
    await core.send(member_added(event.organization_id, "last"), sequence=2)
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects(core, ["once", "last"]), within=10)


async def test_the_whole_history_again_is_without_effect_at_any_age(core: Core) -> None:
    organization = uuid4()
    history = [(member_added(organization, str(number)), number) for number in range(1, 21)]
    for event, number in history * 2:
        await core.send(event, sequence=number)
    await core.send(member_added(organization, "last"), sequence=21)
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects(core, [str(number) for number in range(1, 21)] + ["last"]), within=15)


async def test_the_same_number_of_another_source_or_subject_is_another_event(core: Core) -> None:
    organization = uuid4()
    await core.send(member_added(organization, "a"), sequence=1)
    await core.send(member_added(organization, "b"), sequence=1, source="/other-service")
    await core.send(member_added(uuid4(), "c"), sequence=1)
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects_in_any_order(core, {"a", "b", "c"}), within=10)


async def test_a_gap_is_reported_and_does_not_hold_up(core: Core) -> None:
    before = sample(metrics.GAPS, EVENTS)
    organization = uuid4()
    await core.send(member_added(organization, "first"), sequence=1)
    await core.send(member_added(organization, "fourth"), sequence=4)
    await core.run(NOTE, [EVENTS])
    await probe(lambda: effects(core, ["first", "fourth"]), within=10)
    assert sample(metrics.GAPS, EVENTS) - before == 1


async def test_a_command_sent_again_repeats_its_outcome_and_not_its_effect(core: Core) -> None:
    command = an_add_member()
    for _ in range(3):
        await core.send(command, id="c-1")
    await core.run(ADDING, ["org-commands"])
    outcomes = await outcomes_of(core, 3)
    assert [(type(outcome), outcome.repeat) for outcome in outcomes] == [
        (CommandSucceeded, False),
        (CommandSucceeded, True),
        (CommandSucceeded, True),
    ]
    assert all(outcome.result == {"user": command.user_id} for outcome in outcomes if isinstance(outcome, CommandSucceeded))
    assert await core.effects() == [command.user_id]


async def test_a_refusal_is_an_outcome_and_leaves_nothing_behind(core: Core) -> None:
    async def refuse(command: AddMember, work: Any) -> None:
        await NOTE[MemberAdded](command, work)
        work.publish(member_added(command.organization_id, "never"))
        raise Refused("no", "No.", hint="Ask somebody else.")

    await core.send(an_add_member(), id="c-1")
    await core.run({AddMember: refuse}, ["org-commands"])
    (outcome,) = await outcomes_of(core, 1)
    assert isinstance(outcome, CommandRejected)
    assert (outcome.code, outcome.hint) == ("no", "Ask somebody else.")
    assert await core.effects() == []
    assert await core.read_all(EVENTS, within=0.3) == []


async def test_a_refusal_may_quote_what_no_database_text_can_hold(core: Core) -> None:
    async def refuse(command: AddMember, work: Any) -> None:
        raise Refused("no", "'a\x00b' is not a number.")

    command = an_add_member()
    for _ in range(2):
        await core.send(command, id="c-1")
    await core.run({AddMember: refuse}, ["org-commands"])
    outcomes = await outcomes_of(core, 2)
    assert [(outcome.message, outcome.repeat) for outcome in outcomes if isinstance(outcome, CommandRejected)] == [
        ("'a\x00b' is not a number.", False),
        ("'a\x00b' is not a number.", True),
    ]


async def test_an_id_used_for_another_command_is_refused_without_telling_the_first_outcome(core: Core) -> None:
    first, second = an_add_member(), an_add_member()
    await core.send(first, id="c-1")
    await core.send(second, id="c-1")
    await core.run(ADDING, ["org-commands"])
    outcomes = await outcomes_of(core, 2)
    assert {outcome.code if isinstance(outcome, CommandRejected) else "succeeded" for outcome in outcomes} == {
        "succeeded",
        "command_id_reused",
    }
    assert len(await core.effects()) == 1


async def test_the_same_delivery_of_a_command_again_says_nothing(core: Core) -> None:
    command = an_add_member()
    await core.send(command, id="c-1")
    member = await core.run(ADDING, ["org-commands"])
    await outcomes_of(core, 1)
    await member.stop()
    await forget_offsets(core)
    again = await core.run(ADDING, ["org-commands"])
    marker = an_add_member()
    await core.send(marker, id="c-2")
    await outcomes_of(core, 2)
    await again.stop()
    assert [outcome.command_id for outcome in await outcomes_of(core, 2)] in (["c-1", "c-2"], ["c-2", "c-1"])
    assert await core.effects() == [command.user_id, marker.user_id]


async def test_two_deliveries_of_one_id_at_the_same_moment_have_one_effect(core: Core) -> None:
    command = an_add_member()
    inbox = Inbox(core.outbox, ADDING, service="company-service")
    records = [
        Record(
            "org-commands", 0, offset, 0, command.subject.encode(), tuple(headers(command, id="c-1")), command.model_dump_json().encode()
        )
        for offset in range(8)
    ]
    results = await asyncio.gather(*(inbox.handle(record) for record in records))
    # Of the others, those that were read earlier in the partition than the last one seen are the same delivery again.
    assert results.count(Result.HANDLED) == 1
    assert set(results) <= {Result.HANDLED, Result.REPEATED, Result.DUPLICATE}
    assert await core.effects() == [command.user_id]


@pytest.mark.parametrize("field", ["organizationid", "subject"])
async def test_a_command_whose_envelope_and_data_disagree_is_refused(core: Core, field: str) -> None:
    command = an_add_member()
    other = str(uuid4())
    key = other.encode() if field == "subject" else command.subject.encode()
    await core.send_raw("org-commands", key, command.model_dump_json().encode(), headers(command, **{field: other}))
    await core.run(ADDING, ["org-commands"])
    (outcome,) = await outcomes_of(core, 1)
    assert isinstance(outcome, CommandRejected)
    assert outcome.code in {"organization_mismatch", "subject_mismatch"}
    assert await core.effects() == []


async def add_member(command: AddMember, work: Any) -> dict[str, Any]:
    await work.connection.execute("INSERT INTO effect (subject, what) VALUES ($1, $2)", command.subject, command.user_id)
    return {"user": command.user_id}


ADDING = {AddMember: add_member}


def an_add_member() -> AddMember:
    user = f"user-{uuid4()}"
    return AddMember(organization_id=uuid4(), user_id=user, name=user)


async def outcomes_of(core: Core, count: int) -> list[CommandSucceeded | CommandRejected]:
    found: list[CommandSucceeded | CommandRejected] = []
    for record in await core.read("command-results", count):
        succeeded = dict(record.headers)["ce_type"] == CommandSucceeded.TYPE.encode()
        found.append((CommandSucceeded if succeeded else CommandRejected).model_validate_json(record.value))
    return found


async def forget_offsets(core: Core) -> None:
    """Set the group back to the beginning, as after a crash before the commit."""
    name = core.kafka.topic_prefix + "org-commands"
    consumer = AIOKafkaConsumer(**core.kafka.options, group_id=core.kafka.topic_prefix + "company-service", enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer._client._wait_on_metadata(name)
        places = [TopicPartition(name, partition) for partition in consumer.partitions_for_topic(name) or ()]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()


def sample(counter: Counter, *labels: str) -> float:
    value: float = counter.labels(*labels)._value.get()
    return value


async def effects(core: Core, wanted: list[str]) -> bool:
    found = await core.effects()
    assert found == wanted, found
    return True


async def effects_in_any_order(core: Core, wanted: set[str]) -> bool:
    found = await core.effects()
    assert len(found) == len(wanted), found
    assert set(found) == wanted, found
    return True
