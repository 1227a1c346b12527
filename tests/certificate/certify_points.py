"""crash points

In each round every service that has a point left dies once at its next one, so that the rounds are as many as the points of the busiest
service. A round that is not clean is walked again for each point alone, so that the certificate names the guilty one.
"""

from collections.abc import Iterator
from itertools import zip_longest

import pytest

from eventing import crash

from .certificate import Certificate
from .conftest import Certifier

pytestmark = [pytest.mark.background, pytest.mark.timeout(1200)]

EVERY_SERVICE = ("batch", "work", "deadletter", "relay")
NOT_YET = ("parked", "retry")  # org-service refuses at once: its refusals rest on facts of its own
POINTS = {
    "sync-worker": (
        *EVERY_SERVICE,
        *NOT_YET,
        "item",
        "start",
        "page",
        "plan",
        "proof",
        "deferral",
        "sums",
        "search",
        "repair",
        "report",
        "setback",
        "look",
        "republication",
    ),
    "visma-connector": (*EVERY_SERVICE, *NOT_YET, "probe", "notice", "announcement"),
    "company-service": (*EVERY_SERVICE, *NOT_YET),
    "org-service": EVERY_SERVICE,
}
SUMMED = ("/opening_balances", "/account_balances", "/vat_figures", "/unposted_vouchers")
COMPARED = ("/account_balances", "/vat_figures")
READ = ("", "/ledger_lines", "/customers")
"""The first of all, a period of the ledger, and what is proven with its last page."""
PROVEN = ("/ledger_lines", "/customer_transactions")
RETRIED = ("/put_off", "/over")
LOOKS = ("", ":2")
"""The one that finds all as it was proven, and the one that finds news."""
PASSINGS = {
    "batch.done": ("", ":3"),
    "work.committed": ("", ":4"),
    "relay.sent": ("", ":3"),
    "relay.acknowledged": ("", ":2"),
    "retry.written": RETRIED,
    "retry.committed": RETRIED,
    "probe.claimed": ("", ":2"),
    "probe.fetched": ("", ":2"),
    "probe.written": ("", ":2"),
    "probe.committed": ("", ":2"),
    "item.claimed": ("", ":6"),
    "page.written": READ,
    "page.committed": READ,
    "proof.written": PROVEN,
    "proof.committed": ("/ledger_lines:2", "/customer_transactions"),
    "look.marked": LOOKS,
    "look.fetched": LOOKS,
    "look.written": LOOKS,
    "look.committed": LOOKS,
    "deferral.written": COMPARED,
    "deferral.committed": COMPARED,
    "sums.fetched": SUMMED,
    "sums.written": SUMMED,
    "sums.committed": SUMMED,
}
"""Which passings are tried where the first is not the only one that differs: later ones, and those for one data set or one end."""


def points_of(service: str) -> Iterator[tuple[str, str]]:
    for name in crash.POINTS:
        if name.partition(".")[0] in POINTS[service]:
            for passing in PASSINGS.get(name, ("",)):
                yield service, name + passing


ROUNDS = [dict(each for each in turn if each) for turn in zip_longest(*map(points_of, POINTS))]


@pytest.mark.parametrize("points", ROUNDS, ids=lambda points: points["sync-worker"])
async def test_every_crash_point(certifier: Certifier, certificate: Certificate, points: dict[str, str]) -> None:
    entries = await certifier.killed_at(points)
    if not all(entry.clean for entry in entries):
        entries = [entry for service, point in points.items() for entry in await certifier.killed_at({service: point})]
    certificate.add(*entries)
    assert [entry for entry in entries if not entry.clean] == []
