"""One A07 report: fetched from Skatteetaten, kept and published, and judged by its own cross checks."""

from decimal import Decimal

import orjson

from contracts.accounting import A07ReportRetrieved, EmployerContributionLine, IncomeLine
from contracts.sync import SyncStatus
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from skatteetaten import A07Client, A07Report, cross_checks
from sync_worker import metrics
from sync_worker.domain.company import Company
from sync_worker.domain.freshness import a07_again
from sync_worker.domain.trouble import Trouble
from sync_worker.retrieval import announcements
from sync_worker.store import a07_reports, proofs, work_items
from sync_worker.store.work_items import WorkItem

_ZERO = Decimal(0)
_CHECKED = "income, withholding tax and employer's contribution of the report agree with its own totals"
_NOTHING = "nothing submitted for the month so far"
_INCONSISTENT = "Look at the month's submissions with the payroll provider; ask for the retrieval again when they are corrected."


async def retrieve_report(skatteetaten: A07Client, outbox: Outbox, item: WorkItem) -> None:
    """Fetch the report of the item's month. Raises Skatteetaten's errors and `LeaseLost`.

    A month without submissions is complete too: its report says so.
    """
    if item.period is None:
        raise ValueError("an A07 report is of one month")
    report = await skatteetaten.report(item.company.organisation_number, item.period.label)
    crash.point("report.fetched")
    retrieved = _retrieved(item.company, item.period.label, report)
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        if await a07_reports.put(work, retrieved, report.raw.decode() if report else "{}"):
            work.publish(retrieved)
        if retrieved.failed_checks:
            await _report_inconsistency(work, item, retrieved)
        else:
            await proofs.put(work, item, rows=1, compared=_CHECKED if retrieved.submitted else _NOTHING)
            await work_items.finish(work, item, rows=1, requests=1, refresh_at=work.now + a07_again(item.period.first_day, work.now.date()))
            await announcements.progressed(work, item.company, item.data_set, item.period)
            await announcements.completed_if_so(work, item.company)
            metrics.ITEMS_PROVEN.labels(item.data_set.value).inc()
        crash.point("report.written")
    crash.point("report.committed")


def _retrieved(company: Company, month: str, report: A07Report | None) -> A07ReportRetrieved:
    return A07ReportRetrieved(
        company_id=company.company_id,
        organization_id=company.organization_id,
        visma_company_id=company.visma_company_id,
        month=month,
        submitted=report is not None,
        snapshot_at=report.snapshot_at if report else None,
        submissions=sum(one.counts for one in report.submissions) if report else 0,
        income=[
            IncomeLine(
                income_type=line.type or line.kind or "",
                benefit=line.benefit or "",
                amount=line.amount,
                employer_contribution_applies=line.subject_to_employer_contribution,
            )
            for line in (report.income if report else ())
        ],
        employer_contributions=[
            EmployerContributionLine(kind=line.kind, zone=line.zone, base=line.base, rate=line.rate, amount=line.amount)
            for line in (report.employer_contribution if report else ())
        ],
        withholding_tax=abs(report.totals.withholding_tax) if report else _ZERO,
        employer_contribution=abs(report.totals.employer_contribution) if report else _ZERO,
        financial_tax=abs(report.totals.financial_tax) if report else _ZERO,
        failed_checks=[
            f"{check.name}: {check.actual} instead of {check.expected}"
            for check in (cross_checks(report) if report else ())
            if not check.holds
        ],
        report=orjson.loads(report.raw) if report else {},
    )


async def _report_inconsistency(work: Work, item: WorkItem, retrieved: A07ReportRetrieved) -> None:
    message = f"The A07 report of {retrieved.month} contradicts itself ({'; '.join(retrieved.failed_checks)})."
    trouble = Trouble(status=SyncStatus.NEEDS_ATTENTION, reason="a07_checks_failed", message=message, hint=_INCONSISTENT)
    await work_items.stop(work, item, trouble)
    announcements.needs_attention(work, item.company, item.data_set, item.period, trouble)
    await announcements.progressed(work, item.company, item.data_set, item.period, message=message)
