"""`park list`: keys that cannot go on, each with the message at the head of its queue."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer
from pydantic import Field
from rich.console import RenderableType

from contracts.cloudevents import legible
from eventing.record import Record
from eventing.sql import queries
from opsctl.command import AsJson, Services, answer
from opsctl.message import short_type, shown
from opsctl.render import Column, Report, table
from opsctl.system import System

_PARKED = queries(__file__, "parked")


class Queue(Report):
    """One key of one service, whose messages wait in their order."""

    service: str
    topic: str
    key: str | None
    state: str = Field(description="waiting: tried again by itself; parked: needs an operator")
    place: str = Field(description="of the message at the head")
    type: str | None
    id: str | None
    reason: str | None
    attempts: int
    redrives: int = Field(description="how often an operator had it tried again, in vain")
    first_failed_at: datetime | None
    next_attempt_at: datetime | None = Field(description="null for what is parked")
    behind: int = Field(description="messages that wait behind it")


class Parked(Report):
    """Answer of `park list`."""

    queues: list[Queue]


def command(
    service: Services = None,
    topic: Annotated[str | None, typer.Option(help="Only of this topic.")] = None,
    key: Annotated[str | None, typer.Option(help="Only this key.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the keys that cannot go on: what stands at the head, why, and how much waits behind. Status 1 when one needs an operator."""
    answer(
        lambda system: collect(system, service, topic, key),
        tables,
        as_json=as_json,
        found=lambda report: any(queue.state == "parked" for queue in report.queues),
    )


async def collect(system: System, services: Iterable[str] | None = None, topic: str | None = None, key: str | None = None) -> Parked:
    """The queues of these services, or of all."""
    found = []
    for service in services or system.services:
        raw = None if key is None else key.encode()
        async for row in _PARKED.queues(await system.database(service), topic=topic, key=raw):
            record = Record.from_row(row)
            text = legible(record.headers)
            found.append(
                Queue(
                    service=service,
                    topic=record.topic,
                    key=shown(record.key),
                    place=record.place,
                    type=text.get("type"),
                    id=text.get("id"),
                    next_attempt_at=row["next_attempt_at"] if row["state"] == "waiting" else None,
                    **{name: row[name] for name in ("state", "reason", "attempts", "redrives", "first_failed_at", "behind")},
                )
            )
    return Parked(queues=found)


def tables(report: Parked) -> Iterable[RenderableType | str]:
    yield table(
        "keys that cannot go on",
        report.queues,
        Column("service", lambda row: row.service),
        Column("state", lambda row: row.state, lambda row: "red" if row.state == "parked" else "yellow"),
        Column("message", lambda row: short_type(row.type)),
        Column("key", lambda row: row.key),
        Column("place", lambda row: row.place),
        Column("behind", lambda row: row.behind),
        Column("tried", lambda row: row.attempts),
        Column("redriven", lambda row: row.redrives),
        Column("first failed", lambda row: row.first_failed_at),
        Column("next", lambda row: row.next_attempt_at),
        Column("why", lambda row: row.reason),
    )
