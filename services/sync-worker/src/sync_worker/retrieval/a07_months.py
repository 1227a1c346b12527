"""The proof of all A07 reports together: each month is accounted for, and the sums of the reports are the sums of their parts."""

from typing import Any
from zoneinfo import ZoneInfo

from contracts.sync import A07MonthsVerified, DataSet
from eventing.work import Work
from sync_worker.domain.a07_months import together, unaccounted
from sync_worker.domain.company import Company
from sync_worker.store import a07_reports, proofs, work_items

_NORWAY = ZoneInfo("Europe/Oslo")
_COMPARED = (
    "every month from the start date's to the current one has its report or is known to have none; sums equal to those of their parts"
)


async def verify_months(work: Work, company: Company) -> None:
    """State all months together once each is proven, and again when they come to something else.

    Call it after `progressed`, which holds the company.
    """
    under_way, stopped, _ = await work_items.progress_of(work, company.company_id, [DataSet.A07_REPORTS])
    if under_way or stopped:
        return
    landed = await a07_reports.months(work, company.company_id)
    months = [each.month for each in landed]
    if unaccounted(company.reconciliation_start, work.now.astimezone(_NORWAY).date(), months):
        return  # a month has begun, or landed before its status was kept: it is retrieved soon
    sums = together(sum_ for each in landed for sum_ in each.sums)
    verified = _verified(company, months=months, sums=sums, verified_at=work.now)
    stated = [verified.model_dump(mode="json", include={"months", "sums"})]
    before = await proofs.find(work, company.company_id, DataSet.A07_REPORTS, "")
    covers = a07_reports.coverage_of_all([each.month for each in months])
    await proofs.put_of(work, company, DataSet.A07_REPORTS, rows=len(months), compared=_COMPARED, covers=covers, totals=stated)
    if before is None or before.totals != stated:
        work.publish(verified)


async def repeat_months(work: Work, company: Company) -> None:
    """State once more what was stated last, unless a month waits for a person since then."""
    _, stopped, _ = await work_items.progress_of(work, company.company_id, [DataSet.A07_REPORTS])
    proof = await proofs.find(work, company.company_id, DataSet.A07_REPORTS, "")
    if proof is not None and not stopped:
        work.publish(_verified(company, **proof.totals[0], verified_at=proof.proven_at))


def _verified(company: Company, **stated: Any) -> A07MonthsVerified:
    return A07MonthsVerified(company_id=company.company_id, organization_id=company.organization_id, **stated)
