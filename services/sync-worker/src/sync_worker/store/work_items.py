"""The queue of work: items are claimed with a lease, renewed while somebody works on them; others take them up when the lease runs out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from contracts.sync import DataSet, Period, SyncStatus
from eventing.outbox import Outbox
from eventing.sql import queries
from eventing.work import Cause, Connection, Work
from sync_worker.domain.changes import NOTHING, Changes
from sync_worker.domain.company import Company
from sync_worker.domain.estimate import Part
from sync_worker.domain.locating import Repair, Search
from sync_worker.domain.periods import YearAndPeriod
from sync_worker.domain.plan import Planned, PlannedItem, Source, source_of
from sync_worker.domain.progress import GOING_ON
from sync_worker.domain.receipt import Question
from sync_worker.domain.replanning import question_of, since_of
from sync_worker.domain.scan import Key
from sync_worker.domain.trouble import OUR_CREDENTIALS, Trouble
from sync_worker.store.companies import COMPANIES, company_of

_ITEMS = queries(__file__, "work_items")


class LeaseLost(Exception):
    """Somebody else has taken the item up, or it was stopped. What was fetched for it is thrown away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """An item in hand. ``cause`` is the message that made it necessary; everything published for the item names it.

    With ``changed_since`` only what was written from then on is read, with ``retrieved_from`` only what lies before that day.
    ``known``: it agreed with its source before. ``counted`` is what was asked when it said how many rows are ``expected``.
    ``changes``: what came and went since it was verified, of a period of the ledger.
    ``reason``: of the trouble it is in since then, if any.
    """

    id: int
    token: UUID
    rank: int
    company: Company
    data_set: DataSet
    period: Period | None
    ledger_periods: tuple[YearAndPeriod, ...]
    retrieved_from: date | None
    scan: int
    cursor: Key | None
    scanned: int
    expected: int | None
    counted: list[Question]
    scan_complete: bool
    changed_since: str | None
    known: bool
    refetched: bool
    search: Search | None
    repair: Repair | None
    changes: Changes
    differs_since: datetime | None
    attempts: int
    reason: str | None
    company_started: bool
    cause: Cause


