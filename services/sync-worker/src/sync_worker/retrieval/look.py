"""A look at a company that was retrieved before: one question tells whether anything changed, and only what changed is read.

For each data set Visma says how many rows it has and when the newest was written, for the ledger by accounting period. A period that was
verified and differs now is announced as such, account by account, before what changed replaces what was verified. When nothing differs, all
that was proven one after the other is as of this one moment (`consistent_cut`).

A customer may have hidden a table since, and the question that names it is rejected as a whole. Each data set is then asked about on its
own, and those that are hidden are retrieved anew: their own steps meet the closed door, and the next look is at the others.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from zoneinfo import ZoneInfo

from contracts.sync import DataSet, PeriodMismatched
from eventing import crash
from eventing.outbox import Outbox
from eventing.work import Work
from sync_worker import metrics
from sync_worker.domain.company import Company
from sync_worker.domain.datasets import DATASETS, LEDGER_LINES
from sync_worker.domain.datasets.balances import before
from sync_worker.domain.freshness import NO_ROWS, Freshness, Mark, is_news
from sync_worker.domain.periods import YearAndPeriod
from sync_worker.domain.plan import FIRST_ITEM, Planned, is_outdated
from sync_worker.domain.proof import Group, Stated, account_differences, differences
from sync_worker.domain.receipt import questions
from sync_worker.retrieval import announcements
from sync_worker.retrieval.balances import ledger_sums
from sync_worker.retrieval.consistent_cut import state_cut
from sync_worker.retrieval.late_commits import found_late, written_behind
from sync_worker.store import landing, looks, proofs, taking_up, wall, work_items
from sync_worker.store.companies import COMPANIES
from sync_worker.store.looks import Proven
from sync_worker.store.work_items import WorkItem
from visma_nxt import Asked, VismaClient, noting
from visma_nxt.errors import QueryRejected
from visma_nxt.filters import gte

_NORWAY = ZoneInfo("Europe/Oslo")
_BY_PERIOD = ("year", "period")


async def look(visma: VismaClient, outbox: Outbox, item: WorkItem, freshness: Freshness) -> None:
    """Queue what changed since it was last compared, or rest until the next look. Raises Visma's errors and `LeaseLost`."""
    company = item.company
    async with wall.reading(outbox, company) as connection:
        proven = await looks.proven(connection, company.company_id)
    as_of = outbox.clock()  # after: what is proven before it and unchanged after it was the same at that moment
    hidden: list[Proven] = []
    try:
        with noting() as asked:
            by_period, whole = await _marks(visma, company, proven)
    except QueryRejected as error:
        hidden = await _hidden_among(visma, company, proven) if error.names_unknown else []
        if not hidden:
            raise
        proven, by_period, whole = [], {}, {}
    crash.point("look.marked")
    counted = questions(asked)
    now = {each.id: _mark_of(each, by_period, whole) for each in proven}
    ledger = await proofs.ledger_periods(outbox, company)
    outdated = is_outdated(
        company, await work_items.planned(outbox.pool, company.company_id), ledger, by_period, outbox.clock().astimezone(_NORWAY).date()
    )
    news = [each for each in proven if is_news(each.mark, now[each.id]) or (outdated and each.data_set is FIRST_ITEM.data_set)]
    verified = [each for each in news if each.data_set is DataSet.LEDGER_LINES and each.agreed]
    stated = await _sums_of(visma, item, verified) if verified else {}
    behind = await written_behind(visma, company, [each for each in proven if each not in news], freshness, outbox.clock())
    requests = 1 + bool(verified) + len(behind)
    crash.point("look.fetched")
    async with outbox.work(item.cause) as work:
        await work_items.hold(work, item)
        differing = await _announce_differences(work, company, verified, stated)
        taken = [
            each
            for each in [*news, *await found_late(work, company, behind)]
            if await looks.read_changes(
                work,
                each,
                changed_since=freshness.since(each.mark.newest),
                mark=now[each.id],
                counted=counted,
                differs=each.id in differing,
            )
        ]
        if hidden:
            await taking_up.refetch(work, company.company_id, [Planned(each.data_set, "", ()) for each in hidden])
        if taken or hidden or not await proofs.is_fresh(work, company.company_id, since=work.now - freshness.proof):
            await _compare_again(work, item, [*taken, *hidden], requests=requests)
        else:
            await looks.rest(work, item, until=freshness.next_look(work.now), requests=requests)
            await work_items.end_turns(work, company.company_id)
            if item.attempts or item.reason:
                await announcements.progressed(work, company, item.data_set)
            # What was proven meanwhile found this item busy, and could not be the last.
            await COMPANIES.lock(work.connection, company_id=company.company_id)
            await announcements.completed_if_so(work, company)
            await state_cut(work, company, proven, as_of=as_of)
        crash.point("look.written")
    crash.point("look.committed")
    metrics.LOOKS.labels("news" if taken or hidden else "quiet").inc()


