"""Workers that are killed, stopped, or work side by side: the end is that of one undisturbed worker."""

import asyncio
import dataclasses
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from contracts.accounting import AccountingData, LedgerLinesRetrieved
from contracts.company import Module
from contracts.sync import ConsistentCutVerified, PeriodVerified, SyncCompleted, SyncPlanned, SyncStarted
from eventing.outbox import Outbox
from local_stack.kafka import admin
from local_stack.ports import free_port
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.plan import Source
from sync_worker.store import work_items
from testkit.probe import probe
from testkit.proxy import Proxy

pytestmark = pytest.mark.long

BAKERY, BUILDER = 7100001, 7100002
SUMS = "GeneralLedgerTransactionGroups"
MODULES = [Module.PAYROLL, Module.VAT, Module.ASSETS]
TABLES = [*(dataset.landing for dataset in DATASETS.values()), "a07_report"]


@pytest.fixture(autouse=True)
def small_pages(bench: Any) -> None:
    """Several to each period, so that there is something between pages."""
    bench.visma_settings = {"page_size": 50}


async def landed(bench: Any, company_id: UUID) -> int:
    count: int = await bench.pool.fetchval("SELECT count(*) FROM sync.ledger_line WHERE company_id = $1", company_id)
    return count


async def more_than(bench: Any, company_id: UUID, before: int) -> bool:
    return await landed(bench, company_id) > before


async def test_killed_between_pages_it_goes_on_after_the_last_stored_one(bench: Any) -> None:
    async with bench.worker():
        undisturbed = await bench.create(BAKERY, modules=MODULES)
        await bench.of(SyncCompleted, undisturbed)
    await bench.visma.latency(30)
    killed = await bench.create(BAKERY, modules=MODULES)
    for _ in range(3):
        before = await landed(bench, killed)
        async with bench.process():
            await probe(lambda before=before: more_than(bench, killed, before), within=60, every=0.005)
    assert await bench.of(SyncCompleted, killed, count=0) == []
    await bench.visma.latency(0)
    async with bench.process() as last:
        [completed] = await bench.of(SyncCompleted, killed)
        last.terminate()
        assert await last.wait() == 0
    for table in TABLES:
        assert await bench.rows(table, killed) == await bench.rows(table, undisturbed), table
    [before] = await bench.of(SyncCompleted, undisturbed)
    assert completed.data_sets == before.data_sets
    for kind in (SyncStarted, SyncPlanned, SyncCompleted):
        assert len(numbered(bench, kind, killed)) == 1
    assert len(numbered(bench, PeriodVerified, killed)) == len(numbered(bench, PeriodVerified, undisturbed))
    assert published_lines(bench, killed) == published_lines(bench, undisturbed)
    assert set(published_lines(bench, killed).values()) == {1}


async def test_told_to_stop_while_its_group_waits_for_a_dead_member_it_does_not_wait(bench: Any) -> None:
    port = free_port()

    async def says(answer: str) -> bool:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as health:
            return answer in (await health.get("/readyz")).text

    async with bench.process("killed", HEALTH__PORT=str(port)):
        await probe(lambda: says('"ok":true,"phase":"running"'), within=30, despite=(httpx.HTTPError,))
    async with bench.process("late") as late:
        await probe(lambda: group_is(bench, "PreparingRebalance"), within=30)
        late.terminate()
        assert await asyncio.wait_for(late.wait(), 15) == 0


async def group_is(bench: Any, state: str) -> bool:
    async with admin(bench.topics.bootstrap_servers) as client:
        [described] = await client.describe_consumer_groups([bench.topics.prefix + "sync-worker"])
        return any(state in group for group in described.groups)


def numbered(bench: Any, kind: type[Any], company_id: UUID) -> dict[int, Any]:
    """Messages by their sequence: the same number twice is the same message delivered twice."""
    found = [each for each in bench.gateway.seen if isinstance(each.message, kind) and each.message.company_id == company_id]
    return {each.attributes.sequence: each.message for each in found}


def published_lines(bench: Any, company_id: UUID) -> Counter[tuple[int, int]]:
    events = numbered(bench, LedgerLinesRetrieved, company_id).values()
    return Counter((row.voucher_journal_no, row.audit_no) for event in events for row in event.rows)


async def test_stopped_and_started_again_it_asks_for_no_page_twice(bench: Any) -> None:
    await bench.visma.latency(20)
    company_id = await bench.create(BAKERY)
    async with bench.worker():
        await probe(lambda: more_than(bench, company_id, 0), within=20, every=0.005)
    interrupted = await bench.visma.operations(BAKERY)
    async with bench.worker():
        await bench.of(SyncCompleted, company_id)
        interrupted += await bench.visma.operations(BAKERY)
        again = await bench.create(BAKERY)
        await bench.of(SyncCompleted, again)
    whole = await bench.visma.operations(BAKERY)
    in_hand = bench.settings().retrieval.workers
    assert sum(interrupted.values()) <= sum(whole.values()) + in_hand


