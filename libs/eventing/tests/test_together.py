"""Records that share a transaction: all of them, or none and then without the one that failed."""

from collections import Counter
from typing import Any
from uuid import uuid4

from contracts.org import MemberAdded
from eventing.errors import Transient
from testkit.probe import probe

from .conftest import Core, member_added, noting

EVENTS = "org-events"
NOTE = noting(lambda message: message.user_id)
KEYS = 60


async def test_records_of_many_keys_share_a_few_transactions(core: Core) -> None:
    await send_one_of_each_key(core)
    await core.run({MemberAdded: NOTE}, [EVENTS])
    await probe(lambda: are_handled(core, KEYS), within=15)
    # xmin: the transaction that wrote the row
    assert await core.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM effect") <= KEYS / 3


async def test_one_that_fails_among_many_is_tried_and_parked_alone(core: Core) -> None:
    attempts = Counter[str]()

    async def handle(message: MemberAdded, work: Any) -> None:
        attempts[message.user_id] += 1
        await NOTE(message, work)
        if message.user_id == "30":
            raise Transient("not now")

    await send_one_of_each_key(core)
    await core.run({MemberAdded: handle}, [EVENTS])
    await probe(lambda: are_handled(core, KEYS - 1), within=15)
    assert "30" not in await core.effects()
    assert Counter(await core.effects()).most_common(1)[0][1] == 1
    assert await core.pool.fetchval("SELECT count(*) FROM eventing.parked") == 1
    assert max(count for user, count in attempts.items() if user != "30") <= 2


async def test_a_commit_that_fails_costs_its_neighbours_nothing(core: Core) -> None:
    await core.pool.execute("CREATE TABLE once (what text, UNIQUE (what) DEFERRABLE INITIALLY DEFERRED)")
    await core.pool.execute("INSERT INTO once VALUES ('17')")

    async def handle(message: MemberAdded, work: Any) -> None:
        await work.connection.execute("INSERT INTO once VALUES ($1)", message.user_id)  # fails for 17, and not before the commit
        await NOTE(message, work)

    await send_one_of_each_key(core)
    await core.run({MemberAdded: handle}, [EVENTS])
    await probe(lambda: are_handled(core, KEYS - 1), within=15)
    assert sorted(map(int, await core.effects())) == [number for number in range(KEYS) if number != 17]
    assert '"17"' in await core.pool.fetchval("SELECT convert_from(value, 'UTF8') FROM eventing.parked")


async def send_one_of_each_key(core: Core) -> None:
    for number in range(KEYS):
        await core.send(member_added(uuid4(), str(number)), sequence=1)


async def are_handled(core: Core, count: int) -> bool:
    seen = await core.effects()
    assert len(seen) >= count, seen
    return True
