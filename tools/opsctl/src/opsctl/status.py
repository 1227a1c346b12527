"""`status`: where the retrieval of every company, data set and period stands."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import Field
from rich.console import RenderableType

from contracts.sync import DataSet, NotIncluded, SyncStatus
from eventing.sql import queries
from opsctl import moments, render
from opsctl.command import AsJson, answer, run
from opsctl.render import Column, Report, table
from opsctl.system import Refused, System
from sync_worker.domain.estimate import Part, finished_at
from sync_worker.domain.given_up import trouble_of
from sync_worker.domain.progress import GOING_ON, percent_of, shown

_STATUS = queries(__file__, "status")
_SERVICE = "sync-worker"
_FOR_A_PERSON = {SyncStatus.NEEDS_ATTENTION, SyncStatus.NEEDS_CONSENT}
_MOVING = GOING_ON | {SyncStatus.PLANNING}
_STYLES = {
    SyncStatus.NEEDS_ATTENTION: "red",
    SyncStatus.NEEDS_CONSENT: "red",
    SyncStatus.RETRYING: "yellow",
    SyncStatus.PAUSED: "yellow",
    SyncStatus.NOT_SUPPORTED: "dim",
    SyncStatus.COMPLETE: "green",
}
_SETTLED = {SyncStatus.COMPLETE, SyncStatus.NOT_SUPPORTED}
_LOOK_SECONDS = 1.0


class Standing(Report):
    """A data set, or one period of it."""

    period: str | None = Field(description="null for a data set that is retrieved whole")
    status: SyncStatus
    rows: int
    rows_expected: int | None
    percent: int | None
    requests: int
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    next_attempt_at: datetime | None = Field(description="when it is tried again by itself, after trouble")
    next_refresh_at: datetime | None = Field(description="when it is looked at again although it is complete")
    reason: str | None
    message: str | None
    hint: str | None


class DataSetStatus(Report):
    """A data set of a company."""

    data_set: DataSet
    status: SyncStatus
    rows: int
    rows_expected: int | None
    percent: int | None
    estimated_completion_at: datetime | None
    parts: list[Standing]


class CompanyStatus(Report):
    """A company, with everything that is retrieved for it."""

    company_id: UUID
    organization_id: UUID
    visma_company_id: int
    paused_at: datetime | None
    completed_at: datetime | None = Field(description="when the newest plan was complete; null before")
    as_of: datetime | None = Field(
        description="the moment for which what was proven part by part holds all together; null while there is none"
    )
    not_included: list[NotIncluded] = Field(description="what does not hold for that moment, and why; without one, what it waits for")
    estimated_completion_at: datetime | None
    data_sets: list[DataSetStatus]

    def of(self, statuses: Iterable[SyncStatus]) -> list[DataSetStatus]:
        """The data sets of which a part has one of these."""
        wanted = set(statuses)
        return [each for each in self.data_sets if wanted & {each.status, *(part.status for part in each.parts)}]


class Status(Report):
    """Answer of `status`."""

    at: datetime
    companies: list[CompanyStatus]

    def of(self, statuses: Iterable[SyncStatus]) -> list[DataSetStatus]:
        """The same of all companies."""
        wanted = set(statuses)
        return [each for company in self.companies for each in company.of(wanted)]


def command(
    company: Annotated[str, typer.Argument(help="Its id, or Visma's number of it. All without.")] = "",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show every change until nothing goes on by itself, or Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where the retrieval of each company, data set and period stands, and when it will end. Status 1 when one needs a person."""
    if follow:
        run(lambda system: _follow(system, company, as_json=as_json))
    answer(lambda system: collect(system, company), tables_of(company), as_json=as_json, found=_needs_a_person)


async def collect(system: System, company: str = "") -> Status:
    """Of one company, or of all. Raises `Refused` for one that is not there."""
    rows = [row async for row in _STATUS.retrieval(await system.database(_SERVICE), company=company)]
    if company and not rows:
        raise Refused(f"nothing is retrieved for a company {company}; `opsctl status` lists all")
    now = moments.now()
    return Status(at=now, companies=[_company(list(of_one), now) for _, of_one in groupby(rows, lambda row: row["company_id"])])


