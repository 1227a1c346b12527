"""The registry that `/metrics` shows, and every metric of this package.

Each metric says what it counts and what a rise means; an operator who meets it for the first time needs both. A service
declares its own the same way, all in one file, its `metrics.py`.

A library below this one declares its metrics with `registry=None` and hands them over with `REGISTRY.register(metric)`.
"""

from typing import TypeVar

from prometheus_client import CollectorRegistry, Gauge, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

M = TypeVar("M", bound=MetricWrapperBase)

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


def declare(kind: type[M], name: str, what: str, *, rise: str, labels: tuple[str, ...] = ()) -> M:
    """A metric in the process registry, for example `declare(Counter, "pages_total", "Pages fetched", rise="...")`."""
    return kind(name, f"{what}. A rise means: {rise}.", labels, registry=REGISTRY)


EVENT_LOOP_LAG = declare(
    Gauge,
    "event_loop_lag_seconds",
    "How much later than asked the event loop woke a sleeper, last sample",
    rise="something computes or blocks inside the loop, and everything else in this process waits for it",
)
START_WAIT = declare(
    Gauge,
    "start_wait_seconds",
    "How long the start waited, or has waited so far, for a server",
    rise="the server was away or refused this service when it started",
    labels=("server",),
)