@dataclass(frozen=True, slots=True)
class Waiting:
    """What could be claimed: how many items, and whether somebody waits to see one of them (rank 0)."""

    items: int
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The items of one data set together, and the periods of those that have one.

    ``parts`` are all items of the company from the same source; what of them is done was done since ``measured_from``, if that is measured,
    without the time (``idle``) in which nothing was asked for.
    ``given_up``: the source is not asked for the company. ``again_at``: when the first of the data set's items that rest is taken up by
    itself.
    """

    rows: int
    rows_expected: int | None
    requests: int
    statuses: frozenset[SyncStatus]
    periods: Mapping[str, SyncStatus]
    paused: bool
    given_up: bool
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    again_at: datetime | None
    parts: Sequence[Part]
    measured_from: datetime | None
    idle: timedelta


async def add(work: Work, company: Company, planned: Sequence[PlannedItem]) -> None:
    """Queue what was planned. An item that is there already stays as it is."""
    rows = [
        {
            "organization_id": company.organization_id,
            "company_id": company.company_id,
            "source": source_of(item.data_set).value,
            "data_set": item.data_set.value,
            "period_label": item.label,
            "first_day": item.period.first_day if item.period else None,
            "last_day": item.period.last_day if item.period else None,
            "ledger_periods": item.ledger_periods,
            "question": question_of(company, item),
            "since": since_of(company, item),
            "rank": item.rank,
            "expected": item.rows_expected,
            "newest": item.newest,
            "next_attempt_at": work.now,
            **cause_columns(work),
        }
        for item in planned
    ]
    await _ITEMS.add(work.connection, rows)
    await add_turns(work, company.company_id, {source_of(item.data_set) for item in planned})


async def add_turns(work: Work, company_id: UUID, sources: Iterable[Source]) -> None:
    """Let the company be served by the workers of these sources, if it is not already."""
    await _ITEMS.add_turns(work.connection, company_id=company_id, sources=sorted(each.value for each in sources), now=work.now)


async def measure(work: Work, company_id: UUID) -> None:
    """Measure from now on how long the work for the company takes."""
    await _ITEMS.measure(work.connection, company_id=company_id, now=work.now)


async def leave_out(work: Work, company_id: UUID, *, since: datetime) -> None:
    """Nothing was asked for the company since then, so that time is not measured."""
    await _ITEMS.leave_out(work.connection, company_id=company_id, since=since, until=work.now)


async def waiting(outbox: Outbox, source: Source, *, most: int, enough: int) -> Waiting:
    """What could be claimed now; ``most`` is as in `claim`, of one company no more than ``enough`` items are counted."""
    row = await _ITEMS.waiting(outbox.pool, source=source.value, now=outbox.clock(), most=most, enough=enough)
    return Waiting(row["items"], row["urgent"])


async def claim(outbox: Outbox, source: Source, lease: timedelta, *, most: int, urgent_first: bool = False) -> WorkItem | None:
    """The next item of a source: of the company that was served longest ago and has fewer than ``most`` items in hand.

    With ``urgent_first`` companies whose first figures somebody waits for go before. None when nothing is due, or when another process is
    claiming for the same company at this moment.
    """
    now, token = outbox.clock(), uuid4()
    about = {"now": now, "token": token, "lease_until": now + lease, "most": most, "urgent_first": urgent_first}
    row = await _ITEMS.claim(outbox.pool, source=source.value, **about)
    return None if row is None else _item_of(row, token)


async def renew(outbox: Outbox, tokens: Collection[UUID], lease: timedelta) -> None:
    """Hold these leases for longer."""
    await _ITEMS.renew(outbox.pool, tokens=list(tokens), lease_until=outbox.clock() + lease)


async def release(outbox: Outbox, tokens: Collection[UUID]) -> None:
    """Give the items back."""
    await _ITEMS.release(outbox.pool, tokens=list(tokens))


async def hold(work: Work, item: WorkItem) -> None:
    """Lock the item for this transaction; raises `LeaseLost` when it is not ours any more."""
    if not await _ITEMS.hold(work.connection, id=item.id, token=item.token):
        raise LeaseLost


async def gone_on(work: Work, item: WorkItem) -> None:
    """The source has answered an item that had been in trouble: whatever door was closed is open."""
    if item.reason is None:
        return
    company_id, source = item.company.company_id, source_of(item.data_set).value
    await COMPANIES.open_doors(work.connection, company_id=company_id, sources=[source])
    if item.reason in OUR_CREDENTIALS:
        await _ITEMS.follow(work.connection, company_id=company_id, source=source, reason=item.reason, now=work.now)


async def save_page(
    work: Work,
    item: WorkItem,
    *,
    cursor: Key | None,
    seen: int,
    expected: int | None,
    counted: Sequence[Question] | None,
    newest: str | None,
    scan_complete: bool,
    prove_at: datetime,
    keep: bool,
) -> bool:
    """Note a landed page, and give the item back unless it is to be kept and its company is not paused; true when it was kept.

    Without ``expected``, ``counted`` and ``newest`` what is known of them stays.

    A complete scan is proven at ``prove_at``, or sooner with others of the company.
    """
    about = {"cursor": cursor, "seen": seen, "expected": expected, "counted": counted, "newest": newest, "scan_complete": scan_complete}
    await gone_on(work, item)
    return bool(await _ITEMS.save_page(work.connection, id=item.id, prove_at=prove_at, keep=keep, **about))


async def take_along(outbox: Outbox, item: WorkItem) -> list[WorkItem]:
    """Other periods of the item's company that wait for their proof, under the item's lease; oldest last."""
    rows = _ITEMS.take_along(outbox.pool, id=item.id, company_id=item.company.company_id, token=item.token, now=outbox.clock())
    return sorted([_item_of(row, item.token) async for row in rows], key=lambda each: each.rank)


async def give_back(outbox: Outbox, items: Sequence[WorkItem]) -> None:
    """Let others take up what was taken along and not finished."""
    if items:
        await _ITEMS.give_back(outbox.pool, ids=[each.id for each in items], token=items[0].token)


async def finish(work: Work, item: WorkItem, *, rows: int, requests: int, refresh_at: datetime | None = None) -> None:
    """The item is retrieved and proven; at ``refresh_at`` it is taken up again by itself."""
    await gone_on(work, item)
    await _ITEMS.finish(work.connection, id=item.id, rows=rows, requests=requests, refresh_at=refresh_at, now=work.now)


async def planned(connection: Connection | asyncpg.Pool, company_id: UUID) -> list[Planned]:
    """All items of a company as the plan made them, newest period first."""
    rows = _ITEMS.planned(connection, company_id=company_id)
    return [Planned(DataSet(row["data_set"]), row["period_label"], ledger_periods_of(row)) async for row in rows]


async def scan_again(work: Work, item: WorkItem, *, expected: int | None, requests: int) -> None:
    """Retrieve the item once more from its start."""
    await _ITEMS.scan_again(work.connection, id=item.id, expected=expected, requests=requests, now=work.now)


async def save_search(work: Work, item: WorkItem, search: Search, *, requests: int) -> None:
    """Note how far a difference is narrowed down, and give the item back."""
    await gone_on(work, item)
    await _ITEMS.save_search(
        work.connection, id=item.id, search=search.model_dump(mode="json"), repair=None, requests=requests, now=work.now
    )


async def save_repair(work: Work, item: WorkItem, repair: Repair, *, requests: int) -> None:
    """The search is over and what it found is read again; the proof is next. Gives the item back."""
    await gone_on(work, item)
    await _ITEMS.save_search(
        work.connection, id=item.id, search=None, repair=repair.model_dump(mode="json"), requests=requests, now=work.now
    )


async def save_changes(work: Work, item: WorkItem) -> None:
    """Note the item's changes; they are forgotten when it is finished."""
    await _ITEMS.save_changes(work.connection, id=item.id, changes=item.changes.model_dump(mode="json"))


