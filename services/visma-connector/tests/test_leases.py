"""One connection, one probe at a time, whatever happens to the process that runs it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventing.outbox import Outbox
from eventing.work import Cause
from testkit.probe import probe
from visma_connector.domain.finding import Finding
from visma_connector.probing import Probing
from visma_connector.settings import ProbeSettings
from visma_connector.store import connections
from visma_nxt import VismaClient

ORGANIZATION = UUID("0b1e7e0e-5d5c-4f3a-9a55-6a0d3b5f0c11")


def settings(**changes: Any) -> ProbeSettings:
    return ProbeSettings.model_validate({"lease": 60} | changes)


def probing(outbox: Outbox, client: VismaClient, **changes: Any) -> Probing:
    return Probing(outbox, client, settings(**changes), client_key="isv_accountflow")


def cause(correlation_id: str = "registration") -> Cause:
    return Cause(organization_id=ORGANIZATION, correlation_id=correlation_id, causation_id=correlation_id)


async def registered(outbox: Outbox, *visma_customer_ids: int) -> None:
    async with outbox.work(cause()) as work:
        await connections.begin(work, visma_customer_ids)


async def claim(outbox: Outbox, lease: timedelta = timedelta(seconds=60)) -> connections.Claim | None:
    return await connections.claim(outbox.pool, now=outbox.clock(), lease=lease)


async def published(outbox: Outbox) -> int:
    return int(await outbox.pool.fetchval("SELECT count(*) FROM eventing.outbox"))


async def is_leased(outbox: Outbox) -> bool:
    return bool(await outbox.pool.fetchval("SELECT lease_token IS NOT NULL FROM connector.connection"))


async def test_a_probe_whose_process_died_is_taken_over_when_its_lease_ran_out(outbox: Outbox, client: VismaClient) -> None:
    now = datetime.now(UTC)
    outbox.clock = lambda: now
    await registered(outbox, 12345)
    lost = await claim(outbox)  # and never heard of again
    assert lost is not None
    other = probing(outbox, client)
    assert not await other.probe_next(), "the lease holds"

    now += timedelta(seconds=61)
    assert await other.probe_next()
    told = await published(outbox)
    assert told == 2

    assert await other.conclude(lost, Finding(None)) == "late"
    assert await published(outbox) == told


async def test_a_slow_answer_keeps_its_lease(outbox: Outbox, client: VismaClient, visma: Any) -> None:
    await registered(outbox, 12345)
    await visma.fault("delay", ms=4500)
    slow = asyncio.create_task(probing(outbox, client, lease=1.5).probe_next())
    await probe(lambda: is_leased(outbox), within=10)
    second = probing(outbox, client, lease=1.5)
    while not slow.done():
        assert not await second.probe_next(), "the same ID is probed twice at a time"
        await asyncio.wait({slow}, timeout=0.02)
    assert await slow
    assert await visma.asked() == 1


async def test_many_processes_share_the_work_without_overlap(outbox: Outbox) -> None:
    ids = list(range(1, 31))
    await registered(outbox, *ids)

    async def worker() -> list[int]:
        mine = []
        while (claimed := await claim(outbox)) is not None:
            mine.append(claimed.visma_customer_id)
        return mine

    claimed = await asyncio.gather(*(worker() for _ in range(8)))
    assert sorted(number for mine in claimed for number in mine) == ids


async def test_who_asks_during_a_probe_gets_a_probe_of_their_own(outbox: Outbox, client: VismaClient) -> None:
    await registered(outbox, 12345)
    first = await claim(outbox)
    assert first is not None
    async with outbox.work(cause("refresh")) as work:
        assert await connections.ask(work, None) == [12345]
    assert await claim(outbox) is None, "one probe at a time"
    await probing(outbox, client).conclude(first, Finding(None))

    second = await claim(outbox)
    assert second is not None
    assert (second.asked, second.cause.correlation_id) == (True, "refresh")


async def test_somebody_who_waits_goes_first(outbox: Outbox) -> None:
    now = datetime.now(UTC)
    outbox.clock = lambda: now
    await registered(outbox, 12345, 67890)
    async with outbox.work(cause()) as work:
        await work.connection.execute("UPDATE connector.connection SET answered = asks, due_at = due_at - interval '1 hour'")
        await connections.ask(work, 67890)
    first = await claim(outbox)
    assert first is not None
    assert first.visma_customer_id == 67890


async def test_a_probe_that_is_cancelled_gives_its_lease_back(outbox: Outbox, client: VismaClient, visma: Any) -> None:
    await registered(outbox, 12345)
    await visma.fault("delay", ms=800)
    stopped = asyncio.create_task(probing(outbox, client).probe_next())
    await probe(lambda: is_leased(outbox), within=10)
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    assert await claim(outbox) is not None


async def test_an_answer_for_an_id_that_was_given_up_is_dropped(outbox: Outbox, client: VismaClient) -> None:
    await registered(outbox, 12345)
    claimed = await claim(outbox)
    assert claimed is not None
    async with outbox.work(cause()) as work:
        await connections.end(work, [12345])
    assert await probing(outbox, client).conclude(claimed, Finding(None)) == "late"


async def test_another_organisation_may_take_the_id_before_the_first_has_ended(outbox: Outbox) -> None:
    await registered(outbox, 12345)
    other = Cause(organization_id=uuid4(), correlation_id="other", causation_id=None)
    async with outbox.work(other) as work:
        await connections.begin(work, [12345])
    async with outbox.work(cause()) as work:
        assert len(await connections.end(work, [12345])) == 1
    left = await claim(outbox)
    assert left is not None
    assert left.organization_id == other.organization_id
