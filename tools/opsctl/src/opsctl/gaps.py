"""`gaps` and `close-gap`: numbers missing in a subject's events."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer
from pydantic import Field
from rich.console import RenderableType

from eventing.sql import queries
from opsctl.command import AsJson, By, Services, Why, answer
from opsctl.render import Column, Report, table
from opsctl.system import Refused, System

_GAPS = queries(__file__, "gaps")


class Gap(Report):
    """Events of one subject that never had their effect at one service."""

    service: str
    id: int
    kind: str = Field(description="missing: lost before us; discarded: given up by an operator")
    source: str
    topic: str
    subject: str
    after_sequence: int
    next_sequence: int
    missing: int
    place: str = Field(description="of the event that came instead, or was discarded")
    noticed_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    closed_why: str | None


class Gaps(Report):
    """Answer of `gaps` and `close-gap`."""

    gaps: list[Gap]


def command(
    service: Services = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List numbers missing in subjects' events. Status 1 when one is open."""
    answer(
        lambda system: collect(system, service, every=every),
        tables,
        as_json=as_json,
        found=lambda report: any(gap.closed_at is None for gap in report.gaps),
    )


def close_command(
    service: Annotated[str, typer.Argument(help="The service that noticed it.")],
    number: Annotated[int, typer.Argument(help="The gap's number, as `gaps` shows it.")],
    why: Why,
    by: By,
    *,
    as_json: AsJson = False,
) -> None:
    """Close a gap that has been dealt with; it stays in the list of all. Closing it again changes nothing."""

    async def work(system: System) -> Gaps:
        row = await _GAPS.close_gap(await system.database(service, writing=True), id=number, by=by, why=why)
        if row is None:
            raise Refused(f"{service} has no gap {number}")
        return Gaps(gaps=[_gap(service, row)])

    answer(work, tables, as_json=as_json)


async def collect(system: System, services: Iterable[str] | None = None, *, every: bool = False) -> Gaps:
    """The gaps of these services, or of all."""
    return Gaps(
        gaps=[
            _gap(service, row)
            for service in services or system.services
            async for row in _GAPS.gaps(await system.database(service), every=every)
        ]
    )


def _gap(service: str, row: Iterable[tuple[str, object]]) -> Gap:
    fields = dict(row)
    return Gap.model_validate(
        fields | {"service": service, "missing": int(str(fields["next_sequence"])) - int(str(fields["after_sequence"])) - 1}
    )


def tables(report: Gaps) -> Iterable[RenderableType | str]:
    yield table(
        "gaps",
        report.gaps,
        Column("service", lambda row: row.service),
        Column("gap", lambda row: row.id),
        Column("kind", lambda row: row.kind, lambda row: "" if row.closed_at else "red"),
        Column("from", lambda row: row.source),
        Column("topic", lambda row: row.topic),
        Column("subject", lambda row: row.subject),
        Column("between", lambda row: f"{row.after_sequence} and {row.next_sequence}"),
        Column("missing", lambda row: row.missing),
        Column("noticed", lambda row: row.noticed_at),
        Column("instead", lambda row: row.place),
        Column("closed", lambda row: f"{row.closed_by}: {row.closed_why}" if row.closed_at else None),
    )
