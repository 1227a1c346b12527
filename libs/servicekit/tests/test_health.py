import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge

from servicekit.clock import SettableClock
from servicekit.health import Health, NotWell
from servicekit.metrics import REGISTRY
from servicekit.settings import HealthSettings

pytestmark = pytest.mark.servers


async def well() -> None: ...


async def answer_of(health: Health, path: str) -> tuple[int, dict[str, object]]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(health.app), base_url="http://health") as client:
        response = await client.get(path)
        return response.status_code, response.json()


@pytest.fixture
def health() -> Health:
    return Health(clock=SettableClock(datetime(2026, 1, 1, tzinfo=UTC)), registry=CollectorRegistry())


async def test_not_ready_while_starting_and_says_what_it_waits_for(health):
    health.starting("waiting for PostgreSQL at db:5432")
    status, body = await answer_of(health, "/readyz")
    assert (status, body["phase"]) == (503, "waiting for PostgreSQL at db:5432")
    assert (await answer_of(health, "/livez"))[0] == 200


async def test_ready_when_started_and_every_check_passes(health):
    health.register("postgres", well)
    health.started()
    assert await answer_of(health, "/readyz") == (200, {"ok": True, "phase": "running", "checks": {"postgres": {"ok": True}}})


async def test_a_check_registered_while_checks_are_asked_is_asked_the_next_time(health):
    async def starts() -> None:
        health.register("consumer", well)

    health.register("postgres", starts)
    health.started()
    _, body = await answer_of(health, "/readyz")
    assert body["checks"] == {"postgres": {"ok": True}}
    _, body = await answer_of(health, "/readyz")
    assert body["checks"] == {"postgres": {"ok": True}, "consumer": {"ok": True}}


async def test_one_failing_check_makes_it_unready_and_leaves_it_alive(health):
    async def lagging() -> None:
        raise NotWell("no partition assigned")

    health.register("postgres", well)
    health.register("consumer", lagging)
    health.started()
    status, body = await answer_of(health, "/readyz")
    assert status == 503
    assert body["checks"] == {"postgres": {"ok": True}, "consumer": {"ok": False, "why": "no partition assigned"}}
    assert (await answer_of(health, "/livez"))[0] == 200


async def test_failure_of_a_check_shows_no_secret(health):
    async def broken() -> None:
        raise ConnectionError("cannot reach postgresql://org:s3cr3t-V4lue@db/org")

    health.register("postgres", broken)
    health.started()
    _, body = await answer_of(health, "/readyz")
    assert body["checks"] == {"postgres": {"ok": False, "why": "ConnectionError: cannot reach postgresql://org:***@db/org"}}


async def test_check_that_hangs_fails(health, monkeypatch):
    monkeypatch.setattr("servicekit.health.CHECK_SECONDS", 0.05)
    health.register("kafka", asyncio.Event().wait)
    health.started()
    _, body = await answer_of(health, "/readyz")
    assert body["checks"] == {"kafka": {"ok": False, "why": "no answer within 0.05 s"}}


async def test_not_ready_while_stopping(health):
    health.started()
    health.stopping()
    status, body = await answer_of(health, "/readyz")
    assert (status, body["phase"]) == (503, "stopping")


async def test_failed_liveness_check_asks_for_a_restart(health):
    async def stuck() -> None:
        raise NotWell("no progress for 10 minutes")

    health.register_liveness("consumer", stuck)
    status, body = await answer_of(health, "/livez")
    assert status == 503
    assert body["checks"] == {"consumer": {"ok": False, "why": "no progress for 10 minutes"}}


@pytest.fixture
async def served(health) -> AsyncIterator[tuple[Health, httpx.AsyncClient]]:
    async with health.serve(HealthSettings()) as url, httpx.AsyncClient(base_url=url) as client:
        yield health, client


async def test_stopped_loop_is_not_alive_until_it_turns_again(served):
    health, client = served
    await client.get("/livez")  # after the first tick
    health._clock.advance(60)
    assert (await client.get("/livez")).status_code == 503
    async with asyncio.timeout(5):
        while (await client.get("/livez")).status_code != 200:
            continue


@pytest.mark.parametrize("path", ["/livez", "/livez/", "/readyz", "/readyz/", "/metrics", "/metrics/", "/nowhere", "/"])
async def test_paths_are_found_with_and_without_a_slash(served, path):
    health, client = served
    health.started()
    assert (await client.get(path)).status_code == (200 if path.strip("/") in ("livez", "readyz", "metrics") else 404)


async def test_metrics_come_from_the_given_registry():
    registry = CollectorRegistry()
    Gauge("rows_landed", "Rows landed.", registry=registry).set(12)
    async with Health(registry=registry).serve(HealthSettings()) as url, httpx.AsyncClient() as client:
        assert "rows_landed 12.0" in (await client.get(f"{url}/metrics")).text


async def test_process_metrics_say_what_a_rise_means():
    async with Health().serve(HealthSettings()) as url, httpx.AsyncClient() as client:
        text = (await client.get(f"{url}/metrics")).text
    assert "process_resident_memory_bytes" in text
    ours = [line for line in text.splitlines() if line.startswith("# HELP") and "event_loop" in line]
    assert len(ours) == 1
    assert "A rise means: " in ours[0]
    assert REGISTRY.get_sample_value("event_loop_lag_seconds") is not None


async def test_port_is_free_again_after_the_block():
    async with Health().serve(HealthSettings()) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with Health().serve(HealthSettings(port=port)):
                pass
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_open_connection_does_not_hold_up_the_end():
    async with httpx.AsyncClient() as client, asyncio.timeout(2), Health().serve(HealthSettings()) as url:
        await client.get(f"{url}/livez")


async def test_ipv6():
    async with Health().serve(HealthSettings(host="::1")) as url, httpx.AsyncClient() as client:
        assert url.startswith("http://[::1]:")
        assert (await client.get(f"{url}/livez")).status_code == 200


async def test_error_of_the_service_passes_through_unwrapped():
    with pytest.raises(LookupError):
        async with Health().serve(HealthSettings()):
            raise LookupError
