"""A number missing in a subject's events is written down beside the effect of the event that came instead."""

from typing import Any
from uuid import uuid4

from contracts.org import MemberAdded
from eventing import metrics
from eventing.errors import Transient
from testkit.probe import probe

from .conftest import Core, member_added, noting

EVENTS = "org-events"
NOTE = noting(lambda message: message.user_id)


async def test_a_gap_says_what_is_missing_and_what_came_instead(core: Core) -> None:
    organization = uuid4()
    await core.send(member_added(organization, "first"), sequence=1)
    came_instead = await core.send(member_added(organization, "fifth"), sequence=5)
    await core.run({MemberAdded: NOTE}, [EVENTS])
    gap = await probe(lambda: core.pool.fetchrow("SELECT * FROM eventing.gap"), within=10)
    assert (gap["kind"], gap["source"], gap["topic"], gap["subject"]) == ("missing", "/org-service", EVENTS, str(organization))
    assert (gap["after_sequence"], gap["next_sequence"], gap["closed_at"]) == (1, 5, None)
    assert gap["place"] == f"{EVENTS}/{came_instead.partition}/{came_instead.offset}"


async def test_missing_numbers_that_come_after_all_have_no_effect_and_leave_the_gap_open(core: Core) -> None:
    organization = uuid4()
    for number in (1, 4, 2, 3, 5):
        await core.send(member_added(organization, str(number)), sequence=number)
    await core.run({MemberAdded: NOTE}, [EVENTS])
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 3 FROM effect"), within=10)
    assert await core.effects() == ["1", "4", "5"]
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.gap WHERE closed_at IS NULL") == 1


async def test_a_gap_is_counted_once_however_often_the_handler_fails(core: Core) -> None:
    attempts: list[str] = []

    async def handle(message: MemberAdded, work: Any) -> None:
        attempts.append(message.user_id)
        if len(attempts) < 3:
            raise Transient("not now")
        await NOTE(message, work)

    counter = metrics.GAPS.labels(EVENTS)._value
    before = counter.get()
    await core.send(member_added(uuid4(), "third"), sequence=3)
    await core.run({MemberAdded: handle}, [EVENTS])
    await probe(lambda: core.pool.fetchval("SELECT count(*) = 1 FROM effect"), within=10)
    assert await core.pool.fetchval("SELECT array_agg(next_sequence - after_sequence) FROM eventing.gap") == [3]
    assert counter.get() - before == 1
