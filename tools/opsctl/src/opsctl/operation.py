"""An operation of a service, as its journal has it: what was asked, the plan, what came of it.

opsctl writes the wish and shows what the running service makes of it; handlers run only there.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import Field
from rich.console import RenderableType

from eventing.sql import queries
from opsctl import moments, render
from opsctl.message import short_type, shown
from opsctl.render import Column, Report, table, words
from opsctl.system import Refused, System

_OPERATIONS = queries(__file__, "operations")
_POLL_SECONDS = 0.1
ENDED = ("done", "failed", "cancelled")


class Item(Report):
    """What a plan does with one record, or did."""

    position: int
    place: str
    key: str | None
    subject: str | None
    type: str | None
    result: str = Field(description="handled, refused, repeated, duplicate, dead, discarded, failed, waits, guarded or blocked")
    error: str | None
    tables: dict[str, dict[str, int]] = Field(description="rows inserted, updated and deleted, by table")
    publishes: list[dict[str, Any]] = Field(description="topic, type and subject of each event")


class Operation(Report):
    """A redrive, a discard, a replay or a proof."""

    service: str
    id: str
    kind: str
    state: str = Field(description="requested, planning, planned, applying, done, failed or cancelled")
    request: dict[str, Any]
    requested_by: str
    why: str
    created_at: datetime
    progress: dict[str, Any] | None
    plan_hash: str | None
    summary: dict[str, Any] | None
    planned_at: datetime | None
    applied_by: str | None
    applied_at: datetime | None
    finished_at: datetime | None
    error: str | None
    items: list[Item] = Field(description="in the order in which they run; at most as many as asked for")


class Operations(Report):
    """Answer of `journal`."""

    operations: list[Operation]


async def ask(system: System, service: str, kind: str, request: Mapping[str, Any], *, by: str, why: str) -> str:
    """Write a wish into the service's journal; gives its id."""
    given = {name: value for name, value in request.items() if value not in (None, [], False)}
    return str(await _OPERATIONS.ask(await system.database(service, writing=True), kind=kind, request=given, by=by, why=why))


async def find(system: System, beginning: str, *, most: int = 50) -> Operation:
    """The one operation whose id begins so, of whichever service. Raises `Refused`."""
    found = []
    for service in system.services:
        connection = await system.database(service)
        rows = [row async for row in _OPERATIONS.by_id(connection, beginning=beginning.lower())]
        found += [await _read(connection, service, row, most) for row in rows]
    if len(found) != 1:
        raise Refused(f"{len(found) or 'no'} operations begin with {beginning}" + ("; write more of the id" if found else ""))
    return found[0]


async def latest(system: System, services: Iterable[str], states: Sequence[str], kinds: Sequence[str], most: int) -> Operations:
    """The newest operations, without their items."""
    found = []
    for service in services:
        connection = await system.database(service)
        found += [
            await _read(connection, service, row, 0) async for row in _OPERATIONS.latest(connection, states=states, kinds=kinds, most=most)
        ]
    return Operations(operations=sorted(found, key=lambda operation: operation.created_at, reverse=True)[:most])


async def until(system: System, id: str, states: Sequence[str], *, within: float, most: int = 50) -> Operation:  # noqa: A002
    """The operation once it is in one of these states, or as it is after ``within`` seconds."""
    deadline = time.monotonic() + within
    while True:
        operation = await find(system, id, most=most)
        if operation.state in (*states, *ENDED) or time.monotonic() > deadline:
            return operation
        await asyncio.sleep(_POLL_SECONDS)


async def apply(system: System, operation: Operation, *, by: str) -> bool:
    """Have the plan carried out as it was shown; false when it is applied or withdrawn already."""
    connection = await system.database(operation.service, writing=True)
    return bool(await _OPERATIONS.apply(connection, id=operation.id, plan_hash=operation.plan_hash, by=by))


async def cancel(system: System, operation: Operation, *, by: str, why: str) -> bool:
    """Withdraw what has not been applied; false when it has."""
    connection = await system.database(operation.service, writing=True)
    return bool(await _OPERATIONS.cancel(connection, id=operation.id, note=f"withdrawn by {by}: {why}"))


