"""How far behind a member says it is."""

import asyncio
from typing import Any
from uuid import uuid4

from contracts.org import MemberAdded
from testkit.probe import probe

from .conftest import Core, member_added


async def test_lag_counts_what_is_not_committed_and_ends_with_it(core: Core) -> None:
    go_on = asyncio.Event()

    async def wait(message: MemberAdded, work: Any) -> None:
        await go_on.wait()

    member = await core.run({MemberAdded: wait}, ["org-events"])

    async def behind_is(count: int) -> bool:
        return sum((await member.consumer.lag()).values()) == count

    await probe(lambda: behind_is(0), within=30)
    for number in range(3):
        await core.send(member_added(uuid4(), f"user {number}"), sequence=1)
    await probe(lambda: behind_is(3), within=15)
    assert {topic for topic, _ in await member.consumer.lag()} == {"org-events"}
    go_on.set()

    await probe(lambda: behind_is(0), within=15)


async def test_lag_may_be_asked_for_while_a_member_joins(core: Core) -> None:
    async def unused(message: MemberAdded, work: Any) -> None: ...

    joining = asyncio.create_task(core.run({MemberAdded: unused}, ["org-events"]))
    asked = 0
    while not joining.done():
        await asyncio.sleep(0)
        for member in core.members:
            await member.consumer.lag()
            asked += 1
    await joining
    assert asked > 10
