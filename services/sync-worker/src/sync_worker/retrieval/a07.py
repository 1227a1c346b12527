"""One A07 report: fetched from Skatteetaten, kept and published when it says something new, and judged by its own cross checks."""

from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.a07 import A07ReportRetrieved
from contracts.sync import A07MonthStatus, Period, SyncStatus
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from skatteetaten import A07Client, A07Report
from sync_worker import metrics
from sync_worker.domain.a07_report import is_news, retrieved, superseding
from sync_worker.domain.freshness import a07_again
from sync_worker.domain.receipt import Question
from sync_worker.domain.trouble import Trouble
from sync_worker.retrieval import announcements
from sync_worker.retrieval.a07_months import verify_months
from sync_worker.store import a07_reports, proofs, work_items
from sync_worker.store.work_items import WorkItem

_NORWAY = ZoneInfo("Europe/Oslo")
_CHECKED = "income, withholding tax and employer's contribution of the report agree with its own totals"
_NOTHING = {
    A07MonthStatus.NOT_YET_DUE: "nothing submitted for the month so far, and it is not due yet",
    A07MonthStatus.MISSING: "nothing submitted for the month although it was due",
}
_INCONSISTENT = (
    "Look at the month's submissions with the payroll provider. The report is asked for again by itself, and at once when you ask for the "
    "retrieval again."
)


async def retrieve_report(skatteetaten: A07Client, outbox: Outbox, item: WorkItem) -> None:
    """Fetch the report of the item's month. Raises Skatteetaten's errors and `LeaseLost`.

    A month without submissions is complete too: its report says so, and whether there should have been any.
    """
    month = item.period
    if month is None:
        raise ValueError("an A07 report is of one month")
    asked_at = outbox.clock()
    report = await skatteetaten.report(item.company.organisation_number, month.label)
    variables = {"organisation_number": item.company.organisation_number, "month": month.label}
    asked = {"operation": "A07", "variables": variables, "asked_at": asked_at, "answered_at": outbox.clock()}
    crash.point("report.fetched")
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        landed = await _land(work, item, month, report)
        if landed.failed_checks:
            await _report_inconsistency(work, item, month, landed)
        else:
            await _close(work, item, month, landed, asked)
        crash.point("report.written")
    crash.point("report.committed")


async def _land(work: Work, item: WorkItem, month: Period, report: A07Report | None) -> A07ReportRetrieved:
    """What is published of the month from now on: what was before if it says the same, else the news."""
    company = item.company
    now = retrieved(company, month, report, work.now.astimezone(_NORWAY).date())
    before = await a07_reports.find(work, company, month.label)
    if before is not None:
        if not is_news(before, now):
            return before
        proof = await proofs.find(work, company.company_id, item.data_set, month.label)
        now = superseding(before, now, proof.proven_at if proof and not before.failed_checks else None)
    await a07_reports.put(work, now, report.raw.decode() if report else "{}")
    work.publish(now)
    return now


async def _close(work: Work, item: WorkItem, month: Period, landed: A07ReportRetrieved, asked: Question) -> None:
    nothing = _NOTHING.get(landed.status) if landed.status else None
    covers = a07_reports.coverage(landed.month)
    await proofs.put(work, item, rows=1, compared=nothing or _CHECKED, asked=[asked], covers=covers)
    await work_items.finish(work, item, rows=1, requests=1, refresh_at=_again_at(work, month))
    missing = f"The A07 report of {landed.month} is missing: it was due on {landed.due}."
    message = missing if landed.status is A07MonthStatus.MISSING else None
    await announcements.progressed(work, item.company, item.data_set, month, message=message)
    await verify_months(work, item.company)
    await announcements.completed_if_so(work, item.company)
    metrics.ITEMS_PROVEN.labels(item.data_set.value).inc()


async def _report_inconsistency(work: Work, item: WorkItem, month: Period, landed: A07ReportRetrieved) -> None:
    message = f"The A07 report of {landed.month} contradicts itself ({'; '.join(landed.failed_checks)})."
    trouble = Trouble(status=SyncStatus.NEEDS_ATTENTION, reason="a07_checks_failed", message=message, hint=_INCONSISTENT)
    await work_items.stop(work, item, trouble, again_at=_again_at(work, month))
    if item.reason != trouble.reason:
        announcements.needs_attention(work, item.company, item.data_set, month, trouble)
    await announcements.progressed(work, item.company, item.data_set, month, message=message)


def _again_at(work: Work, month: Period) -> datetime:
    return work.now + a07_again(month.first_day, work.now.date())
