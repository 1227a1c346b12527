import asyncio
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from servicekit.clock import SettableClock
from servicekit.health import Health
from servicekit.metrics import REGISTRY
from servicekit.waiting import GaveUpError, wait_for
from testkit.patience import patient

pytestmark = pytest.mark.servers


class Server:
    """Refuses until it is up."""

    def __init__(self) -> None:
        self.up = False
        self.asked = 0

    async def greet(self) -> str:
        self.asked += 1
        if not self.up:
            raise ConnectionRefusedError("connection refused, password=s3cr3t")
        return "hello"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(datetime(2026, 1, 1, tzinfo=UTC))


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not reached():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def pass_time(clock: SettableClock, seconds: float) -> None:
    for _ in range(round(seconds * 10)):
        clock.advance(0.1)
        await until(lambda: clock.sleepers == 1)


async def test_gives_the_result_of_the_first_success_and_says_nothing(clock):
    server = Server()
    server.up = True
    with capture_logs() as lines:
        assert await wait_for("Kafka at k:9092", server.greet, health=Health(clock=clock), clock=clock) == "hello"
    assert [line["event"] for line in lines] == ["start.found"]


async def test_says_it_once_and_again_every_ten_seconds(clock):
    server = Server()
    health = Health(clock=clock)
    with capture_logs() as lines:
        waiting = asyncio.create_task(wait_for("PostgreSQL at db:5432", server.greet, health=health, clock=clock))
        await until(lambda: clock.sleepers == 1)
        await pass_time(clock, 25)
        asked = server.asked
        server.up = True
        clock.advance(2)
        assert await waiting == "hello"
    assert [line["event"] for line in lines] == ["start.waiting"] * 3 + ["start.found"]
    assert lines[0]["why"] == "connection refused, password=***"
    assert lines[-1]["waited_seconds"] == pytest.approx(27, abs=0.1)
    assert 12 <= asked <= 20
    assert REGISTRY.get_sample_value("start_wait_seconds", {"server": "PostgreSQL at db:5432"}) == pytest.approx(27, abs=0.1)


async def test_readiness_names_what_is_waited_for(clock):
    health = Health(clock=clock)
    waiting = asyncio.create_task(wait_for("PostgreSQL at db:5432", Server().greet, health=health, clock=clock))
    await until(lambda: clock.sleepers == 1)
    _, body = await health._ready()
    assert body["phase"] == "waiting for PostgreSQL at db:5432: connection refused, password=***"
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_gives_up_when_told_to(clock):
    waiting = asyncio.create_task(wait_for("Kafka at k:9092", Server().greet, health=Health(clock=clock), clock=clock, give_up_seconds=5))
    await until(lambda: clock.sleepers == 1)
    while not waiting.done():
        clock.advance(2)
        await until(lambda: clock.sleepers == 1 or waiting.done())
    with pytest.raises(GaveUpError, match="waiting for Kafka at k:9092: connection refused"):
        await waiting


async def test_attempt_that_hangs_is_a_failed_attempt(clock):
    attempts = 0

    async def hang_once() -> int:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await asyncio.Event().wait()
        return attempts

    waiting = asyncio.create_task(wait_for("Kafka at k:9092", hang_once, health=Health(clock=clock), clock=clock, attempt_seconds=0.02))
    await until(lambda: clock.sleepers == 1)
    clock.advance(1)
    assert await waiting == 2


async def test_defect_in_the_attempt_is_raised(clock):
    async def defective() -> None:
        raise TypeError("wrong argument")

    with pytest.raises(TypeError):
        await wait_for("Kafka at k:9092", defective, health=Health(clock=clock), clock=clock)


PROGRAM = """
import asyncio, signal
from servicekit.health import Health
from servicekit.kafka import wait_for_kafka
from servicekit.settings import KafkaSettings

async def main():
    waiting = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, waiting.cancel)
    try:
        await wait_for_kafka(KafkaSettings(bootstrap_servers="127.0.0.1:1"), health=Health())
    except asyncio.CancelledError:
        print("stopped in order")

asyncio.run(main())
"""


async def test_terminated_while_waiting_ends_at_once():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(patient(20)):
        assert b"start.waiting" in await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(1.5):
        rest, _ = await process.communicate()
    assert (process.returncode, rest) == (0, b"stopped in order\n")
