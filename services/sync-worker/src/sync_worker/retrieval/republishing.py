"""What has landed is published once more, a few thousand rows a transaction, without a question to its source.

Nobody lands rows of the company meanwhile: newer rows are published either before or after, so that the last message about a row is always
the newest. What was stated of the rows follows them, so that who reads nothing else may trust them as who has read from the start.
"""

import asyncio
from contextlib import suppress

import structlog

from contracts.sync import AccountBalance, AccountBalancesVerified, DataSet, PeriodsRepublished
from eventing import crash
from eventing.outbox import Outbox
from eventing.parking import is_away
from eventing.work import Cause, Work
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.scan import Key
from sync_worker.retrieval import announcements
from sync_worker.retrieval.a07_months import repeat_months
from sync_worker.retrieval.consistent_cut import repeat_cut
from sync_worker.retrieval.row_events import row_events
from sync_worker.retrieval.verification import period_verified
from sync_worker.retrieval.workers import LOST_RACES
from sync_worker.store import a07_reports, landing, looks, proofs, republications, work_items
from sync_worker.store.companies import COMPANIES
from sync_worker.store.republications import Republication

ROWS = 2000
_LOG = structlog.get_logger("sync_worker.republishing")


class Republishing:
    """Publishes what was asked for. Run `run` as a task; cancel it to stop."""

    def __init__(self, outbox: Outbox, *, poll_seconds: float) -> None:
        self._outbox = outbox
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is, or in a moment there will be, something to publish."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                if await self._step():
                    continue
            except Exception as error:
                # Whoever lands rows may hold the company for long, or win a race: what was asked for is still there.
                if not is_away(error) and not isinstance(error, LOST_RACES):
                    raise
                _LOG.warning("republishing.interrupted", error=f"{type(error).__name__}: {error}")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._woken.wait()
                    self._woken.clear()

    async def _step(self) -> bool:
        found = await republications.next_one(self._outbox)
        if found is None:
            return False
        id, cause = found  # noqa: A001
        try:
            await self._publish(id, cause)
        except Exception as error:
            if is_away(error) or isinstance(error, LOST_RACES):
                raise
            # Nothing of it is lost: it is tried again when the others have had their turn.
            _LOG.exception("republishing.failed", republication=id)
            await republications.put_back(self._outbox, id)
            return False
        return True

    async def _publish(self, id: int, cause: Cause) -> None:  # noqa: A002
        async with self._outbox.work(cause) as work:
            held = await republications.hold(work, id)
            if held is None:
                return
            await COMPANIES.stop_landing(work.connection, company_id=held.company.company_id)
            await COMPANIES.lock(work.connection, company_id=held.company.company_id)
            await _publish_more(work, held)
            crash.point("republication.written")
        crash.point("republication.committed")


async def _publish_more(work: Work, held: Republication) -> None:
    if held.position == len(held.parts):
        await _conclude(work, held)
        return
    rows, cursor = await _publish_part(work, held)
    position = held.position + (cursor is None)
    await republications.save(work, held, position=position, cursor=cursor, rows=held.rows + rows)


async def _conclude(work: Work, held: Republication) -> None:
    company = held.company
    labels = sorted({label for _, label in held.parts if label}, reverse=True)
    data_sets = [data_set for data_set in DataSet if data_set in {each for each, _ in held.parts}]
    if DataSet.A07_REPORTS in data_sets:
        await repeat_months(work, company)
    completed_at = await COMPANIES.completed_at(work.connection, company_id=company.company_id)
    planned = {(each.data_set, each.label) for each in await work_items.planned(work.connection, company.company_id)}
    if completed_at is not None and planned <= set(held.parts):
        await announcements.completed(work, company, completed_at=completed_at)
        await repeat_cut(work, company)
    work.publish(
        PeriodsRepublished(
            company_id=company.company_id,
            organization_id=company.organization_id,
            periods=labels,
            data_sets=data_sets,
            rows=held.rows,
        )
    )
    await republications.remove(work, held)


async def _publish_part(work: Work, held: Republication) -> tuple[int, Key | None]:
    """The next rows of the part; gives how many, and the last key when there may be more."""
    company, (data_set, label) = held.company, held.parts[held.position]
    item = await looks.find(work, company.company_id, data_set, label)
    if item is None:
        return 0, None
    if data_set is DataSet.A07_REPORTS:
        report = await a07_reports.find(work, company, label)
        work.publish(*filter(None, [report]))
        return int(report is not None), None
    if data_set is DataSet.ACCOUNT_BALANCES:
        proof = await proofs.find(work, company.company_id, data_set, "")
        # While a complete company is looked at the proof still holds; else what holds next is said when it is proven.
        holds = item.agreed or await COMPANIES.completed_at(work.connection, company_id=company.company_id) is not None
        if proof is not None and holds:
            work.publish(
                AccountBalancesVerified(
                    company_id=company.company_id,
                    organization_id=company.organization_id,
                    periods=await work_items.ledger_periods_planned(work, company.company_id),
                    accounts=[AccountBalance(**each) for each in proof.totals],
                    as_of=proof.proven_at,
                )
            )
        return 0, None
    dataset = DATASETS[data_set]
    rows = await landing.page(work, dataset, company, item.ledger_periods, after=held.cursor, limit=ROWS)
    work.publish(*row_events(dataset.event, company, item.period if dataset.by_period else None, dataset.names, rows))
    if len(rows) == ROWS:
        return len(rows), dataset.key_of(rows[-1])
    proof = await proofs.find(work, company.company_id, data_set, label)
    if data_set is DataSet.LEDGER_LINES and proof is not None and item.agreed and item.period is not None:
        work.publish(period_verified(company, item.period, proof))
    return len(rows), None
