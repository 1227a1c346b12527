"""servers killed or away, members coming and going

Run it by `make certify`. The system has servers of its own; no proxy stands between, they really die.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from local_stack.child import Child
from local_stack.kafka import KafkaServer
from local_stack.ports import free_port
from local_stack.postgres import PostgresServer
from local_stack.throwaway import throwaway_folder
from testkit.probe import probe

from ..conftest import running
from .certificate import Certificate, Entry
from .conftest import Certifier, certifying
from .databases import SERVICES
from .walk import Walk

pytestmark = [pytest.mark.background, pytest.mark.timeout(900)]

AWAY_SECONDS = 120
MEMORY_BYTES = 24 * 2**20
"""By how much a service may grow while a server is away."""


@dataclass(frozen=True)
class Own:
    kafka: KafkaServer
    postgres: PostgresServer
    certifier: Certifier


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[Own]:
    with throwaway_folder() as folder:
        kafka = KafkaServer(folder / "kafka", folder / "kafka.log", short_lived=True)
        postgres = PostgresServer(folder / "postgres", folder / "postgres.log", durable=False)
        try:
            await asyncio.gather(kafka.start(), postgres.start())
            async with certifying(partial(running, kafka.administrator, postgres.address)) as certifier:
                yield Own(kafka, postgres, certifier)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())


@pytest.mark.parametrize("server", ["postgres", "kafka"])
async def test_a_server_killed(own: Own, certificate: Certificate, server: str) -> None:
    victim: KafkaServer | PostgresServer = getattr(own, server)
    kills = 0

    async def kill(walk: Walk) -> None:
        nonlocal kills
        for topic in ("org-events", "accounting-data"):
            await own.certifier.seen(walk, topic)
            victim.kill()
            kills += 1
            await victim.start(within=240)

    verdict = await own.certifier.struck(kill, patience=120)
    certificate.add(Entry("SIGKILL", server, kills, verdict))
    assert verdict.clean, verdict
    assert kills == 2


async def test_services_told_to_stop_in_the_middle(own: Own, certificate: Certificate) -> None:
    stops = 0

    async def stop_one_after_the_other(walk: Walk) -> None:
        nonlocal stops
        for service in itertools.cycle(SERVICES):
            process = own.certifier.process(service)
            await process.stop()
            assert process.status == 0, f"{service} ended with {process.status}"
            process.start()
            stops += 1
            await _ready(own.certifier, service)

    verdict = await own.certifier.struck(stop_one_after_the_other, patience=120)
    certificate.add(Entry("SIGTERM", "all four", stops, verdict))
    assert verdict.clean, verdict
    assert stops >= len(SERVICES)


async def test_members_joining_and_leaving_all_the_time(own: Own, certificate: Certificate, tmp_path: Path) -> None:
    joined = 0

    async def come_and_go(walk: Walk) -> None:
        async with asyncio.TaskGroup() as group:
            for service in SERVICES:
                group.create_task(pass_by(service))

    async def pass_by(service: str) -> None:
        nonlocal joined
        while True:
            async with another(own.certifier.process(service), tmp_path) as url:
                await probe(lambda url=url: _answers(url), within=120, every=0.2)
                joined += 1

    verdict = await own.certifier.struck(come_and_go, patience=180)
    certificate.add(Entry("joining and leaving", "all four", joined, verdict))
    assert verdict.clean, verdict
    assert joined >= len(SERVICES)


@pytest.mark.parametrize("server", ["postgres", "kafka", "visma-simulator", "skatteetaten-simulator"])
async def test_two_minutes_without_a_server(own: Own, certificate: Certificate, server: str) -> None:
    before = {service: own.certifier.process(service).memory() for service in SERVICES}
    grown = dict.fromkeys(SERVICES, 0)
    returned = asyncio.Event()

    async def take_away(walk: Walk) -> None:
        await own.certifier.seen(walk, "sync-events")
        leave, come_back = _ways(own, server)
        leave()
        for _ in range(AWAY_SECONDS):
            await asyncio.sleep(1)
            for service in SERVICES:
                grown[service] = max(grown[service], own.certifier.process(service).memory() - before[service])
        await come_back()
        returned.set()
        await asyncio.Event().wait()

    verdict = await own.certifier.struck(take_away, patience=AWAY_SECONDS + 180)
    note = f"memory {', '.join(f'{bytes_ / 2**20:+.0f}' for bytes_ in grown.values())} MB"
    certificate.add(Entry(f"away for {AWAY_SECONDS} s", server, int(returned.is_set()), verdict, note))
    assert verdict.clean, verdict
    assert returned.is_set()
    assert max(grown.values()) < MEMORY_BYTES, grown


def _ways(own: Own, server: str) -> tuple[Callable[[], None], Callable[[], object]]:
    """How a server goes away and comes back: ours die, the outside world falls silent."""
    if server in ("postgres", "kafka"):
        victim: KafkaServer | PostgresServer = getattr(own, server)
        return victim.kill, partial(victim.start, within=240)
    process = psutil.Process(own.certifier.process(server).pid)

    async def speak() -> None:
        process.resume()

    return process.suspend, speak


@asynccontextmanager
async def another(of: Child, folder: Path) -> AsyncIterator[str]:
    """A second member of a service, under no name of its own, so that it leaves the group when it is stopped; gives where it says ready."""
    port = free_port()
    environment = {name: value for name, value in of.environment.items() if name != "KAFKA__GROUP_INSTANCE_ID"} | {
        "HEALTH__PORT": str(port),
        "WEBHOOK__PORT": "0",
    }
    member = replace(of, log=folder / f"{of.name}.log", pid_file=folder / f"{of.name}.pid", environment=environment)
    member.start()
    try:
        yield f"http://127.0.0.1:{port}/readyz"
    finally:
        await member.stop()


async def _ready(certifier: Certifier, service: str) -> None:
    url = next(part.ready_url for part in certifier.system.stack.parts if part.name == service)
    await probe(lambda: _answers(url), within=120, every=0.1)


async def _answers(url: str | None) -> bool:
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(str(url))).is_success
    except httpx.HTTPError:
        return False
