"""What is entered and not posted: one question for the sums of all batches. Whatever the answer, the item is complete."""

from eventing.outbox import Outbox
from sync_worker.domain.datasets.entry import UNPOSTED_VOUCHERS
from sync_worker.domain.receipt import questions
from sync_worker.domain.unposted_vouchers import Entered, by_period
from sync_worker.retrieval.sums import answered, land_and_close
from sync_worker.store import proofs
from sync_worker.store.work_items import WorkItem
from visma_nxt import VismaClient, noting
from visma_nxt.tables import VOUCHER
from visma_nxt.values import date_of


async def find_unposted_vouchers(visma: VismaClient, outbox: Outbox, item: WorkItem) -> None:
    """Fetch and land the sums by accounting period. Raises Visma's errors and `LeaseLost`."""
    with noting() as asked:
        groups = await visma.grouped(
            VOUCHER,
            item.company.visma_company_id,
            by=["batchNo", "valueDate"],
            sums=["amountDomestic"],
            count="batchNo",
            organisation_number=item.company.organisation_number,
        )
    entered = [Entered(each["batchNo"], date_of(each["valueDate"]), each["count"], each["amountDomestic"]) for each in groups]
    periods = await proofs.dated_periods(outbox, item.company)
    async with answered(outbox, item) as work:
        await land_and_close(work, item, UNPOSTED_VOUCHERS, by_period(entered, periods), questions(asked), requests=1)
