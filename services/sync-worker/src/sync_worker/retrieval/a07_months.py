"""The proof of all A07 reports together: each month is accounted for, and the sums of the reports are the sums of their parts."""

from zoneinfo import ZoneInfo

from contracts.sync import A07Month, A07MonthsVerified, DataSet
from eventing.work import Work
from sync_worker.domain.a07_months import together, unaccounted
from sync_worker.domain.company import Company
from sync_worker.store import a07_reports, proofs, work_items

_NORWAY = ZoneInfo("Europe/Oslo")
_COMPARED = (
    "every month from the start date's to the current one has its report or is known to have none; sums equal to those of their parts"
)


async def verify_months(work: Work, company: Company) -> list[A07Month]:
    """State all months together once each is proven, and again when they come to something else; gives them, none before.

    Call it after `progressed`, which holds the company.
    """
    under_way, stopped, _ = await work_items.progress_of(work, company.company_id, [DataSet.A07_REPORTS])
    if under_way or stopped:
        return []
    landed = await a07_reports.months(work, company.company_id)
    months = [each.month for each in landed]
    if unaccounted(company.reconciliation_start, work.now.astimezone(_NORWAY).date(), months):
        return months  # a month has begun, or landed before its status was kept: it is retrieved soon
    verified = A07MonthsVerified(
        company_id=company.company_id,
        organization_id=company.organization_id,
        months=months,
        sums=together(sum_ for each in landed for sum_ in each.sums),
        verified_at=work.now,
    )
    stated = [verified.model_dump(mode="json", include={"months", "sums"})]
    before = await proofs.find(work, company.company_id, DataSet.A07_REPORTS, "")
    await proofs.put_of(work, company, DataSet.A07_REPORTS, rows=len(months), compared=_COMPARED, totals=stated)
    if before is None or before.totals != stated:
        work.publish(verified)
    return months
