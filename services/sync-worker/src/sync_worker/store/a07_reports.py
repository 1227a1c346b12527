"""The A07 reports as last received, one per company and calendar month."""

from contracts.accounting import A07ReportRetrieved
from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.company import Company

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


async def find(work: Work, company: Company, month: str) -> A07ReportRetrieved | None:
    """The report of a month as it was published last."""
    row = await _REPORTS.find(work.connection, company_id=company.company_id, month=month)
    if row is None:
        return None
    about = {"company_id": company.company_id, "organization_id": company.organization_id, "visma_company_id": company.visma_company_id}
    return A07ReportRetrieved(**about, **row)