async def defer(work: Work, item: WorkItem, *, until: datetime, requests: int = 0, drifted: bool = False) -> None:
    """Look at the item again later, because others of its company come first; ``drifted`` counts how often Visma had changed."""
    await _ITEMS.defer(work.connection, id=item.id, until=until, requests=requests, drifted=int(drifted))


async def progress_of(work: Work, company_id: UUID, data_sets: Collection[DataSet]) -> tuple[int, int, list[DataSet]]:
    """How many items of these data sets the workers have still to prove, how many wait for a person, and which the source does not know."""
    row = await _ITEMS.progress_of(work.connection, company_id=company_id, data_sets=[each.value for each in data_sets])
    return row["under_way"], row["stopped"], list(map(DataSet, row["not_supported"]))


async def ledger_periods_planned(work: Work, company_id: UUID) -> list[Period]:
    """The reconciliation periods of the ledger, newest first."""
    return [Period(**row) async for row in _ITEMS.ledger_reconciliation_periods(work.connection, company_id=company_id)]


async def postpone(work: Work, item: WorkItem, trouble: Trouble, *, until: datetime) -> None:
    """Try again later."""
    await _ITEMS.postpone(work.connection, id=item.id, next_attempt_at=until, **_columns_of(trouble))


async def stop(work: Work, item: WorkItem, trouble: Trouble, *, again_at: datetime | None = None) -> None:
    """Leave the item until somebody asks for it again, or until then."""
    await _ITEMS.stop(work.connection, id=item.id, status=trouble.status.value, again_at=again_at, **_columns_of(trouble))


async def stop_source(
    work: Work, item: WorkItem, trouble: Trouble, *, again_at: datetime | None, others_at: datetime | None
) -> list[DataSet]:
    """Leave everything of the item's company that comes from its source, as `stop` does: the rest until ``others_at``.

    Gives the data set of every item that was not stopped before.
    """
    about = {"company_id": item.company.company_id, "source": source_of(item.data_set).value, "status": trouble.status.value}
    times = {"id": item.id, "again_at": again_at, "others_at": others_at}
    rows = _ITEMS.stop_source(work.connection, **about, **times, **_columns_of(trouble))
    return [DataSet(row["data_set"]) async for row in rows if row["stopped"]]


