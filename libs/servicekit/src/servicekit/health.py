"""`/livez`, `/readyz` and `/metrics`, answered by a small server inside the service's own event loop.

- `/livez` is 200 while the loop turns and no liveness check fails; a container platform restarts the service otherwise.
  It asks nothing of Kafka or PostgreSQL: restarting us does not bring them back.
- `/readyz` is 200 once the start is over and every check passes. It names each check and why it fails.
- `/metrics` is Prometheus' text format.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, make_asgi_app

from servicekit.clock import Clock, SystemClock
from servicekit.http import answer, served
from servicekit.metrics import EVENT_LOOP_LAG, REGISTRY
from servicekit.redaction import redact_text
from servicekit.settings import HealthSettings

Check = Callable[[], Awaitable[object]]
"""Returns when all is well, raises when not: `NotWell("why")`, or whatever error the thing it asked gave."""

_log = structlog.get_logger(__name__)

CHECK_SECONDS = 2.0
TICK_SECONDS = 0.5
OLDEST_TICK_SECONDS = 15.0


class NotWell(Exception):
    """What a check raises to say no; its text is shown as it stands."""


class Health:
    """What the service knows about its own state. Make one, register checks as parts come up, `serve` it."""

    def __init__(self, *, clock: Clock | None = None, registry: CollectorRegistry = REGISTRY) -> None:
        self._clock = clock or SystemClock()
        self._metrics = make_asgi_app(registry)
        self._readiness: dict[str, Check] = {}
        self._liveness: dict[str, Check] = {}
        self._last_tick: float | None = None
        self._phase: str | None = "starting"

    def register(self, name: str, check: Check) -> None:
        """Make the service ready only while this check passes."""
        self._readiness[name] = check

    def register_liveness(self, name: str, check: Check) -> None:
        """Have the service restarted when this check fails; only for what a restart repairs."""
        self._liveness[name] = check

    def starting(self, why: str) -> None:
        """Not ready, and this is what the start is doing ("waiting for PostgreSQL at db:5432")."""
        self._phase = why

    def started(self) -> None:
        """The start is over; from here on the checks alone decide."""
        self._phase = None

    def stopping(self) -> None:
        """Not ready any more: take no new work while what is in hand is finished."""
        self._phase = "stopping"

    @contextlib.asynccontextmanager
    async def serve(self, settings: HealthSettings) -> AsyncIterator[str]:
        """Answer until the block is left. Gives the base URL with the real port, which is logged as well."""
        ticking = asyncio.create_task(self._tick(), name="health-tick")
        try:
            async with served(self.app, settings.host, settings.port, name="health") as url:
                _log.info("health.serving", url=url, paths=["/livez", "/readyz", "/metrics"])
                yield url
        finally:
            ticking.cancel()

    async def app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The ASGI application behind `serve`."""
        match scope["path"].rstrip("/"):
            case "/livez":
                await answer(send, *await self._live())
            case "/readyz":
                await answer(send, *await self._ready())
            case "/metrics":
                await self._metrics(scope, receive, send)
            case _:
                await answer(send, 404, {"error": "not found", "paths": ["/livez", "/readyz", "/metrics"]})

    async def _live(self) -> tuple[int, dict[str, object]]:
        checks = await _run(self._liveness)
        age = 0.0 if self._last_tick is None else self._clock.monotonic() - self._last_tick
        ok = age <= OLDEST_TICK_SECONDS and all(check["ok"] for check in checks.values())
        return (200 if ok else 503), {"ok": ok, "loop_tick_age_seconds": round(age, 3), "checks": checks}

    async def _ready(self) -> tuple[int, dict[str, object]]:
        checks = await _run(self._readiness)
        ok = self._phase is None and all(check["ok"] for check in checks.values())
        return (200 if ok else 503), {"ok": ok, "phase": redact_text(self._phase or "running"), "checks": checks}

    async def _tick(self) -> None:
        while True:
            before = self._last_tick = self._clock.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            EVENT_LOOP_LAG.set(max(0.0, self._clock.monotonic() - before - TICK_SECONDS))


async def _run(checks: dict[str, Check]) -> dict[str, dict[str, object]]:
    asked = dict(checks)  # a service that starts may register more while these are asked
    results = await asyncio.gather(*(_outcome(check) for check in asked.values()))
    return dict(zip(asked, results, strict=True))


async def _outcome(check: Check) -> dict[str, object]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return {"ok": False, "why": f"no answer within {CHECK_SECONDS:g} s"}
    except NotWell as answer:
        return {"ok": False, "why": redact_text(str(answer))}
    except Exception as error:
        # A check may fail in any way its library likes; a probe must get an answer all the same.
        return {"ok": False, "why": redact_text(f"{type(error).__name__}: {error}")}
    return {"ok": True}
