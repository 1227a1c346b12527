"""The A07 reports as last received, one per company and calendar month."""

from contracts.accounting import A07ReportRetrieved
from eventing.sql import queries
from eventing.work import Work

_REPORTS = queries(__file__, "a07_reports")


async def put(work: Work, report: A07ReportRetrieved, document: str) -> bool:
    """Keep a report; False when the same is kept already. ``document`` is Skatteetaten's JSON digit for digit."""
    lists = report.model_dump(mode="json", include={"income", "employer_contributions", "failed_checks"})
    figures = report.model_dump(
        include={
            "organization_id",
            "company_id",
            "month",
            "submitted",
            "snapshot_at",
            "submissions",
            "withholding_tax",
            "employer_contribution",
            "financial_tax",
        }
    )
    return bool(await _REPORTS.put(work.connection, **figures, **lists, report=document, changed_at=work.now))
