"""The A07 reports as they were published last, one per company and calendar month, and what each was before."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.a07 import A07ReportRetrieved
from contracts.sync import A07Month, A07Sum
from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.domain.receipt import Coverage

_REPORTS = queries(__file__, "a07_reports")
_DOCUMENTS = {
    "income",
    "employer_contributions",
    "withholding",
    "messages",
    "workplaces",
    "employees",
    "sums",
    "failed_checks",
    "previous",
}
_COLUMNS = (
    "month",
    "version",
    "status",
    "due",
    "submitted",
    "snapshot_at",
    "submissions",
    "withholding_tax",
    "employer_contribution",
    "financial_tax",
    "income",
    "employer_contributions",
    "withholding",
    "messages",
    "workplaces",
    "employees",
    "sums",
    "failed_checks",
    "previous",
    "report",
)


def coverage(month: str) -> Coverage:
    """What the receipt of a month's report covers."""
    return Coverage("a07_report", _COLUMNS, ("month",), {"month": month})


def coverage_of_all(months: Sequence[str]) -> Coverage:
    """What the receipt of all months together covers."""
    return Coverage("a07_report", _COLUMNS, ("month",), {"months": sorted(months)})


@dataclass(frozen=True, slots=True)
class LandedMonth:
    """A month of the plan as it was published last, and the sums of its report."""

    month: A07Month
    sums: list[A07Sum]


async def put(work: Work, report: A07ReportRetrieved, document: str) -> None:
    """Keep a report, and what it replaces as a version. ``document`` is Skatteetaten's JSON digit for digit."""
    await _REPORTS.keep(work.connection, company_id=report.company_id, month=report.month, now=work.now)
    figures = report.model_dump(exclude=_DOCUMENTS | {"visma_company_id", "report"})
    documents = report.model_dump(mode="json", include=_DOCUMENTS)
    await _REPORTS.put(work.connection, **figures, **documents, report=document, changed_at=work.now)


async def find(work: Work, company: Company, month: str) -> A07ReportRetrieved | None:
    """The report of a month as it was published last."""
    row = await _REPORTS.find(work.connection, company_id=company.company_id, month=month)
    if row is None:
        return None
    about = {"company_id": company.company_id, "organization_id": company.organization_id, "visma_company_id": company.visma_company_id}
    return A07ReportRetrieved(**about, **row)


async def months(work: Work, company_id: UUID) -> list[LandedMonth]:
    """What is known of the months of the plan, newest first."""
    rows = [dict(row) async for row in _REPORTS.months(work.connection, company_id=company_id)]
    return [LandedMonth(sums=[A07Sum(**each) for each in row.pop("sums")], month=A07Month(**row)) for row in rows]