async def test_two_workers_share_the_work_without_doing_any_of_it_twice(bench: Any) -> None:
    async with bench.worker():
        alone = await bench.create(BAKERY)
        await bench.of(ConsistentCutVerified, alone)
    one = await bench.visma.operations(BAKERY)
    async with bench.worker(workers=3), bench.worker(workers=3):
        shared = await bench.create(BAKERY)
        await bench.of(ConsistentCutVerified, shared)
    two = await bench.visma.operations(BAKERY)
    del one[SUMS], two[SUMS]  # how many periods one question proves is decided by time
    assert one == two
    assert len(numbered(bench, PeriodVerified, shared)) == len(numbered(bench, PeriodVerified, alone)) > 1
    for table in TABLES:
        assert await bench.rows(table, shared) == await bench.rows(table, alone), table
    assert len(numbered(bench, SyncCompleted, shared)) == 1


async def test_it_goes_on_by_itself_when_postgresql_was_away(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    await bench.visma.latency(20)
    log: list[str] = []

    def noticed() -> bool:
        log.append(capsys.readouterr().out)
        return "workers.queue_away" in "".join(log)

    port = urlsplit(bench.dsn).port
    assert port is not None
    async with Proxy(port) as proxy:
        behind = dataclasses.replace(bench, dsn=bench.dsn.replace(f":{port}/", f":{proxy.port}/"))
        async with behind.worker():
            company_id = await bench.create(BAKERY)
            await probe(lambda: more_than(bench, company_id, 0), within=20)
            await proxy.refuse()
            await probe(noticed, within=20)
            await proxy.restore()
            await bench.of(SyncCompleted, company_id)
    assert set(published_lines(bench, company_id).values()) == {1}


async def test_a_small_company_does_not_wait_behind_a_large_one(bench: Any) -> None:
    await bench.visma.latency(30)
    async with bench.worker(workers=2):
        large = await bench.create(BAKERY, months=20)
        await probe(lambda: more_than(bench, large, 0), within=20)
        small = await bench.create(BUILDER, months=0)
        await bench.of(SyncCompleted, small)
    assert await bench.of(SyncCompleted, large, count=0) == []


async def test_many_claims_at_once_give_every_item_to_one(bench: Any) -> None:
    async with bench.worker():
        company_id = await bench.create(BAKERY)
        await bench.of(ConsistentCutVerified, company_id)
    await bench.pool.execute("UPDATE sync.work_item SET status = 'queued'")
    await bench.pool.execute("INSERT INTO sync.turn (source, company_id) VALUES ('visma', $1)", company_id)
    items = await bench.pool.fetchval("SELECT count(*) FROM sync.work_item")
    outbox = Outbox(bench.pool, "/sync-worker")
    claimed: list[int] = []
    while len(claimed) < items:
        claims = await asyncio.gather(*(work_items.claim(outbox, Source.VISMA, timedelta(seconds=30), most=100) for _ in range(10)))
        claimed += [item.id for item in claims if item is not None]
    assert len(set(claimed)) == len(claimed) == items
    assert await work_items.claim(outbox, Source.VISMA, timedelta(seconds=30), most=100) is None


async def test_a_lost_lease_is_taken_up_and_the_late_answer_changes_nothing(bench: Any) -> None:
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        await bench.of(ConsistentCutVerified, company_id)
    await bench.pool.execute("UPDATE sync.work_item SET status = 'queued' WHERE data_set = 'customers'")
    await bench.pool.execute("INSERT INTO sync.turn (source, company_id) VALUES ('visma', $1)", company_id)
    outbox = Outbox(bench.pool, "/sync-worker")
    stalled = await work_items.claim(outbox, Source.VISMA, timedelta(0), most=100)
    taken_up = await work_items.claim(outbox, Source.VISMA, timedelta(seconds=30), most=100)
    assert stalled is not None
    assert taken_up is not None
    assert stalled.id == taken_up.id
    async with outbox.work(taken_up.cause) as work:
        await work_items.hold(work, taken_up)
    try:
        async with outbox.work(stalled.cause) as work:
            await work_items.hold(work, stalled)
    except work_items.LeaseLost:
        return
    raise AssertionError("the stalled holder was let in")


async def test_the_chain_leads_from_the_company_to_the_last_page(bench: Any) -> None:
    async with bench.worker():
        company_id = await bench.create(BUILDER, modules=MODULES)
        await bench.of(SyncCompleted, company_id)
    [created] = [each for each in bench.gateway.seen if type(each.message).__name__ == "CompanyCreated"]
    ours = [each for each in bench.gateway.seen if each.attributes.source == "/sync-worker"]
    assert {type(each.message) for each in ours} >= {SyncCompleted, LedgerLinesRetrieved}
    assert {each.attributes.correlationid for each in ours} == {created.attributes.correlationid}
    assert {each.attributes.causationid for each in ours} == {created.attributes.id}
    data = [each for each in ours if isinstance(each.message, AccountingData)]
    assert [each.attributes.sequence for each in data] == list(range(1, len(data) + 1))