async def end_turns(work: Work, company_id: UUID) -> None:
    """The company has nothing left to claim; `add` lets it take part again."""
    await _ITEMS.end_turns(work.connection, company_id=company_id)


async def progress(work: Work, company_id: UUID, data_set: DataSet) -> Progress:
    """How far a data set is."""
    rows = [row async for row in _ITEMS.progress(work.connection, company_id=company_id, source=source_of(data_set).value)]
    own = [row for row in rows if row["data_set"] == data_set.value]
    expected = [row["expected"] for row in own]
    given_up = own[0]["given_up"]
    resting = [row["refresh_at"] for row in own if SyncStatus(row["status"]) not in GOING_ON and not given_up]
    return Progress(
        rows=sum(row["scanned"] for row in own),
        rows_expected=None if None in expected else sum(expected),
        requests=sum(row["requests"] for row in own),
        statuses=frozenset(SyncStatus(row["status"]) for row in own),
        periods={row["period_label"]: SyncStatus(row["status"]) for row in own if row["period_label"]},
        paused=own[0]["paused"],
        given_up=given_up,
        last_attempt_at=max(filter(None, (row["attempted_at"] for row in own)), default=None),
        last_success_at=max(filter(None, (row["succeeded_at"] for row in own)), default=None),
        again_at=min(filter(None, resting), default=None),
        parts=[_part_of(row) for row in rows],
        measured_from=own[0]["measured_from"],
        idle=own[0]["idle"] or timedelta(0),
    )


def _part_of(row: Mapping[str, Any]) -> Part:
    return Part(
        data_set=DataSet(row["data_set"]),
        rank=row["rank"],
        status=SyncStatus(row["status"]),
        rows=row["scanned"],
        expected=row["expected"],
        counts=row["counts"],
    )


def _columns_of(trouble: Trouble) -> dict[str, str]:
    return {"reason": trouble.reason, "message": trouble.message, "hint": trouble.hint}


def cause_columns(work: Work) -> dict[str, str | None]:
    """Why an item is due: the message that is handled, or that made the item in hand necessary."""
    cause = work.cause
    return {"correlation_id": cause.correlation_id, "causation_id": cause.causation_id, "traceparent": cause.traceparent}


def period_of(row: Mapping[str, Any]) -> Period | None:
    """Of a row with the columns of an item's period."""
    if row["first_day"] is None:
        return None
    return Period(label=row["period_label"], first_day=row["first_day"], last_day=row["last_day"])


def ledger_periods_of(row: Mapping[str, Any]) -> tuple[YearAndPeriod, ...]:
    """The accounting periods of an item."""
    return tuple((year, number) for year, number in row["ledger_periods"])


def _item_of(row: Mapping[str, Any], token: UUID) -> WorkItem:
    return WorkItem(
        id=row["work_item_id"],
        token=token,
        rank=row["rank"],
        company=company_of(row),
        data_set=DataSet(row["data_set"]),
        period=period_of(row),
        ledger_periods=ledger_periods_of(row),
        retrieved_from=row["retrieved_from"],
        scan=row["scan"],
        cursor=None if row["cursor"] is None else tuple(row["cursor"]),
        scanned=row["scanned"],
        expected=row["expected"],
        counted=row["counted"] or [],
        scan_complete=row["scan_complete"],
        changed_since=row["changed_since"],
        known=row["known"],
        refetched=row["refetched"],
        search=None if row["search"] is None else Search.model_validate(row["search"]),
        repair=None if row["repair"] is None else Repair.model_validate(row["repair"]),
        changes=NOTHING if row["changes"] is None else Changes.model_validate(row["changes"]),
        differs_since=row["differs_since"],
        attempts=row["attempts"],
        reason=row["reason"],
        company_started=row["started"],
        cause=Cause(
            organization_id=row["organization_id"],
            correlation_id=row["correlation_id"],
            causation_id=row["causation_id"],
            traceparent=row["traceparent"],
        ),
    )
