"""The figures of the VAT return, and their proof: the tax codes and value dates of the landed lines against Visma's own sums, term by term.

The proof of a period says nothing of the codes on its lines. A difference may only mean that one was changed since, so the periods it is in
are retrieved anew; what differs then is reported. Lines with a code whose value date lies in no term are in no figure: how many, and what
they come to, stands in the receipt and in `SyncCompleted`.
"""

from collections.abc import Sequence

from contracts.sync import DataSet, SyncStatus
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.datasets import COMPUTED_FROM, LEDGER_LINES
from sync_worker.domain.datasets.vat import VAT_FIGURES
from sync_worker.domain.proof import Difference, Group, Stated, differences, sum_of
from sync_worker.domain.receipt import questions
from sync_worker.domain.trouble import Trouble, Troubled
from sync_worker.domain.vat_figures import VatTerm, figures, in_words
from sync_worker.retrieval import announcements
from sync_worker.retrieval.sums import SOON, answered, land_and_close, must_wait
from sync_worker.store import taking_up, vat, work_items
from sync_worker.store.companies import COMPANIES
from sync_worker.store.work_items import WorkItem
from visma_nxt import VismaClient, noting
from visma_nxt.filters import Filter, all_of, gte, lte, not_eq
from visma_nxt.values import number_of

_TERMS_AT_ONCE = 6  # a year of two-month terms in one request
_BY = ("vat_code", "account_no", "year", "period")


async def calculate_vat_figures(visma: VismaClient, outbox: Outbox, item: WorkItem) -> None:
    """Compare and land the figures of every term. Raises Visma's errors, `Troubled` and `LeaseLost`."""
    if await must_wait(outbox, item, COMPUTED_FROM[item.data_set]):
        return
    company_id = item.company.company_id
    terms = await vat.terms(outbox, item.company)
    chunks = [terms[first : first + _TERMS_AT_ONCE] for first in range(0, len(terms), _TERMS_AT_ONCE)]
    with noting() as asked:
        stated = {group: each for chunk in chunks for group, each in (await _stated(visma, item, chunk)).items()}
    async with answered(outbox, item) as work:
        landed = await vat.totals(work, company_id, item.ledger_periods)
        if found := differences(landed, stated):
            await _take_again(work, item, found, requests=len(chunks))
            return
        rows = figures(landed, await vat.codes(work, company_id), terms)
        outside = await vat.outside_terms(work, company_id, item.ledger_periods)
        totals = [outside.model_dump(mode="json")] if outside else []
        sums = sum_of(landed.values())
        await land_and_close(work, item, VAT_FIGURES, rows, questions(asked), requests=len(chunks), sums=sums, totals=totals)


async def _stated(visma: VismaClient, item: WorkItem, terms: Sequence[VatTerm]) -> dict[Group, Stated]:
    """Visma's sums of the planned accounting periods, by ``(year, term, code, account, ledger year, period)``."""
    by, amount = [LEDGER_LINES.visma_name(name) for name in _BY], LEDGER_LINES.visma_name("amount")
    of_each = await visma.grouped_each(
        LEDGER_LINES.table,
        item.company.visma_company_id,
        by=by,
        sums=[amount],
        count=LEDGER_LINES.table.key[-1],
        wheres=[_lines_of(term) for term in terms],
        organisation_number=item.company.organisation_number,
    )
    planned = set(item.ledger_periods)
    return {
        (term.year, term.term, *key): Stated(group["count"], group[amount])
        for term, groups in zip(terms, of_each, strict=True)
        for group in groups
        if (key := tuple(group[column] for column in by))[2:] in planned
    }


def _lines_of(term: VatTerm) -> Filter:
    value_date = LEDGER_LINES.visma_name("value_date")
    return all_of(
        gte(value_date, number_of(term.first_day)),
        lte(value_date, number_of(term.last_day)),
        not_eq(LEDGER_LINES.visma_name("vat_code"), 0),
    )


async def _take_again(work: Work, item: WorkItem, found: list[Difference], *, requests: int) -> None:
    if item.refetched:
        raise Troubled(
            Trouble(
                status=SyncStatus.NEEDS_ATTENTION,
                reason="mismatch",
                message=f"The VAT figures differ from Visma's own sums, also after their lines were retrieved anew: {in_words(found)}.",
                hint="Wait until nobody posts to the ledger and ask for the retrieval again; if it differs still, contact support.",
            )
        )
    await taking_up.scan_ledger_again(work, item.company.company_id, {(each.group[4], each.group[5]) for each in found})
    await COMPANIES.reopen(work.connection, company_id=item.company.company_id)  # after the items, as everywhere
    await work_items.defer(work, item, until=work.now + SOON, requests=requests, drifted=True)
    for data_set in (DataSet.LEDGER_LINES, DataSet.ACCOUNT_BALANCES, DataSet.VAT_FIGURES):
        await announcements.progressed(work, item.company, data_set)
    metrics.REFETCHES.labels(item.data_set.value).inc()
