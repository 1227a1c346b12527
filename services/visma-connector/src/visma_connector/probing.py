"""The loop that probes: claim what is due, ask Visma outside any transaction, save and publish in one.

Any number of loops and processes work side by side. One that dies in the middle leaves a lease that runs out, and another takes over.
"""

import asyncio
import time
from contextlib import suppress

import structlog

from eventing import crash, tracing
from eventing.outbox import Outbox
from eventing.parking import AWAY, is_away
from visma_connector import metrics
from visma_connector.domain.finding import Finding
from visma_connector.domain.news import news_of_probe
from visma_connector.settings import ProbeSettings
from visma_connector.store import connections
from visma_connector.store.connections import Claim
from visma_connector.visma import ask
from visma_nxt import Lane, VismaClient, in_lane

_LOG = structlog.get_logger("visma_connector.probing")
_AFTER_A_FAULT_SECONDS = 1.0


class Probing:
    """Probes what is due. ``client_key`` is the name that users are told to activate."""

    def __init__(self, outbox: Outbox, visma: VismaClient, settings: ProbeSettings, *, client_key: str) -> None:
        self._outbox = outbox
        self._visma = visma
        self._settings = settings
        self._client_key = client_key

    async def run(self) -> None:
        """Probe one connection after the other until cancelled."""
        while True:
            try:
                if not await self.probe_next():
                    await asyncio.sleep(self._settings.notice_within.total_seconds())
            except Exception as error:
                # The lease of the connection runs out and it is tried again: one that always fails must not stop the others.
                if is_away(error):
                    _LOG.warning("probe.interrupted", why=f"{type(error).__name__}: {error}")
                else:
                    metrics.PROBES.labels("failed").inc()
                    _LOG.exception("probe.failed")
                await asyncio.sleep(_AFTER_A_FAULT_SECONDS)

    async def probe_next(self) -> bool:
        """Probe the connection that is due; False when none is."""
        claim = await connections.claim(self._outbox.pool, now=self._outbox.clock(), lease=self._settings.lease)
        if claim is None:
            return False
        crash.point("probe.claimed")
        began = time.monotonic()
        try:
            with tracing.later(claim.cause, "probe", {"visma.customer_no": claim.visma_customer_id}):
                finding = await self._ask(claim)
                crash.point("probe.fetched")
                seconds = time.monotonic() - began
                outcome = await self.conclude(claim, finding)
        except asyncio.CancelledError:
            with suppress(*AWAY):
                await connections.give_back(self._outbox.pool, claim)
            raise
        metrics.PROBE_SECONDS.observe(seconds)
        metrics.PROBES.labels(outcome).inc()
        _LOG.info(
            "probe.done",
            organization_id=claim.organization_id,
            visma_customer_id=claim.visma_customer_id,
            correlation_id=claim.cause.correlation_id,
            asked=claim.asked,
            outcome=outcome,
            companies=len(finding.companies),
            readable=sum(company.readable is True for company in finding.companies),
            seconds=round(seconds, 3),
        )
        return True

    async def _ask(self, claim: Claim) -> Finding:
        """Visma's answer, however long it takes: the lease is kept meanwhile. What a user waits for goes before the daily round."""
        with in_lane(Lane.INTERACTIVE if claim.asked else Lane.BACKGROUND):
            asking = asyncio.create_task(ask(self._visma, claim.visma_customer_id))
        try:
            while not (await asyncio.wait({asking}, timeout=self._settings.lease.total_seconds() / 3))[0]:
                with suppress(*AWAY):
                    await connections.extend(self._outbox.pool, claim, until=self._outbox.clock() + self._settings.lease)
                    crash.point("probe.extended")
            return await asking
        finally:
            asking.cancel()

    async def conclude(self, claim: Claim, finding: Finding) -> str:
        """Save and publish what was found; gives the outcome. An answer that comes after the lease was lost is dropped."""
        async with self._outbox.work(claim.cause) as work:
            before = await connections.claimed(work, claim)
            if before is None:
                return "late"
            after = before.learn(finding, patience=self._settings.unreachable_after)
            work.publish(*news_of_probe(before, after, finding, asked=claim.asked, now=work.now, client_key=self._client_key))
            due_at = work.now + self._settings.schedule.pause(after, finding)
            await connections.save(work, claim, before, after, settled=after.says(finding), due_at=due_at)
            crash.point("probe.written")
        crash.point("probe.committed")
        return finding.outcome
