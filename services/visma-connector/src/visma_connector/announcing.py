"""The loop that tells others what was noticed: one event per company and window, however many rows Visma told of.

What waits for the end of its window is in the database, and leaves it in the transaction that puts the event into the outbox. So a process
may die at any moment, and any number of processes work side by side.
"""

import asyncio
from uuid import uuid4

import structlog

from contracts.visma import VismaDataChanged
from eventing import crash, tracing
from eventing.outbox import Outbox
from eventing.parking import is_away
from eventing.work import Cause
from visma_connector.settings import WebhookSettings
from visma_connector.store import data_changes

_LOG = structlog.get_logger("visma_connector.announcing")
_AFTER_A_FAULT_SECONDS = 1.0
_FORGET_EVERY_SECONDS = 60.0


class Announcing:
    """Publishes what is due, and forgets old deliveries."""

    def __init__(self, outbox: Outbox, settings: WebhookSettings) -> None:
        self._outbox = outbox
        self._settings = settings

    async def run(self) -> None:
        """Announce one company after the other until cancelled."""
        while True:
            try:
                if not await self.announce_next():
                    await asyncio.sleep(self._settings.gather.total_seconds() / 4)
            except Exception as error:
                _complain("announcement.interrupted", error)
                await asyncio.sleep(_AFTER_A_FAULT_SECONDS)

    async def announce_next(self) -> bool:
        """Announce the changes of the company whose window is over; False when there is none."""
        async with self._outbox.together() as together:
            noticed = await data_changes.take(together.connection, noticed_until=together.now - self._settings.gather)
            if noticed is None:
                return False
            cause = Cause(organization_id=noticed.organization_id, correlation_id=str(uuid4()), causation_id=None)
            event = VismaDataChanged(
                organization_id=noticed.organization_id,
                visma_customer_id=noticed.visma_customer_id,
                visma_company_id=noticed.visma_company_id,
                changes=list(noticed.changes),
                noticed_at=noticed.noticed_at,
            )
            together.work(tracing.carried(cause)).publish(event)
            crash.point("announcement.written")
        crash.point("announcement.committed")
        return True

    async def forget(self) -> None:
        """Keep the list of deliveries short until cancelled."""
        while True:
            try:
                await data_changes.forget(self._outbox.pool, received_before=self._outbox.clock() - self._settings.remember)
            except Exception as error:
                _complain("forgetting.interrupted", error)
            await asyncio.sleep(_FORGET_EVERY_SECONDS)


def _complain(what: str, error: Exception) -> None:
    if is_away(error):
        _LOG.warning(what, why=f"{type(error).__name__}: {error}")
    else:
        _LOG.exception(what)
