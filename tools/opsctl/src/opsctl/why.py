"""`why`: the story of one command: the command, its outcome, what followed from it, the retrieval, and what still waits."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import typer
from pydantic import Field
from rich.console import RenderableType

from contracts.cloudevents import legible
from contracts.results import CommandRejected, CommandSucceeded
from contracts.sync import SyncCompleted, SyncNeedsAttention
from eventing.inbox import COMMAND_TOPICS
from eventing.record import Record
from eventing.sql import queries
from opsctl import history, moments
from opsctl.command import AsJson, answer
from opsctl.message import Wanted, gist, on_topic, short_type
from opsctl.render import Column, Report, table
from opsctl.show import command_record
from opsctl.system import System
from opsctl.tail import Since, Until

_WHY = queries(__file__, "why")
_MANY = 4
_BEFORE = timedelta(seconds=5)  # clocks of producers differ

State = Literal["answered", "refused", "under way", "stuck", "unknown"]


class Step(Report):
    """One message of the story, or many of one type that came close together."""

    at: datetime
    after_seconds: timedelta = Field(description="since the beginning")
    gap_seconds: timedelta = Field(description="since the step before")
    place: str = Field(description="of the first message")
    source: str | None
    type: str | None
    count: int
    until: datetime = Field(description="time of the last message; `at` when there is one")
    rows: int = Field(description="rows of data carried in all")
    gist: str = Field(description="of the last message")
    problem: bool


class Waiting(Report):
    """Something of the story that has not happened."""

    service: str
    what: str = Field(description="waiting, parked, not published, or refused by Kafka")
    place: str
    since: datetime
    reason: str | None


class Story(Report):
    """Answer of `why`."""

    correlation: str
    state: State = Field(
        description="answered: the command's outcome is there and nothing waits; refused; under way: something is still to come by itself; "
        "stuck: somebody must act; unknown: no such command or event"
    )
    began_at: datetime | None
    answered_after_seconds: timedelta | None = Field(description="from the command to its outcome")
    ended_after_seconds: timedelta | None = Field(description="from the command to the last message so far")
    messages: int
    longest_gap_seconds: timedelta | None
    steps: list[Step]
    waiting: list[Waiting]


def command(
    correlation: Annotated[str, typer.Argument(help="The command's id, which everything that follows from it carries as correlation id.")],
    since: Since = None,
    until: Until = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every message on a line of its own.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell the story of one command, with the time of each step and the gap before it. Status 1 when it is stuck or unknown.

    It begins where the service noted that it read the command; for other correlation ids the whole topics are read, unless --from is given.
    """
    answer(
        lambda system: collect(system, correlation, since, until, collapse=not every),
        tables,
        as_json=as_json,
        found=lambda story: story.state in ("stuck", "unknown"),
    )


async def collect(system: System, correlation: str, since: datetime | None, until: datetime | None, *, collapse: bool) -> Story:
    """The story as the topics and the services' tables tell it."""
    if since is None and (begin := await command_record(system, correlation)):
        correlation = legible(begin.headers).get("correlationid", correlation)
        since = moments.of_milliseconds(begin.timestamp_ms) - _BEFORE
    wanted = Wanted(correlation=correlation)
    records = [record async for record in history.forward(system, list(system.topics), since=since, until=until) if wanted(record)]
    waiting = await _waiting(system, correlation)
    steps = _steps(records, collapse=collapse)
    outcome = next((record for record in records if _is(record, CommandSucceeded.TYPE, CommandRejected.TYPE)), None)
    begin = next((record for record in records if record.topic in COMMAND_TOPICS), None)
    return Story(
        correlation=correlation,
        state=_state(records, outcome, begin, waiting),
        began_at=moments.of_milliseconds(records[0].timestamp_ms) if records else None,
        answered_after_seconds=_between(begin, outcome) if begin and outcome else None,
        ended_after_seconds=_between(records[0], records[-1]) if records else None,
        messages=len(records),
        longest_gap_seconds=max((step.gap_seconds for step in steps), default=None),
        steps=steps,
        waiting=waiting,
    )


def _state(records: Sequence[Record], outcome: Record | None, begin: Record | None, waiting: Sequence[Waiting]) -> State:
    if not records and not waiting:
        return "unknown"
    dead = [record for record in records if record.topic.endswith("-dlq")]
    repaired = not any(each.what in ("parked", "refused by Kafka") for each in waiting)
    attention = [record.timestamp_ms for record in records if _is(record, SyncNeedsAttention.TYPE)]
    completed = [record.timestamp_ms for record in records if _is(record, SyncCompleted.TYPE)]
    unreadable = [record for record in dead if dict(record.headers).get("x-dlq-reason") != b"parked"]
    if not repaired or unreadable or (attention and max(completed, default=0) < max(attention)):
        return "stuck"
    if waiting or (begin is not None and outcome is None):
        return "under way"
    return "refused" if outcome is not None and _is(outcome, CommandRejected.TYPE) else "answered"


