"""When to probe again."""

from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.visma import DenialReason
from visma_connector.domain.connection import Connection
from visma_connector.domain.finding import Finding, FoundCompany
from visma_connector.settings import ProbeSettings

SCHEDULE = ProbeSettings().schedule
CONNECTED = Connection(organization_id=UUID(int=7), visma_customer_id=12345, connected=True)
DENIED = Connection(organization_id=UUID(int=7), visma_customer_id=12345, denial=DenialReason.NOT_ACTIVATED)


def test_a_connected_id_is_left_in_peace() -> None:
    assert SCHEDULE.pause(CONNECTED, Finding(None)) == timedelta(minutes=15)


def test_a_denied_id_is_probed_soon() -> None:
    assert SCHEDULE.pause(DENIED, Finding(DenialReason.NOT_ACTIVATED)) == timedelta(minutes=2)


def test_a_company_that_visma_could_not_say_about_is_asked_for_soon() -> None:
    assert SCHEDULE.pause(CONNECTED, Finding(None, (FoundCompany(1, "", None, None),))) == timedelta(minutes=2)


def test_an_unreachable_visma_is_tried_again_with_growing_pauses() -> None:
    away, connection, pauses = Finding(DenialReason.VISMA_UNREACHABLE), CONNECTED, []
    for _ in range(100):
        connection = connection.learn(away, patience=3)
        pauses.append(SCHEDULE.pause(connection, away).total_seconds())
    assert pauses[:6] == [10, 20, 40, 80, 160, 300]
    assert set(pauses[5:]) == {300}


def test_the_first_pause_is_not_above_the_longest() -> None:
    with pytest.raises(ValidationError, match="unreachable_first is above unreachable_longest"):
        ProbeSettings(unreachable_first=timedelta(hours=1))
