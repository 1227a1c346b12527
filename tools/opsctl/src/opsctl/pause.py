"""`pause` and `resume`: stop a service's consuming, and let it go on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer
from pydantic import Field
from rich.console import RenderableType

from eventing.sql import queries
from opsctl import moments
from opsctl.command import AsJson, By, Why, answer
from opsctl.render import Report, words
from opsctl.system import System

_PAUSE = queries(__file__, "pause")


class Pause(Report):
    """Answer of `pause` and `resume`."""

    service: str
    paused: bool
    changed: bool = Field(description="false when it was so before")
    kind: str | None = Field(description="operator, or too_many_broken when the service paused itself")
    since: datetime | None
    by: str | None
    why: str | None


Service = Annotated[str, typer.Argument(help="The service, as org-service.")]


def pause_command(service: Service, why: Why, by: By, *, as_json: AsJson = False) -> None:
    """Stop a service's consuming, on every replica and over restarts, until `resume`. What is in hand is finished; nothing is lost."""

    async def work(system: System) -> Pause:
        row = await _PAUSE.pause(await system.database(service, writing=True), by=by, why=why)
        return Pause(service=service, paused=True, **row)

    answer(work, tables, as_json=as_json)


def resume_command(service: Service, *, as_json: AsJson = False) -> None:
    """Let a paused service go on, from where it stopped."""

    async def work(system: System) -> Pause:
        row = await _PAUSE.resume(await system.database(service, writing=True))
        before = dict(row) if row else dict.fromkeys(("kind", "since", "by", "why"))
        return Pause(service=service, paused=False, changed=row is not None, **before)

    answer(work, tables, as_json=as_json)


async def paused(system: System, service: str) -> Pause | None:
    """The pause that holds, if one does."""
    row = await _PAUSE.paused(await system.database(service))
    return Pause(service=service, paused=True, changed=False, **row) if row else None


def tables(report: Pause) -> Iterable[RenderableType | str]:
    before = f"since {words(report.since)} by {report.by} ({report.kind}): {report.why}" if report.since else ""
    if report.paused:
        yield f"{report.service} is paused {before}" if report.changed else f"{report.service} was paused before, {before}"
    elif report.changed and report.since:
        yield f"{report.service} goes on after {moments.in_words(moments.now() - report.since)}; it was paused {before}"
    else:
        yield f"{report.service} was not paused"
