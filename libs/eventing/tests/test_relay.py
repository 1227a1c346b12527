"""The relay: what was committed is published, in order per key, whatever dies in between."""

import asyncio
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts import topics as contracts
from contracts.org import MemberAdded
from contracts.sync import DataSet, SyncNeedsAttention, SyncProgressed, SyncStatus
from eventing.relay import Relay
from local_stack.provision import create_topics, delete_topics
from testkit.probe import probe

from .conftest import Core, a_cause, member_added, noting

EVENTS = "org-events"


async def test_events_carry_rising_numbers_their_key_and_their_own_headers(core: Core) -> None:
    organizations = [uuid4() for _ in range(3)]
    for step in range(5):
        for organization in organizations:
            async with core.outbox.work(a_cause(organization)) as work:
                work.publish(member_added(organization, str(step)))
    async with relaying(core):
        records = await core.read(EVENTS, 15)
    for organization in organizations:
        own = [record for record in records if record.key == str(organization).encode()]
        assert [dict(record.headers)["ce_sequence"] for record in own] == [b"1", b"2", b"3", b"4", b"5"]
        assert len({record.partition for record in own}) == 1
        assert {dict(record.headers)["ce_organizationid"] for record in own} == {str(organization).encode()}


async def test_a_rolled_back_transaction_publishes_nothing_and_leaves_no_gap(core: Core) -> None:
    organization = uuid4()
    for user in ("kept", "lost", "kept too"):
        with pytest.raises(LookupError) if user == "lost" else nullcontext():
            async with core.outbox.together() as together:
                together.work(a_cause(organization)).publish(member_added(organization, user))
                if user == "lost":
                    await together.write_outbox()
                    raise LookupError
    async with relaying(core):
        records = await core.read(EVENTS, 2)
    assert [MemberAdded.model_validate_json(record.value).user_id for record in records] == ["kept", "kept too"]
    assert [dict(record.headers)["ce_sequence"] for record in records] == [b"1", b"2"]


async def test_two_transactions_on_one_key_are_published_in_the_order_of_their_commits(core: Core) -> None:
    organization = uuid4()
    opened, may_commit = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with core.outbox.work(a_cause(organization)) as work:
            work.publish(member_added(organization, "began first, writes its events last"))
            opened.set()
            await may_commit.wait()

    async def second() -> None:
        await opened.wait()
        async with core.outbox.work(a_cause(organization)) as work:
            work.publish(member_added(organization, "commits first"))

    async with relaying(core), asyncio.TaskGroup() as group:
        group.create_task(first())
        await group.create_task(second())
        may_commit.set()
        records = await core_read(core, 2)
    assert records == [("commits first", 1), ("began first, writes its events last", 2)]


async def test_a_relay_killed_between_send_and_commit_publishes_again_and_the_receiver_sees_one(core: Core, tmp_path: Path) -> None:
    organization = uuid4()
    async with core.outbox.work(a_cause(organization)) as work:
        work.publish(*(member_added(organization, str(number)) for number in range(50)))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RELAY_THAT_NEVER_COMMITS, core.dsn, str(core.kafka.options["bootstrap_servers"]), core.kafka.topic_prefix
    )
    await core.read(EVENTS, 50, within=30)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    async with relaying(core):
        assert len(await core.read(EVENTS, 100)) == 100
    await core.run({MemberAdded: noting(lambda message: message.user_id)}, [EVENTS], relay=False)
    await probe(lambda: has_effects(core, [str(number) for number in range(50)]), within=10)


async def test_a_standby_takes_over_when_the_first_relay_ends(core: Core) -> None:
    organization = uuid4()
    first, standby = Relay(core.outbox, core.kafka), Relay(core.outbox, core.kafka)
    tasks = [asyncio.create_task(first.run())]
    await probe(lambda: first.publishing, within=10)
    tasks.append(asyncio.create_task(standby.run()))
    try:
        async with core.outbox.work(a_cause(organization)) as work:
            work.publish(member_added(organization, "one"))
        await core.read(EVENTS, 1)
        assert not standby.publishing
        tasks[0].cancel()
        await probe(lambda: standby.publishing, within=10)
        async with core.outbox.work(a_cause(organization)) as work:
            work.publish(member_added(organization, "two"))
        assert await core_read(core, 2) == [("one", 1), ("two", 2)]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_relay_that_is_stopped_strikes_off_what_the_broker_has(core: Core) -> None:
    acknowledged, stopped = asyncio.Event(), asyncio.Event()

    class Held(Relay):
        async def _send(self, *batch: Any) -> Any:
            refused = await super()._send(*batch)
            acknowledged.set()
            await stopped.wait()
            return refused

    async with core.outbox.work(a_cause(uuid4())) as work:
        work.publish(member_added(uuid4(), "one"))
    relaying = asyncio.create_task(Held(core.outbox, core.kafka).run())
    await acknowledged.wait()
    relaying.cancel()
    await asyncio.sleep(0)  # the cancellation arrives
    stopped.set()
    await asyncio.wait({relaying})
    assert relaying.cancelled()
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.outbox") == 0


