"""Rows that became visible late, behind newer ones that were known: neither the number of rows nor the moment of the newest tells of them.

When the overlap has passed after a data set was read, what was written from before its newest row on is asked for once more, and compared
with what has landed. Nothing carries an earlier moment by then, so that a data set in which nothing changes is not asked for again.
"""

from collections.abc import Iterable
from datetime import datetime

from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.freshness import Freshness
from sync_worker.store import landing, looks
from sync_worker.store.looks import Proven
from visma_nxt import Page, VismaClient


async def written_behind(
    visma: VismaClient, company: Company, proven: Iterable[Proven], freshness: Freshness, now: datetime
) -> list[tuple[Proven, Page]]:
    """Of the items whose time it is, what was written since shortly before the newest row: a request for each."""
    return [
        (each, await _written_since(visma, company, each, freshness.since(each.mark.newest)))
        for each in proven
        if each.agreed and each.unsettled_since and freshness.is_time_for_late_commits(each.mark.newest, each.unsettled_since, now)
    ]


async def found_late(work: Work, company: Company, behind: Iterable[tuple[Proven, Page]]) -> list[Proven]:
    """The items with rows that have not landed as they are; of the others it is noted that nothing can come any more."""
    late: list[Proven] = []
    settled: list[Proven] = []
    for each, page in behind:
        dataset = DATASETS[each.data_set]
        known = not page.has_more and await landing.has_landed(work, dataset, company, dataset.translate(page.rows, company))
        (settled if known else late).append(each)
    await looks.settle(work, settled)
    return late


async def _written_since(visma: VismaClient, company: Company, each: Proven, since: str) -> Page:
    dataset = DATASETS[each.data_set]
    return await visma.rows(
        dataset.table,
        company.visma_company_id,
        where=dataset.filter_for(company, each.ledger_periods, changed_since=since),
        with_total=True,
        organisation_number=company.organisation_number,
    )