async def _follow(system: System, company: str, *, as_json: bool) -> int:
    before: Status | None = None
    while True:
        report = await collect(system, company)
        if before is None or report.companies != before.companies:
            if as_json:
                render.line(report)
            else:
                render.show(report, tables_of(company), as_json=False)
            before = report
        if not report.of(_MOVING):
            return _needs_a_person(report)
        await asyncio.sleep(_LOOK_SECONDS)


def _needs_a_person(report: Status) -> bool:
    return bool(report.of(_FOR_A_PERSON))


def _company(rows: Sequence[Mapping[str, Any]], now: datetime) -> CompanyStatus:
    first = rows[0]
    data_sets = [_data_set(data_set, rows, now) for data_set in DataSet if any(row["data_set"] == data_set for row in rows)]
    ends = [each.estimated_completion_at for each in data_sets if each.status in _MOVING]
    return CompanyStatus(
        **{name: first[name] for name in ("company_id", "organization_id", "visma_company_id", "paused_at", "completed_at")},
        as_of=first["cut_as_of"],
        not_included=[NotIncluded.model_validate(each) for each in first["cut"]["not_included"]] if first["cut"] else _awaited(rows),
        estimated_completion_at=max(filter(None, ends), default=None) if None not in ends else None,
        data_sets=data_sets,
    )


def _awaited(rows: Sequence[Mapping[str, Any]]) -> list[NotIncluded]:
    """What comes from Visma and is not proven, by data set."""
    waiting = {row["data_set"]: row for row in rows if row["source"] == "visma" and row["status"] not in _SETTLED}
    return [
        NotIncluded(
            data_set=data_set, period=None, reason=row["reason"] or row["status"], message=row["message"] or f"It is {row['status']}."
        )
        for data_set, row in waiting.items()
    ]


def _data_set(data_set: DataSet, rows: Sequence[Mapping[str, Any]], now: datetime) -> DataSetStatus:
    own = [row for row in rows if row["data_set"] == data_set]
    parts = [_standing(row) for row in own]
    status = shown(data_set, {SyncStatus(row["status"]) for row in own}, **_held_up(own[0]))
    expected = [part.rows_expected for part in parts]
    whole = None if None in expected else sum(filter(None, expected))
    landed = sum(part.rows for part in parts)
    return DataSetStatus(
        data_set=data_set,
        status=status,
        rows=landed,
        rows_expected=whole,
        percent=percent_of(landed, whole, status),
        estimated_completion_at=_estimate(data_set, [row for row in rows if row["source"] == own[0]["source"]], now),
        parts=parts,
    )


def _standing(row: Mapping[str, Any]) -> Standing:
    status = shown(DataSet(row["data_set"]), {SyncStatus(row["status"])}, **_held_up(row))
    waits = status is SyncStatus.RETRYING
    if row["given_up"] and status is SyncStatus.NEEDS_CONSENT:
        trouble = trouble_of(row["visma_customer_id"])
        row = {**row, "refresh_at": None, "reason": trouble.reason, "message": trouble.message, "hint": trouble.hint}
    return Standing(
        period=row["period_label"] or None,
        status=status,
        rows=row["scanned"],
        rows_expected=row["expected"],
        percent=percent_of(row["scanned"], row["expected"], status),
        requests=row["requests"],
        last_attempt_at=row["attempted_at"],
        last_success_at=row["succeeded_at"],
        next_attempt_at=row["next_attempt_at"] if waits else row["refresh_at"] if status not in _MOVING | {SyncStatus.COMPLETE} else None,
        next_refresh_at=row["refresh_at"] if status is SyncStatus.COMPLETE else None,
        reason=row["reason"],
        message=row["message"],
        hint=row["hint"],
    )


def _held_up(row: Mapping[str, Any]) -> dict[str, bool]:
    return {"paused": row["paused_at"] is not None, "given_up": row["given_up"]}


