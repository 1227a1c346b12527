"""From the landed accounting periods to the plan: Visma counts the ledger lines of every period, and the rest of the work is queued.

A plan is made again, by the same way, whenever it may have become another: see `replan`.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from contracts.sync import SyncPlanned, SyncStatus
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.domain.datasets import LEDGER_LINES
from sync_worker.domain.freshness import Mark
from sync_worker.domain.periods import LedgerPeriod, YearAndPeriod
from sync_worker.domain.plan import FIRST_ITEM, PlannedItem, announced, plan
from sync_worker.domain.proof import Stated
from sync_worker.domain.trouble import Trouble, Troubled
from sync_worker.retrieval import announcements
from sync_worker.retrieval.verification import settle
from sync_worker.store import companies, plans, proofs, work_items
from sync_worker.store.companies import COMPANIES
from sync_worker.store.work_items import LeaseLost, WorkItem
from visma_nxt import VismaClient
from visma_nxt.filters import gte

_NORWAY = ZoneInfo("Europe/Oslo")


async def replan(work: Work, company: Company) -> None:
    """Make the plan anew, for the company's settings as they are given and from now on are.

    A new `SyncPlanned` follows, and a new `SyncCompleted` when all of it is proven. What is asked for as before is not asked for again.
    """
    await plans.begin_again(work, company)
    await companies.put(work, company)  # after the items, as everywhere: whoever has an item in hand locks the company last
    await announcements.progressed(work, company, FIRST_ITEM.data_set)


async def verify_and_plan(visma: VismaClient, outbox: Outbox, item: WorkItem) -> None:
    """Prove the accounting periods and queue everything else. Raises Visma's errors, `Troubled`, `LeaseLost`."""
    company = item.company
    ledger = await proofs.ledger_periods(outbox, company)
    lines = await _count_lines(visma, company, ledger)
    crash.point("plan.fetched")
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        if await companies.find(work, company.company_id) != company:
            raise LeaseLost  # claimed in the moment in which the settings changed
        if await settle(work, item, {(): Stated(item.expected or 0)}, item.counted, requests=1):
            await _queue(work, item, _planned(company, ledger, lines, work))
        crash.point("plan.written")
    crash.point("plan.committed")


async def _count_lines(visma: VismaClient, company: Company, ledger: Sequence[LedgerPeriod]) -> dict[YearAndPeriod, Mark]:
    years = [each.year for each in ledger if each.first_day >= company.reconciliation_start]
    if not years:
        return {}
    year, period, amount = (LEDGER_LINES.visma_name(name) for name in ("year", "period", "amount"))
    groups = await visma.grouped(
        LEDGER_LINES.table,
        company.visma_company_id,
        by=[year, period],
        sums=[amount],
        count=LEDGER_LINES.table.key[-1],
        where=gte(year, min(years)),
        with_newest=True,
        organisation_number=company.organisation_number,
    )
    return {(group[year], group[period]): Mark(group["count"], group["newest"]) for group in groups}


def _planned(company: Company, ledger: Sequence[LedgerPeriod], lines: dict[YearAndPeriod, Mark], work: Work) -> list[PlannedItem]:
    try:
        return plan(company, ledger, lines, work.now.astimezone(_NORWAY).date())
    except ValueError as error:
        raise Troubled(
            Trouble(
                status=SyncStatus.NEEDS_ATTENTION,
                reason="lines_without_accounting_period",
                message=f"The ledger cannot be divided into periods: {error}.",
                hint="Add the missing accounting periods in Business NXT and ask for the retrieval again.",
            )
        ) from error


async def _queue(work: Work, item: WorkItem, planned: list[PlannedItem]) -> None:
    company = item.company
    await plans.put(work, company, planned)
    await COMPANIES.set_planned(work.connection, company_id=company.company_id, now=work.now)
    work.publish(
        SyncPlanned(
            company_id=company.company_id,
            organization_id=company.organization_id,
            reconciliation_start=company.reconciliation_start,
            data_sets=announced([_counted(FIRST_ITEM, item), *planned]),
        )
    )
    for data_set in dict.fromkeys(each.data_set for each in planned):
        await announcements.progressed(work, company, data_set)


def _counted(first: PlannedItem, item: WorkItem) -> PlannedItem:
    return PlannedItem(data_set=first.data_set, rank=first.rank, rows_expected=item.scanned)
