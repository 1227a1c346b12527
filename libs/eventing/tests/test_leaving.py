"""A member that leaves ends everything it began, also when its group does not answer."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from contracts.org import MemberAdded
from testkit.probe import probe

from .conftest import SERVICE, Core, member_added, noting

pytestmark = pytest.mark.long

EVENTS = "org-events"


async def test_a_member_that_joins_again_beside_a_dead_one_leaves_nothing_running(core: Core) -> None:
    """The broker answers a join when all known members have joined, or the session of the dead one has ended, after 45 s."""
    member = await core.run({MemberAdded: noting(lambda message: message.user_id)}, [EVENTS], relay=False)
    consumer = member.consumer._subscriber.consumer
    await probe(lambda: len(consumer.assignment()) > 1, within=15)
    dead = another_member(core)
    await dead.start()
    await dies(dead)
    await core.send(member_added(uuid4(), "one"), sequence=1)
    third = another_member(core)
    joining = asyncio.create_task(third.start())
    await probe(lambda: consumer._coordinator._performed_join_prepare, within=15)
    await member.stop()  # the test's own guard looks for tasks
    joining.cancel()
    with suppress(asyncio.CancelledError, KafkaError):
        await joining
    await dies(third)


def another_member(core: Core) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        core.kafka.topic_prefix + EVENTS, **core.kafka.options, group_id=core.kafka.topic_prefix + SERVICE, session_timeout_ms=45_000
    )


async def dies(member: AIOKafkaConsumer) -> None:
    """Without a word to the group, as a killed process does."""
    coordinator = member._coordinator
    tasks = [task for task in (coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task) if task]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    member._closed = True
    await member._fetcher.close()
    await member._client.close()
