"""Opening balances, and the proof over all periods: one question for the whole ledger, so that everything is compared as of one moment.

What was posted after its period was proven shows up here, and that period is proven anew before the company counts as complete.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from contracts.sync import AccountBalancesVerified, DataSet, SyncStatus
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.balance import Compared, compare
from sync_worker.domain.datasets import COMPUTED_FROM, LEDGER_LINES
from sync_worker.domain.datasets.balances import OPENING_BALANCES, before
from sync_worker.domain.freshness import Freshness
from sync_worker.domain.proof import Group, Landed, Stated, sum_of
from sync_worker.domain.receipt import Coverage, coverage_of, questions
from sync_worker.domain.trouble import Trouble, Troubled
from sync_worker.retrieval import announcements
from sync_worker.retrieval.sums import SOON, answered, close, land_and_close, must_wait
from sync_worker.store import landing, looks, proofs, taking_up, work_items
from sync_worker.store.companies import COMPANIES
from sync_worker.store.work_items import WorkItem
from visma_nxt import VismaClient, noting
from visma_nxt.filters import Filter

_COMPARED = "opening balance and landed lines equal to Visma's own sum of every account as of one moment"
_MOST_CHANGES = 20
_AMOUNT = LEDGER_LINES.visma_name("amount")


async def retrieve_opening_balances(visma: VismaClient, outbox: Outbox, item: WorkItem) -> None:
    """Fetch and land the sums before the start. Raises Visma's errors and `LeaseLost`."""
    by = [LEDGER_LINES.visma_name(name) for name in OPENING_BALANCES.key]
    with noting() as asked:
        groups = await _groups(visma, item, by, before(item.ledger_periods), with_newest=True)
    rows = [(*(group[column] for column in by), group["count"], group[_AMOUNT]) for group in groups]
    newest = max(filter(None, (group["newest"] for group in groups)), default=None)
    async with answered(outbox, item) as work:
        await looks.sum_of_lines(work, item, newest=newest)
        await land_and_close(work, item, OPENING_BALANCES, rows, questions(asked), requests=1)


async def verify_balances(visma: VismaClient, outbox: Outbox, item: WorkItem, freshness: Freshness) -> None:
    """Compare everything that landed of the ledger. Raises Visma's errors, `Troubled` and `LeaseLost`."""
    if await must_wait(outbox, item, COMPUTED_FROM[item.data_set], next_look=freshness.next_look):
        return
    asked_at = outbox.clock()
    with noting() as asked:
        stated = await ledger_sums(visma, item, ("account_no", "year", "period"), None)
    async with answered(outbox, item) as work:
        landed = await landing.totals(work, LEDGER_LINES, item.company, item.ledger_periods)
        opening = {row[:2]: Stated(row[2], row[3]) for row in await landing.everything(work, OPENING_BALANCES, item.company)}
        compared = compare(stated, opening, landed, item.ledger_periods)
        if compared.opening_changed or compared.changed:
            await _take_again(work, item, compared)
            return
        accounts = list(compared.balances)
        totals = [each.model_dump(mode="json") for each in accounts]
        await proofs.put(
            work,
            item,
            rows=len(accounts),
            compared=_COMPARED,
            asked=questions(asked),
            covers=_covered(item, landed, opening),
            hashed=await proofs.hashes(work, item.company.company_id),
            sums=sum_of(landed.values()),
            totals=totals,
            as_of=asked_at,
        )
        work.publish(
            AccountBalancesVerified(
                company_id=item.company.company_id,
                organization_id=item.company.organization_id,
                periods=await work_items.ledger_periods_planned(work, item.company.company_id),
                accounts=accounts,
                as_of=asked_at,
            )
        )
        await close(work, item, rows=len(accounts), requests=1, refresh_at=freshness.next_look(work.now))


def _covered(item: WorkItem, landed: Mapping[Group, Landed], opening: Mapping[Group, Stated]) -> list[Coverage]:
    """The lines of all periods, and the opening balances. The lines are hashed by the proofs of their periods, on which this one rests."""
    lines = coverage_of(LEDGER_LINES, item.company, item.ledger_periods)
    sums = {"by": ("account_no", "year"), "amount": "balance"}
    return [
        replace(lines, rows=sum_of(landed.values()).rows),
        replace(coverage_of(OPENING_BALANCES, item.company, ()), sums=sums, rows=len(opening)),
    ]


async def ledger_sums(visma: VismaClient, item: WorkItem, names: tuple[str, ...], where: Filter | None) -> dict[Group, Stated]:
    """Visma's sums of the ledger by these landed columns."""
    by = [LEDGER_LINES.visma_name(name) for name in names]
    groups = await _groups(visma, item, by, where)
    return {tuple(group[column] for column in by): Stated(group["count"], group[_AMOUNT]) for group in groups}


async def _groups(
    visma: VismaClient, item: WorkItem, by: Sequence[str], where: Filter | None, *, with_newest: bool = False
) -> list[dict[str, Any]]:
    return await visma.grouped(
        LEDGER_LINES.table,
        item.company.visma_company_id,
        by=by,
        sums=[_AMOUNT],
        count=LEDGER_LINES.table.key[-1],
        where=where,
        with_newest=with_newest,
        organisation_number=item.company.organisation_number,
    )


async def _take_again(work: Work, item: WorkItem, compared: Compared) -> None:
    if item.attempts >= _MOST_CHANGES:
        raise Troubled(
            Trouble(
                status=SyncStatus.NEEDS_ATTENTION,
                reason="ledger_keeps_changing",
                message=f"The ledger changed each of the {_MOST_CHANGES} times it was compared as a whole.",
                hint="Ask for the retrieval again when less is posted.",
            )
        )
    company = item.company
    await taking_up.prove_ledger_again(work, company.company_id, compared.changed, opening=compared.opening_changed)
    summed = await looks.sum_again(work, company.company_id)
    await COMPANIES.reopen(work.connection, company_id=company.company_id)  # after the items, as everywhere
    await work_items.defer(work, item, until=work.now + SOON, requests=1, drifted=True)
    for data_set in (DataSet.LEDGER_LINES, DataSet.OPENING_BALANCES, DataSet.ACCOUNT_BALANCES, *summed):
        await announcements.progressed(work, company, data_set)
    metrics.REFETCHES.labels(item.data_set.value).inc()