async def _marks(visma: VismaClient, company: Company, proven: Sequence[Proven]) -> tuple[dict[YearAndPeriod, Mark], dict[DataSet, Mark]]:
    years = [year for each in proven if each.period is not None for year, _ in each.ledger_periods]
    since = gte("year", min(years)) if years else None
    registers = [(each.data_set, asked) for each in proven if each.period is None for asked in _asked_of(each, company)]
    periods = [LEDGER_LINES.visma_name(name) for name in _BY_PERIOD]
    answers = await visma.marks(
        company.visma_company_id,
        [Asked(LEDGER_LINES.table, since, tuple(periods)), *(asked for _, asked in registers)],
        organisation_number=company.organisation_number,
    )
    by_period = {(mark.group[0], mark.group[1]): Mark(mark.rows, mark.newest) for mark in answers[0]}
    whole = {data_set: NO_ROWS for data_set, _ in registers}
    for (data_set, _), [mark] in zip(registers, answers[1:], strict=True):
        whole[data_set] = whole[data_set].and_(Mark(mark.rows, mark.newest))
    return by_period, whole


def _asked_of(each: Proven, company: Company) -> list[Asked]:
    if each.data_set is DataSet.OPENING_BALANCES:
        return [Asked(LEDGER_LINES.table, before(each.ledger_periods))]
    dataset = DATASETS[each.data_set]
    return [Asked(table, dataset.filter_for(company, ())) for table in dataset.table.parts or [dataset.table]]


async def _hidden_among(visma: VismaClient, company: Company, proven: Sequence[Proven]) -> list[Proven]:
    """Not what is asked of the ledger: without that the look itself needs consent."""
    hidden = []
    for each in proven:
        if each.period is None and each.data_set is not DataSet.OPENING_BALANCES:
            try:
                await visma.marks(company.visma_company_id, _asked_of(each, company), organisation_number=company.organisation_number)
            except QueryRejected:
                hidden.append(each)
    return hidden


def _mark_of(each: Proven, by_period: Mapping[YearAndPeriod, Mark], whole: Mapping[DataSet, Mark]) -> Mark:
    if each.period is None:
        return whole[each.data_set]
    return reduce(Mark.and_, (by_period.get(number, NO_ROWS) for number in each.ledger_periods), NO_ROWS)


async def _sums_of(visma: VismaClient, item: WorkItem, periods: Sequence[Proven]) -> dict[Group, Stated]:
    numbers = sorted(number for each in periods for number in each.ledger_periods)
    return await ledger_sums(visma, item, ("account_no", "year", "period"), LEDGER_LINES.filter_for(item.company, numbers))


async def _announce_differences(work: Work, company: Company, verified: Sequence[Proven], stated: Mapping[Group, Stated]) -> set[int]:
    if not verified:
        return set()
    differing = set()
    for each in verified:
        landed = await landing.totals(work, LEDGER_LINES, company, each.ledger_periods)
        mine = {group: sums for group, sums in stated.items() if (group[1], group[2]) in each.ledger_periods}
        found = differences(landed, mine)
        if found and each.period is not None:
            differing.add(each.id)
            was = await proofs.verified(work, company.company_id, each.ledger_periods)
            work.publish(
                PeriodMismatched(
                    company_id=company.company_id,
                    organization_id=company.organization_id,
                    period=each.period,
                    differences=account_differences(found),
                    unbalanced_vouchers=[],
                    checked_at=work.now,
                    verified_at=was and was.at,
                    closed=await proofs.is_closed(work, company.company_id, each.ledger_periods),
                )
            )
    return differing


async def _compare_again(work: Work, item: WorkItem, taken: Collection[Proven], *, requests: int) -> None:
    """What changed is read first; then the whole company is proven and summed up once more."""
    company = item.company
    await COMPANIES.reopen(work.connection, company_id=company.company_id)
    await looks.compare_next(work, item, requests=requests)
    summed = await looks.sum_again(work, company.company_id)
    for data_set in dict.fromkeys([*(each.data_set for each in taken), *summed, item.data_set]):
        await announcements.progressed(work, company, data_set)
