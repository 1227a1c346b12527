"""The proof of an item whose rows have all landed: our sums against Visma's own.

A difference may only mean that the ledger changed while it was read, so the item is read once more from its start; what differs then is
reported. Rows that Visma no longer has are removed only when the scan saw as many rows as Visma states, never on a guess.
"""

from collections.abc import Mapping

from contracts.accounting import RowsRemoved
from contracts.sync import DataSet, PeriodMismatched, PeriodVerified, SyncStatus
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.dataset import Dataset
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.proof import (
    Difference,
    Group,
    Landed,
    Stated,
    account_differences,
    account_totals,
    differences,
    sum_of,
)
from sync_worker.domain.trouble import Trouble
from sync_worker.retrieval import announcements
from sync_worker.retrieval.row_events import row_events
from sync_worker.store import landing, proofs, work_items
from sync_worker.store.work_items import WorkItem
from visma_nxt import VismaClient

_ASK_AGAIN = "Wait until nobody posts to the ledger and ask for the retrieval again; if it differs still, contact support."


async def verify(visma: VismaClient, outbox: Outbox, item: WorkItem) -> None:
    """Ask Visma for its sums and settle the item. Raises Visma's errors and `LeaseLost`."""
    dataset = DATASETS[item.data_set]
    stated = await _stated(visma, dataset, item)
    crash.point("proof.fetched")
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        await settle(work, item, stated, requests=1 if dataset.control else 0)
        crash.point("proof.written")
    crash.point("proof.committed")


async def settle(work: Work, item: WorkItem, stated: Mapping[Group, Stated], *, requests: int) -> bool:
    """Close the item when it agrees, read it again when it differs for the first time, else report it. True when it is closed."""
    dataset = DATASETS[item.data_set]
    landed = await _landed(work, dataset, item, stated)
    found = differences(landed, stated)
    unbalanced = await _unbalanced(work, item)
    if not found and not unbalanced:
        await _close(work, dataset, item, landed, requests)
        return True
    if item.refetched:
        await _report(work, item, found, unbalanced)
    else:
        metrics.REFETCHES.labels(item.data_set.value).inc()
        expected = sum(each.rows for each in stated.values()) if dataset.control else None
        await work_items.scan_again(work, item, expected=expected, requests=requests)
        await announcements.progressed(work, item.company, item.data_set, item.period)
    return False


async def _stated(visma: VismaClient, dataset: Dataset, item: WorkItem) -> dict[Group, Stated]:
    if dataset.control is None:
        return {(): Stated(item.expected or 0)}
    by, amount = [dataset.visma_name(name) for name in dataset.control.by], dataset.visma_name(dataset.control.amount)
    groups = await visma.grouped(
        dataset.table,
        item.company.visma_company_id,
        by=by,
        sums=[amount],
        count=dataset.table.key[-1],
        where=dataset.filter_for(item.company, item.ledger_periods),
        organisation_number=item.company.organisation_number,
    )
    return {tuple(group[column] for column in by): Stated(group["count"], group[amount]) for group in groups}


async def _landed(work: Work, dataset: Dataset, item: WorkItem, stated: Mapping[Group, Stated]) -> dict[Group, Landed]:
    """What our table holds, after the rows are removed that a scan which saw everything did not see."""
    company, periods = item.company, item.ledger_periods
    if await landing.count_seen(work, dataset, company, item.scan, periods) == sum(each.rows for each in stated.values()):
        removed = await landing.remove_unseen(work, dataset, company, item.scan, periods)
        if dataset.removal is not None:
            work.publish(*row_events(dataset.removal, company, item.period, dataset.names, removed))
        else:
            work.publish(*row_events(RowsRemoved, company, None, dataset.names, removed, data_set=item.data_set))
    return await landing.totals(work, dataset, company, periods)


async def _unbalanced(work: Work, item: WorkItem) -> list[str]:
    if item.data_set is not DataSet.LEDGER_LINES:
        return []
    return await proofs.unbalanced_vouchers(work, item.company.company_id, item.ledger_periods)


async def _close(work: Work, dataset: Dataset, item: WorkItem, landed: Mapping[Group, Landed], requests: int) -> None:
    company, sums = item.company, sum_of(landed.values())
    accounts = account_totals(landed) if item.data_set is DataSet.LEDGER_LINES else []
    await proofs.put(
        work,
        item,
        rows=sums.rows,
        compared=dataset.proof,
        sums=sums if dataset.control else None,
        totals=[each.model_dump(mode="json") for each in accounts],
    )
    await work_items.finish(work, item, rows=sums.rows, requests=requests)
    if item.data_set is DataSet.LEDGER_LINES and item.period is not None:
        work.publish(
            PeriodVerified(
                company_id=company.company_id,
                organization_id=company.organization_id,
                period=item.period,
                lines=sums.rows,
                debit=sums.debit,
                credit=sums.credit,
                accounts=accounts,
                verified_at=work.now,
            )
        )
    await announcements.progressed(work, company, item.data_set, item.period)
    await announcements.completed_if_so(work, company)
    metrics.ITEMS_PROVEN.labels(item.data_set.value).inc()


async def _report(work: Work, item: WorkItem, found: list[Difference], unbalanced: list[str]) -> None:
    company = item.company
    if item.data_set is DataSet.LEDGER_LINES and item.period is not None:
        work.publish(
            PeriodMismatched(
                company_id=company.company_id,
                organization_id=company.organization_id,
                period=item.period,
                differences=account_differences(found),
                unbalanced_vouchers=unbalanced,
                checked_at=work.now,
            )
        )
        parts = [f"{len(found)} accounts differ from Visma's own sums"] if found else []
        parts += [f"{len(unbalanced)} vouchers do not sum to zero"] if unbalanced else []
        message = f"{' and '.join(parts)}, also after the period was retrieved anew."
    else:
        landed, stated = sum(each.landed.rows for each in found), sum(each.stated.rows for each in found)
        message = f"What was retrieved ({landed} rows) differs from what Visma states ({stated} rows), also after it was retrieved anew."
    trouble = Trouble(status=SyncStatus.NEEDS_ATTENTION, reason="mismatch", message=message, hint=_ASK_AGAIN)
    await work_items.stop(work, item, trouble)
    announcements.needs_attention(work, company, item.data_set, item.period, trouble)
    await announcements.progressed(work, company, item.data_set, item.period, message=message)
    metrics.MISMATCHES.labels(item.data_set.value).inc()
