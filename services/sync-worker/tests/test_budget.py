"""Several workers under one budget, against a Visma that counts: nobody is ever refused, whoever dies."""

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from contracts.sync import SyncCompleted
from testkit.probe import probe

BAKERY, BUILDER, RESTAURANT = 7100001, 7100002, 7100003
MINUTE = timedelta(seconds=6)
LIMIT = 90


async def strict(bench: Any) -> None:
    bench.visma_settings = {"requests_per_minute": LIMIT, "minute": MINUTE, "page_size": 100}
    await bench.visma.limit(requests_per_minute=LIMIT, minute_ms=MINUTE.total_seconds() * 1000, per_client=True)


async def test_a_worker_killed_with_turns_in_hand_and_two_others_stay_within_the_limit(bench: Any) -> None:
    await strict(bench)
    companies = [await bench.create(number, months=3) for number in (BAKERY, BUILDER, RESTAURANT)]
    async with AsyncExitStack() as others:
        async with bench.process():
            await probe(lambda: _rows(bench), within=60, every=0.02)
            await bench.visma.latency(2000)  # however long they take to join, it is not done by then
            # They join beside it: behind a dead member a group waits until its session has expired.
            for joined in [await others.enter_async_context(bench.worker()) for _ in range(2)]:
                await joined()
            assert await bench.pool.fetchval("SELECT count(*) > 0 FROM sync.work_item WHERE status <> 'complete'")
        await bench.visma.latency(0)
        for company in companies:
            await bench.of(SyncCompleted, company, within=90)
    assert await bench.visma.refused() == 0


async def _rows(bench: Any) -> bool:
    return bool(await bench.pool.fetchval("SELECT count(*) FROM sync.ledger_line"))
