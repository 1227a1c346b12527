"""Killed with SIGKILL at crash points, services are started again and the end is that of an undisturbed walk: a selection.

The whole is `make certify`.
"""

import pytest

from .conftest import Certifier
from .mutations import ALL, judged

pytestmark = [pytest.mark.long, pytest.mark.background, pytest.mark.timeout(600)]  # the reader of the module; a whole system starts

SELECTION = {
    "org-service": "work.committed:2",
    "company-service": "batch.done:3",
    "visma-connector": "relay.acknowledged:2",
    "sync-worker": "page.committed:3",
}


async def test_services_killed_at_crash_points_change_nothing_in_the_end(certifier: Certifier) -> None:
    """All four in one walk: two walks take half a minute less than five, and the whole kills them one by one."""
    entries = await certifier.killed_at(SELECTION)
    assert [entry for entry in entries if not entry.clean] == []


async def test_without_its_inbox_a_service_does_everything_twice(certifier: Certifier) -> None:
    """The certificate can fail; the other mutations are in `make certify-mutations`."""
    mutation = next(mutation for mutation in ALL if mutation.name == "no_inbox")
    entry = await judged(certifier, mutation)
    assert mutation.shows(entry), entry