async def _read(connection: asyncpg.Connection, service: str, row: Mapping[str, Any], most: int) -> Operation:
    items = [_item(each) async for each in _OPERATIONS.items(connection, id=row["id"], most=most)] if most else []
    return Operation.model_validate({**dict(row), "id": str(row["id"]), "service": service, "items": items})


def _item(row: Mapping[str, Any]) -> Item:
    effect = row["effect"]
    return Item(
        position=row["position"],
        place=f"{row['topic']}/{row['partition']}/{row['offset']}",
        key=shown(row["key"]),
        subject=row["subject"],
        type=row["type"],
        result=effect.get("result", "unknown"),
        error=effect.get("error"),
        tables=effect.get("tables") or {},
        publishes=effect.get("publishes") or [],
    )


def tables(operation: Operation) -> Iterable[RenderableType | str]:
    """One operation with its plan."""
    yield f"{operation.kind} {operation.id} of {operation.service}: {operation.state}"
    yield f"asked for by {operation.requested_by} at {words(operation.created_at)}: {operation.why}"
    if operation.applied_at:
        yield f"applied by {operation.applied_by} at {words(operation.applied_at)}"
    summary = operation.summary or {}
    if operation.kind == "replay" and operation.state == "planned" and "no_ops" in summary:  # an older service says nothing of it
        yield _in_one_sentence(summary)
    if operation.summary:
        yield "; ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in operation.summary.items() if name != "ranges")
    if operation.progress and operation.state not in ENDED:
        yield "; ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in operation.progress.items())
    if operation.error:
        yield operation.error
    if operation.items:
        yield table(
            "in this order",
            operation.items,
            Column("", lambda row: row.position),
            Column("message", lambda row: short_type(row.type)),
            Column("key", lambda row: row.key),
            Column("place", lambda row: row.place),
            Column("result", lambda row: row.result, lambda row: "red" if row.result in ("failed", "guarded", "dead") else ""),
            Column("changes", lambda row: [_rows(name, counts) for name, counts in row.tables.items()]),
            Column("publishes", lambda row: [short_type(each.get("type")) for each in row.publishes]),
            Column("error", lambda row: row.error),
        )
    yield from _next(operation)


def _in_one_sentence(summary: Mapping[str, Any]) -> str:
    meant, no_ops, changing = summary["read"].get("meant", 0), summary["no_ops"], summary["changing"]
    rows = "; ".join(_rows(name, counts) for name, counts in summary["tables"].items())
    said = f"{no_ops} of {meant} are no-ops, {changing} would change " + (f"these rows: {rows}" if rows else "rows")
    others = meant - no_ops - changing
    return said + (f"; of {others} more the results say what stops them or what they publish" if others else "")


def journal_tables(report: Operations) -> Iterable[RenderableType | str]:
    yield table(
        "operations",
        report.operations,
        Column("id", lambda row: row.id),
        Column("service", lambda row: row.service),
        Column("kind", lambda row: row.kind),
        Column("state", lambda row: row.state, lambda row: "red" if row.state == "failed" else ""),
        Column("asked for", lambda row: row.created_at),
        Column("by", lambda row: row.requested_by),
        Column("why", lambda row: row.why),
        Column("applied by", lambda row: row.applied_by),
        Column("took", lambda row: row.finished_at - row.created_at if row.finished_at else None),
        Column("error", lambda row: row.error),
    )


def _next(operation: Operation) -> Iterable[str]:
    short = operation.id[:8]
    match operation.state:
        case "planned":
            yield f"`opsctl apply {short}` carries it out exactly so; `opsctl withdraw {short}` drops it"
        case "requested":
            waited = moments.in_words(moments.now() - operation.created_at)
            yield f"{operation.service} has not taken it up for {waited}: does it run? `opsctl plan {short}` looks again"
        case "planning" | "applying":
            yield f"{operation.service} is still at it; `opsctl plan {short}` looks again"


def results(operation: Operation) -> Counter[str]:
    """How many of the shown items have which result."""
    return Counter(item.result for item in operation.items)


def _rows(name: str, counts: Mapping[str, int]) -> str:
    return f"{name}: " + " ".join(f"{number} {what}" for what, number in counts.items())


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_plain(each)} {name}" for name, each in value.items()) or "none"
    return render.words(value)
