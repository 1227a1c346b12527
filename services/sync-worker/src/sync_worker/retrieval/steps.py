"""Which step is next for an item."""

from contracts.sync import DataSet, SyncStarted
from eventing import crash
from eventing.outbox import Outbox
from skatteetaten import A07Client
from sync_worker.domain.freshness import Freshness
from sync_worker.domain.page_sizes import PageSizes
from sync_worker.domain.plan import FIRST_ITEM
from sync_worker.domain.progress_pace import ProgressPace
from sync_worker.retrieval import announcements
from sync_worker.retrieval.a07 import retrieve_report
from sync_worker.retrieval.balances import retrieve_opening_balances, verify_balances
from sync_worker.retrieval.locating import locate
from sync_worker.retrieval.look import look
from sync_worker.retrieval.page import retrieve_pages
from sync_worker.retrieval.planning import verify_and_plan
from sync_worker.retrieval.unposted_vouchers import find_unposted_vouchers
from sync_worker.retrieval.vat_figures import calculate_vat_figures
from sync_worker.retrieval.verification import verify
from sync_worker.store.companies import COMPANIES
from sync_worker.store.work_items import WorkItem
from visma_nxt import VismaClient

_SUMMED = {
    DataSet.OPENING_BALANCES: retrieve_opening_balances,
    DataSet.VAT_FIGURES: calculate_vat_figures,
    DataSet.UNPOSTED_VOUCHERS: find_unposted_vouchers,
}


class Steps:
    """One step of an item: one question to the source, and what its answer changes."""

    def __init__(
        self, visma: VismaClient, skatteetaten: A07Client, outbox: Outbox, sizes: PageSizes, pace: ProgressPace, freshness: Freshness
    ) -> None:
        self._visma = visma
        self._skatteetaten = skatteetaten
        self._outbox = outbox
        self._sizes = sizes
        self._pace = pace
        self._freshness = freshness

    async def visma(self, item: WorkItem) -> None:
        """The next page, or the proof when there are no more; the first data set is followed by the plan.

        What is summed has no pages. Balances compare everything, and while all agrees they look whether it still does.
        """
        if not item.company_started:
            await self._say_started(item)
        if item.data_set is DataSet.ACCOUNT_BALANCES:
            step = verify_balances if item.scan_complete else look
            await step(self._visma, self._outbox, item, self._freshness)
        elif summed := _SUMMED.get(item.data_set):
            await summed(self._visma, self._outbox, item)
        elif item.search is not None:
            await locate(self._visma, self._outbox, item, item.search)
        elif not item.scan_complete:
            await retrieve_pages(self._visma, self._outbox, self._sizes, self._pace, item)
        elif item.data_set is FIRST_ITEM.data_set:
            await verify_and_plan(self._visma, self._outbox, item)
        else:
            await verify(self._visma, self._outbox, item)

    async def skatteetaten(self, item: WorkItem) -> None:
        """The report of the item's month."""
        if item.data_set is not DataSet.A07_REPORTS:
            raise ValueError(f"{item.data_set} does not come from Skatteetaten")
        await retrieve_report(self._skatteetaten, self._outbox, item)

    async def _say_started(self, item: WorkItem) -> None:
        company = item.company
        async with self._outbox.work(item.cause) as work:
            if await COMPANIES.start(work.connection, company_id=company.company_id, now=work.now):
                work.publish(SyncStarted(company_id=company.company_id, organization_id=company.organization_id, started_at=work.now))
                await announcements.progressed(work, company, item.data_set)
            crash.point("start.written")
        crash.point("start.committed")
