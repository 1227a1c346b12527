"""The proof of an item whose rows have all landed: our sums against Visma's own.

A difference may only mean that the ledger changed while it was read. The wrong vouchers are looked for and read again (`locating`); if that
does not settle it, the item is read once more from its start; what differs then is reported. Rows that Visma no longer has are removed only
when the scan saw as many rows as Visma states, never on a guess.

A period that was verified before and comes to something else now is never verified again in silence: what differs is said first, whichever
way it was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from contracts.sync import (
    AccountTotals,
    DataSet,
    Period,
    PeriodMismatched,
    PeriodRepaired,
    PeriodVerified,
    RepairedVoucher,
    SyncStatus,
)
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.changes import IN_SUMS, NOTHING, Changes
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import Dataset
from sync_worker.domain.datasets import DATASETS, LEDGER_LINES
from sync_worker.domain.locating import search_for, voucher_key
from sync_worker.domain.proof import (
    ZERO,
    Difference,
    Group,
    Landed,
    Stated,
    account_differences,
    account_totals,
    differences,
    sum_of,
)
from sync_worker.domain.receipt import Question, coverage_of, questions
from sync_worker.domain.trouble import Trouble
from sync_worker.retrieval import announcements
from sync_worker.retrieval.changes import note
from sync_worker.retrieval.locating import read_anew
from sync_worker.retrieval.row_events import removals
from sync_worker.retrieval.stated import stated_by
from sync_worker.store import landing, proofs, work_items
from sync_worker.store.places import Places
from sync_worker.store.proofs import Proof, Verified
from sync_worker.store.work_items import WorkItem
from visma_nxt import VismaClient, noting

_ASK_AGAIN = "Wait until nobody posts to the ledger and ask for the retrieval again; if it differs still, contact support."


async def verify(visma: VismaClient, outbox: Outbox, item: WorkItem) -> None:
    """Ask Visma for its sums and settle the item; with a period of the ledger all others that wait for their proof, by the same question.

    Raises Visma's errors and `LeaseLost`.
    """
    dataset = DATASETS[item.data_set]
    waiting = [item, *(await work_items.take_along(outbox, item) if dataset.by_period and item.repair is None else [])]
    crash.point("proof.claimed")
    try:
        with noting() as asked:
            stated = await _stated(visma, dataset, _together(waiting))
        crash.point("proof.fetched")
        while waiting:
            each = waiting[0]
            await _settle(outbox, each, _of(each, stated), questions(asked) if dataset.control else each.counted, alone=each is item)
            del waiting[0]
    finally:
        await work_items.give_back(outbox, [each for each in waiting if each is not item])


async def _settle(outbox: Outbox, item: WorkItem, stated: Mapping[Group, Stated], asked: Sequence[Question], *, alone: bool) -> None:
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        await settle(work, item, stated, asked, requests=1 if alone and DATASETS[item.data_set].control else 0)
        crash.point("proof.written", item.data_set)
    crash.point("proof.committed", item.data_set)


def _together(items: Sequence[WorkItem]) -> WorkItem:
    """The first of them, with the accounting periods of all."""
    return replace(items[0], ledger_periods=tuple(sorted({number for each in items for number in each.ledger_periods})))


def _of(item: WorkItem, stated: Mapping[Group, Stated]) -> Mapping[Group, Stated]:
    if item.period is None:
        return stated
    return {group: each for group, each in stated.items() if (group[1], group[2]) in item.ledger_periods}


async def settle(work: Work, item: WorkItem, stated: Mapping[Group, Stated], asked: Sequence[Question], *, requests: int) -> bool:
    """Close the item when it agrees. Else look for the wrong vouchers; if that did not help read it anew; if that did not either report it.

    ``asked`` is what the source was asked for what it states. True when it is closed.
    """
    dataset = DATASETS[item.data_set]
    item = await _without_unseen(work, dataset, item, stated)
    landed = await landing.totals(work, dataset, item.company, item.ledger_periods)
    found = differences(landed, stated)
    unbalanced = await _unbalanced(work, item)
    if not found and not unbalanced:
        await _close(work, dataset, item, landed, asked, requests)
        return True
    if item.differs_since is None:
        await _announce(work, item, found, unbalanced)
    accounts = account_differences(found) if item.data_set is DataSet.LEDGER_LINES else []
    search = search_for(dataset, found, unbalanced, accounts)
    if item.refetched:
        await _report(work, item, found, unbalanced)
    elif search is not None and item.repair is None:
        await work_items.save_search(work, item, search, requests=requests)
    else:
        expected = sum(each.rows for each in stated.values()) if dataset.control else None
        await read_anew(work, item, expected=expected, requests=requests)
    return False


def counted(expected: int | None) -> dict[Group, Stated]:
    """What Visma states of a data set without a control: the number of its rows."""
    return {(): Stated(expected or 0)}


async def _stated(visma: VismaClient, dataset: Dataset, item: WorkItem) -> dict[Group, Stated]:
    return counted(item.expected) if dataset.control is None else await stated_by(visma, dataset, item, dataset.control.by)


async def _without_unseen(work: Work, dataset: Dataset, item: WorkItem, stated: Mapping[Group, Stated]) -> WorkItem:
    """The item after the rows are removed that a scan which saw everything did not see."""
    company, periods = item.company, item.ledger_periods
    if await landing.count_seen(work, dataset, company, item.scan, periods) == sum(each.rows for each in stated.values()):
        removed = await landing.remove_unseen(work, dataset, company, item.scan, periods)
        work.publish(*removals(dataset, company, item.period, removed))
        return await note(work, item, removed=removed)
    return item


async def _unbalanced(work: Work, item: WorkItem) -> list[Group]:
    if item.data_set is not DataSet.LEDGER_LINES:
        return []
    return await proofs.unbalanced_vouchers(work, item.company.company_id, item.ledger_periods)


async def _close(
    work: Work, dataset: Dataset, item: WorkItem, landed: Mapping[Group, Landed], asked: Sequence[Question], requests: int
) -> None:
    company, sums = item.company, sum_of(landed.values())
    accounts = account_totals(landed) if item.data_set is DataSet.LEDGER_LINES else []
    repaired = await _repaired(work, item, landed)
    receipt = await proofs.put(
        work,
        item,
        rows=sums.rows,
        compared=dataset.proof,
        asked=asked,
        covers=coverage_of(dataset, company, item.ledger_periods),
        sums=sums if dataset.control else None,
        totals=[each.model_dump(mode="json") for each in accounts],
    )
    await work_items.finish(work, item, rows=sums.rows, requests=requests)
    if item.data_set is DataSet.LEDGER_LINES and item.period is not None:
        if repaired is not None:
            work.publish(repaired)
        totals = [each.model_dump() for each in accounts]
        proof = Proof(rows=sums.rows, debit=sums.debit, credit=sums.credit, totals=totals, proven_at=work.now, sha256=receipt)
        work.publish(period_verified(company, item.period, proof))
    await announcements.progressed(work, company, item.data_set, item.period)
    await announcements.completed_if_so(work, company)
    if item.repair is not None:
        metrics.REPAIRS.labels(item.data_set.value).inc()
    metrics.ITEMS_PROVEN.labels(item.data_set.value).inc()


def period_verified(company: Company, period: Period, proof: Proof) -> PeriodVerified:
    """The event that states a proof of the ledger."""
    return PeriodVerified(
        company_id=company.company_id,
        organization_id=company.organization_id,
        period=period,
        lines=proof.rows,
        debit=proof.debit or ZERO,
        credit=proof.credit or ZERO,
        accounts=[AccountTotals(**each) for each in proof.totals],
        verified_at=proof.proven_at,
        receipt_sha256=proof.sha256,
    )


async def _repaired(work: Work, item: WorkItem, landed: Mapping[Group, Landed]) -> PeriodRepaired | None:
    """What was put right in a period of the ledger that agrees now, after saying what of it has changed since it was verified."""
    if item.data_set is not DataSet.LEDGER_LINES or item.period is None:
        return None
    before = await proofs.verified(work, item.company.company_id, item.ledger_periods)
    if before is None and item.repair is None:
        return None
    changed = [] if before is None else _changed_since(before, landed)
    vouchers = await _vouchers_of(work, item)
    if before is not None and _is_not_said(item, changed):
        unsaid = changed if item.differs_since is None else []
        work.publish(await _mismatched(work, item, item.period, unsaid, [], before, changes=item.changes))
    if not changed and not vouchers:
        return None
    return PeriodRepaired(
        company_id=item.company.company_id,
        organization_id=item.company.organization_id,
        period=item.period,
        differences=account_differences(changed) if item.repair is None else item.repair.differences,
        vouchers=vouchers,
        differs_since=item.differs_since or work.now,
        repaired_at=work.now,
    )


def _is_not_said(item: WorkItem, changed: Sequence[Difference]) -> bool:
    """Whether something has changed since the period was verified that no mismatch told of, which knows sums only."""
    if item.differs_since is None:
        return bool(changed or item.changes.vouchers)
    return not IN_SUMS.issuperset(item.changes.fields)


def _changed_since(before: Verified, landed: Mapping[Group, Landed]) -> list[Difference]:
    """Where what agrees now is not what agreed before."""
    now = {group: Stated(each.rows, each.balance) for group, each in landed.items() if group[1:] in before.ledger_periods}
    return differences(before.totals, now)


async def _vouchers_of(work: Work, item: WorkItem) -> list[RepairedVoucher]:
    key = voucher_key(LEDGER_LINES)
    places = Places(LEDGER_LINES, item, key, [each.voucher for each in item.changes.vouchers])
    return item.changes.repaired(await places.totals(work.connection, key))


async def _announce(work: Work, item: WorkItem, found: list[Difference], unbalanced: list[Group]) -> None:
    """Say of a period of the ledger that was verified what differs."""
    if item.data_set is not DataSet.LEDGER_LINES or item.period is None:
        return
    before = await proofs.verified(work, item.company.company_id, item.ledger_periods)
    if before is not None and (unbalanced or any(each.group[1:] in before.ledger_periods for each in found)):
        work.publish(await _mismatched(work, item, item.period, found, unbalanced, before))


async def _mismatched(
    work: Work,
    item: WorkItem,
    period: Period,
    found: list[Difference],
    unbalanced: list[Group],
    before: Verified | None,
    *,
    changes: Changes = NOTHING,
) -> PeriodMismatched:
    company = item.company
    return PeriodMismatched(
        company_id=company.company_id,
        organization_id=company.organization_id,
        period=period,
        differences=account_differences(found),
        differs_since=item.differs_since or work.now,
        unbalanced_vouchers=[f"{journal}/{voucher}" for journal, voucher in unbalanced],
        checked_at=work.now,
        verified_at=before and before.at,
        closed=await proofs.is_closed(work, company.company_id, item.ledger_periods),
        changed_lines=changes.different,
        changed_fields=list(changes.fields),
        changed_vouchers=[f"{journal}/{voucher}" for journal, voucher in (each.voucher for each in changes.vouchers)],
    )


async def _report(work: Work, item: WorkItem, found: list[Difference], unbalanced: list[Group]) -> None:
    company = item.company
    if item.data_set is DataSet.LEDGER_LINES and item.period is not None:
        before = await proofs.verified(work, company.company_id, item.ledger_periods)
        work.publish(await _mismatched(work, item, item.period, found, unbalanced, before))
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