async def test_a_message_too_large_for_the_broker_is_set_aside_and_the_rest_goes_on(core: Core) -> None:
    organization = uuid4()
    async with core.outbox.work(a_cause(organization)) as work:
        work.publish(member_added(organization, "before"), an_oversize_event(organization), member_added(organization, "after"))
    async with relaying(core):
        assert await core_read(core, 2) == [("before", 1), ("after", 2)]
        await probe(lambda: core.pool.fetchval("SELECT error FROM eventing.outbox_refused"), within=20)
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.outbox") == 0


async def named_in(error: str | None, topic: str) -> bool:
    return topic in (error or "")


async def test_a_topic_that_is_missing_holds_up_no_other(core: Core) -> None:
    organization = uuid4()
    await delete_topics(str(core.kafka.options["bootstrap_servers"]), [core.kafka.topic_prefix + "sync-events"])
    async with core.outbox.work(a_cause(organization)) as work:
        work.publish(a_small_event(organization), member_added(organization, "goes on"))
    relay = Relay(core.outbox, core.kafka, avoid=1)
    task = asyncio.create_task(relay.run())
    try:
        assert await core_read(core, 1) == [("goes on", 1)]
        await probe(lambda: named_in(relay.last_error, "sync-events"), within=10)  # not while it tries again
        await create_topics(
            str(core.kafka.options["bootstrap_servers"]),
            [topic for topic in contracts.load() if topic.name == "sync-events"],
            prefix=core.kafka.topic_prefix,
            most_partitions=1,
        )
        await core.read("sync-events", 1, within=30)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_dead_letter_waits_for_its_topic_and_nothing_else_does(core: Core) -> None:
    organization, servers = uuid4(), str(core.kafka.options["bootstrap_servers"])
    await delete_topics(servers, [core.kafka.topic_prefix + "company-service-dlq"])
    await core.send_raw(EVENTS, b"somebody", b"not ours", [])
    await core.send(member_added(organization, "good"), sequence=1)
    await core.run({MemberAdded: noting(lambda message: message.user_id)}, [EVENTS], relay=False)
    task = asyncio.create_task(Relay(core.outbox, core.kafka, avoid=1).run())
    try:
        await probe(lambda: has_effects(core, ["good"]), within=10)
        await probe(lambda: core.pool.fetchval("SELECT topic = 'company-service-dlq' FROM eventing.outbox"), within=10)
        declared = [topic for topic in contracts.load() if topic.name == "company-service-dlq"]
        await create_topics(servers, declared, prefix=core.kafka.topic_prefix, most_partitions=1)
        (letter,) = await core.read("company-service-dlq", 1, within=30)
        assert (letter.key, letter.value) == (b"somebody", b"not ours")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class relaying:  # noqa: N801 - reads as a verb
    """A relay for the length of a block."""

    def __init__(self, core: Core) -> None:
        self._relay = Relay(core.outbox, core.kafka)

    async def __aenter__(self) -> Relay:
        self._task = asyncio.create_task(self._relay.run())
        return self._relay

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


_RELAY_THAT_NEVER_COMMITS = """
import asyncio, sys
import asyncpg
from eventing.kafka import KafkaAccess
from eventing.outbox import Outbox
from eventing.relay import Relay

class Stuck(Relay):
    async def _send(self, producer, rows):
        await super()._send(producer, rows)
        await asyncio.Event().wait()

async def main(dsn, kafka, prefix):
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=2)
    access = KafkaAccess(client_id="stuck", options={"bootstrap_servers": kafka}, topic_prefix=prefix)
    await Stuck(Outbox(pool, "/company-service"), access, send_timeout=300).run()

asyncio.run(main(*sys.argv[1:]))
"""


def an_oversize_event(organization: UUID) -> SyncProgressed:
    """Larger than its topic takes."""
    return SyncProgressed(
        company_id=uuid4(),
        organization_id=organization,
        data_set=DataSet.LEDGER_LINES,
        status=SyncStatus.RETRYING,
        period=None,
        rows=0,
        rows_expected=None,
        percent=None,
        requests=0,
        message="x" * 1_200_000,
    )


def a_small_event(organization: UUID) -> SyncNeedsAttention:
    return SyncNeedsAttention(
        company_id=uuid4(),
        organization_id=organization,
        data_set=DataSet.LEDGER_LINES,
        status=SyncStatus.NEEDS_ATTENTION,
        period=None,
        reason="test",
        message="x",
        hint="y",
    )


async def core_read(core: Core, count: int) -> list[tuple[str, int]]:
    records = await core.read(EVENTS, count)
    return [(MemberAdded.model_validate_json(record.value).user_id, int(dict(record.headers)["ce_sequence"])) for record in records]


async def has_effects(core: Core, wanted: list[str]) -> bool:
    found = await core.effects()
    assert found == wanted, found
    return True
