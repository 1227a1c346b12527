"""What Visma states of an item: its own sums and counts by group."""

from collections.abc import Sequence

from sync_worker.domain.dataset import Dataset
from sync_worker.domain.proof import Group, Stated
from sync_worker.store.work_items import WorkItem
from visma_nxt import VismaClient
from visma_nxt.filters import Filter, all_of


async def stated_by(
    visma: VismaClient, dataset: Dataset, item: WorkItem, names: Sequence[str], *, within: Filter | None = None
) -> dict[Group, Stated]:
    """By the landed columns ``names``, of the item or of the rows ``within`` it; for a data set with a control. Raises Visma's errors."""
    assert dataset.control is not None  # noqa: S101 - without one the number of rows is all that is stated
    by, amount = [dataset.visma_name(name) for name in names], dataset.visma_name(dataset.control.amount)
    conditions = [each for each in (dataset.filter_for(item.company, item.ledger_periods), within) if each is not None]
    groups = await visma.grouped(
        dataset.table,
        item.company.visma_company_id,
        by=by,
        sums=[amount],
        count=dataset.table.key[-1],
        where=all_of(*conditions) if conditions else None,
        organisation_number=item.company.organisation_number,
    )
    return {tuple(group[column] for column in by): Stated(group["count"], group[amount]) for group in groups}