def _estimate(data_set: DataSet, rows: Sequence[Mapping[str, Any]], now: datetime) -> datetime | None:
    since, idle = rows[0]["measured_from"], rows[0]["idle"]
    if since is None or any(_held_up(rows[0]).values()):
        return None
    parts = [
        Part(
            data_set=DataSet(row["data_set"]),
            rank=row["rank"],
            status=SyncStatus(row["status"]),
            rows=row["scanned"],
            expected=row["expected"],
            counts=row["attempted_at"] is not None and row["attempted_at"] >= since,
        )
        for row in rows
    ]
    return finished_at(parts, data_set, now=now, since=since, idle=idle or timedelta(0))


def tables_of(company: str) -> Any:
    """Every part of a company that was asked for; of all companies a line each, and what needs a person."""
    return _detailed if company else _overview


def _overview(report: Status) -> Iterator[RenderableType | str]:
    yield table(
        "companies",
        report.companies,
        Column("company", lambda row: str(row.visma_company_id)),
        Column("id", lambda row: row.company_id),
        Column("complete", lambda row: f"{sum(each.status is SyncStatus.COMPLETE for each in row.data_sets)} of {len(row.data_sets)}"),
        Column("going on", lambda row: len(row.of(_MOVING))),
        Column(
            "for a person",
            lambda row: [each.data_set for each in row.of(_FOR_A_PERSON)],
            lambda row: "red" if row.of(_FOR_A_PERSON) else "",
        ),
        Column("paused", lambda row: row.paused_at),
        Column("will be complete", lambda row: _in(report, row.estimated_completion_at)),
        Column("was complete", lambda row: row.completed_at),
    )
    wanting = [
        (company, each.data_set, part)
        for company in report.companies
        for each in company.data_sets
        for part in each.parts
        if part.status in _FOR_A_PERSON
    ]
    if wanting:
        yield ""
        yield table(
            "what needs a person",
            wanting,
            Column("company", lambda row: str(row[0].visma_company_id)),
            Column("data set", lambda row: row[1]),
            Column("period", lambda row: row[2].period),
            Column("status", lambda row: row[2].status, lambda row: _STYLES.get(row[2].status, "")),
            Column("again", lambda row: row[2].next_attempt_at),
            Column("why", lambda row: row[2].message),
            Column("remedy", lambda row: row[2].hint),
        )


def _detailed(report: Status) -> Iterator[RenderableType | str]:
    for company in report.companies:
        yield f"company {company.visma_company_id} ({company.company_id}){_when(report, company)}"
        yield from _as_of(company)
        yield table(
            "parts",
            [(each, part) for each in company.data_sets for part in each.parts],
            Column("data set", lambda row: row[0].data_set),
            Column("period", lambda row: row[1].period),
            Column("status", lambda row: row[1].status, lambda row: _STYLES.get(row[1].status, "")),
            Column("rows", lambda row: row[1].rows),
            Column("of", lambda row: row[1].rows_expected),
            Column("%", lambda row: row[1].percent),
            Column("requests", lambda row: row[1].requests),
            Column("will be complete", lambda row: _in(report, row[0].estimated_completion_at) if row[1].status in _MOVING else None),
            Column("last attempt", lambda row: row[1].last_attempt_at),
            Column("last success", lambda row: row[1].last_success_at),
            Column("next", lambda row: row[1].next_attempt_at or row[1].next_refresh_at),
            Column("why", lambda row: " ".join(filter(None, (row[1].message, row[1].hint))) or None),
        )


def _when(report: Status, company: CompanyStatus) -> str:
    if company.paused_at:
        return f", paused since {render.words(company.paused_at)}"
    if company.estimated_completion_at:
        return f", complete in {_in(report, company.estimated_completion_at)}"
    return f", complete since {render.words(company.completed_at)}" if company.completed_at else ""


def _as_of(company: CompanyStatus) -> Iterator[str]:
    yield f"as of one moment: {render.words(company.as_of)}" if company.as_of else "as of one moment: not yet, the next look may tell"
    for each in company.not_included:
        period = f" {each.period.label}" if each.period else ""
        yield f"  without {each.data_set}{period}: {each.message}" if company.as_of else f"  {each.data_set} first: {each.message}"


def _in(report: Status, moment: datetime | None) -> str | None:
    return None if moment is None else moments.in_words(moment - report.at)
