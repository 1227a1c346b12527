"""What the company hears of the retrieval beside the data itself: progress, trouble, completion.

Each of these locks the company first, so that counts never run backwards and the last item to be proven, and no other, completes it.
"""

from datetime import datetime
from typing import Any

from contracts.company import Module
from contracts.sync import (
    A07MonthStatus,
    CapitalAssetsCompared,
    DataSet,
    DataSetTotals,
    LinesOutsideTerms,
    Period,
    SyncCompleted,
    SyncNeedsAttention,
    SyncProgressed,
    SyncStatus,
)
from eventing.work import Work
from sync_worker.domain.a07_months import labelled
from sync_worker.domain.asset_comparison import compare
from sync_worker.domain.company import Company
from sync_worker.domain.estimate import finished_at
from sync_worker.domain.progress import GOING_ON, percent_of, shown
from sync_worker.domain.trouble import Trouble
from sync_worker.retrieval.a07_months import verify_months
from sync_worker.store import a07_reports, assets, proofs, taking_up, work_items
from sync_worker.store.companies import COMPANIES
from sync_worker.store.work_items import Progress


async def progressed(
    work: Work,
    company: Company,
    data_set: DataSet,
    period: Period | None = None,
    *,
    message: str | None = None,
    next_attempt_at: datetime | None = None,
) -> None:
    """Say where a data set stands now."""
    await COMPANIES.lock(work.connection, company_id=company.company_id)
    now = await work_items.progress(work, company.company_id, data_set)
    stopped = {"paused": now.paused, "given_up": now.given_up}
    status = shown(data_set, now.statuses, **stopped)
    periods = {label: shown(data_set, {each}, **stopped) for label, each in now.periods.items()}
    work.publish(
        SyncProgressed(
            company_id=company.company_id,
            organization_id=company.organization_id,
            data_set=data_set,
            status=status,
            period=period,
            rows=now.rows,
            rows_expected=now.rows_expected,
            percent=percent_of(now.rows, now.rows_expected, status),
            requests=now.requests,
            message=message,
            next_attempt_at=next_attempt_at if status in GOING_ON else now.again_at if status is not SyncStatus.COMPLETE else None,
            period_status=periods.get(period.label) if period else None,
            period_statuses=periods or None if period is None else None,
            last_attempt_at=now.last_attempt_at,
            last_success_at=now.last_success_at,
            next_refresh_at=now.again_at if status is SyncStatus.COMPLETE else None,
            estimated_completion_at=_estimate(work, now, data_set, status, next_attempt_at),
        )
    )


def _estimate(work: Work, now: Progress, data_set: DataSet, status: SyncStatus, next_attempt_at: datetime | None) -> datetime | None:
    if now.measured_from is None or now.given_up or status is SyncStatus.PAUSED:
        return None
    return finished_at(now.parts, data_set, now=work.now, since=now.measured_from, idle=now.idle, not_before=next_attempt_at)


def needs_attention(work: Work, company: Company, data_set: DataSet, period: Period | None, trouble: Trouble) -> None:
    """Say that a data set cannot go on by itself."""
    work.publish(
        SyncNeedsAttention(
            company_id=company.company_id,
            organization_id=company.organization_id,
            data_set=data_set,
            status=trouble.status,
            period=period,
            reason=trouble.reason,
            message=trouble.message,
            hint=trouble.hint,
        )
    )


async def completed_if_so(work: Work, company: Company) -> None:
    """Complete the company when every item is complete. Call it when this work holds the company, as after `progressed`."""
    if await COMPANIES.complete(work.connection, company_id=company.company_id, now=work.now):
        await work_items.end_turns(work, company.company_id)
        if Module.PAYROLL in company.modules:
            await verify_months(work, company)
        await completed(work, company, completed_at=work.now)
        await taking_up.hasten(work, company.company_id)  # as of which moment all of it is, the next look tells


async def completed(work: Work, company: Company, *, completed_at: datetime) -> None:
    """Say what everything came to, of a company that was completed then."""
    if Module.ASSETS in company.modules:
        await _compare_assets(work, company, completed_at)
    work.publish(
        SyncCompleted(
            company_id=company.company_id,
            organization_id=company.organization_id,
            reconciliation_start=company.reconciliation_start,
            data_sets=await _totals(work, company),
            completed_at=completed_at,
        )
    )


async def _totals(work: Work, company: Company) -> list[DataSetTotals]:
    totals = await proofs.by_data_set(work, company.company_id)
    more: dict[DataSet, dict[str, Any]] = {}
    if Module.PAYROLL in company.modules:
        months = [each.month for each in await a07_reports.months(work, company.company_id)]
        silent = {"missing": labelled(months, A07MonthStatus.MISSING), "not_yet_due": labelled(months, A07MonthStatus.NOT_YET_DUE)}
        more[DataSet.A07_REPORTS] = silent
    figures = await proofs.find(work, company.company_id, DataSet.VAT_FIGURES, "")
    if figures is not None and figures.totals:
        more[DataSet.VAT_FIGURES] = {"outside_terms": LinesOutsideTerms(**figures.totals[0])}
    return [each.model_copy(update=more.get(each.data_set, {})) for each in totals]


async def _compare_assets(work: Work, company: Company, compared_at: datetime) -> None:
    work.publish(
        CapitalAssetsCompared(
            company_id=company.company_id,
            organization_id=company.organization_id,
            accounts=compare(await assets.register(work, company.company_id), await assets.closing_balances(work, company.company_id)),
            compared_at=compared_at,
        )
    )