def _is(record: Record, *types: str) -> bool:
    return legible(record.headers).get("type") in types and not record.topic.endswith("-dlq")


def _between(first: Record, second: Record) -> timedelta:
    return timedelta(milliseconds=second.timestamp_ms - first.timestamp_ms)


def _steps(records: Sequence[Record], *, collapse: bool) -> list[Step]:
    """Records in order of time; what there is many of stands once, at the time of its first."""
    kinds = Counter(_kind(record) for record in records)
    grouped: dict[object, list[Record]] = {}
    for record in records:
        kind = _kind(record)
        grouped.setdefault(kind if collapse and kinds[kind] >= _MANY else record.place, []).append(record)
    # The gap is the quiet before a step, whatever ended it: it is measured from the message before, shown or not.
    quiet = {second.place: _between(first, second) for first, second in itertools.pairwise(records)}
    return [_step(group, records[0], quiet) for group in grouped.values()]


def _kind(record: Record) -> tuple[str, str | None]:
    return record.topic, legible(record.headers).get("type")


def _step(group: Sequence[Record], begin: Record, quiet: dict[str, timedelta]) -> Step:
    first, last = group[0], on_topic(group[-1])
    dead = first.topic.endswith("-dlq")
    return Step(
        at=moments.of_milliseconds(first.timestamp_ms),
        after_seconds=_between(begin, first),
        gap_seconds=max((quiet.get(record.place, timedelta()) for record in group), default=timedelta()),
        place=first.place,
        source=legible(first.headers).get("source"),
        type=last.type,
        count=len(group),
        until=last.at,
        rows=sum(_rows(record) for record in group),
        gist=(last.headers.get("x-dlq-error") or "") if dead else gist(last),
        problem=dead or _is(group[-1], CommandRejected.TYPE, SyncNeedsAttention.TYPE),
    )


def _rows(record: Record) -> int:
    data = on_topic(record).data
    rows = data.get("rows") if isinstance(data, dict) else None
    return len(rows) if isinstance(rows, list) else 0


async def _waiting(system: System, correlation: str) -> list[Waiting]:
    found = []
    for service in system.services:
        database = await system.database(service)
        async for row in _WHY.parked(database, correlation=correlation):
            place = f"{row['topic']}/{row['partition']}/{row['offset']}"
            found.append(Waiting(service=service, what=row["state"], place=place, since=row["parked_at"], reason=row["reason"]))
        async for row in _WHY.outbox(database, correlation=correlation):
            what = "refused by Kafka" if row["error"] else "not published"
            found.append(Waiting(service=service, what=what, place=row["topic"], since=row["created_at"], reason=row["error"]))
    return found


def tables(report: Story) -> Iterable[RenderableType | str]:
    if report.state == "unknown":
        yield f"nothing carries the correlation id {report.correlation}"
        return
    yield table(
        f"the story of {report.correlation}",
        report.steps,
        Column("at", lambda step: step.at),
        Column("after", lambda step: step.after_seconds),
        Column("gap", lambda step: step.gap_seconds),
        Column("from", lambda step: (step.source or "–").removeprefix("/")),
        Column("message", lambda step: short_type(step.type), lambda step: "red" if step.problem else "bold"),
        Column("", lambda step: f"×{step.count}, until +{moments.in_words(step.until - step.at)}" if step.count > 1 else ""),
        Column("about", lambda step: f"{step.rows} rows in all" if step.rows and step.count > 1 else step.gist),
        Column("place", lambda step: step.place),
    )
    if report.waiting:
        yield table(
            "waits",
            report.waiting,
            Column("service", lambda each: each.service),
            Column("what", lambda each: each.what, lambda each: "red" if each.what in ("parked", "refused by Kafka") else "yellow"),
            Column("place", lambda each: each.place),
            Column("since", lambda each: each.since),
            Column("reason", lambda each: each.reason),
        )
    answered = f", answered after {moments.in_words(report.answered_after_seconds)}" if report.answered_after_seconds is not None else ""
    lasted = f", {moments.in_words(report.ended_after_seconds)} from first to last" if report.ended_after_seconds is not None else ""
    longest = f", longest quiet {moments.in_words(report.longest_gap_seconds)}" if report.longest_gap_seconds is not None else ""
    yield f"{report.state}: {report.messages} messages{answered}{lasted}{longest}"
