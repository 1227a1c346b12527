"""What changes something is planned first: `dlq redrive`, `dlq discard`, `replay plan`; then `apply`, or `withdraw`.

And the proof that a replay changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from opsctl import operation
from opsctl.command import FINE, FOUND, AsJson, By, Services, Why, answer
from opsctl.message import whole_type
from opsctl.operation import Operation
from opsctl.system import Refused, System
from opsctl.tail import Company, Organization, Since, Type, Until

Service = Annotated[str, typer.Argument(help="The service whose handlers do it, as company-service.")]
Plan = Annotated[str, typer.Argument(help="The plan's id, or its beginning.")]
Within = Annotated[float, typer.Option("--within", help="Seconds to wait for the service.")]
Most = Annotated[int, typer.Option("--most", help="Show at most so many messages; the plan has them all.")]
Topic = Annotated[str | None, typer.Option(help="Only of this topic.")]
Key = Annotated[str | None, typer.Option(help="Only of this key.")]
Reason = Annotated[str | None, typer.Option(help="Only with this in the reason why they failed.")]
Places = Annotated[list[str] | None, typer.Option("--place", help="Only the message at topic/partition/offset; may be repeated.")]
Limit = Annotated[int | None, typer.Option(help="Plan at most so many messages; 10 000 unless given.")]


def redrive_command(
    service: Service,
    why: Why,
    by: By,
    topic: Topic = None,
    key: Key = None,
    type_: Type = None,
    organization: Organization = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    place: Places = None,
    limit: Limit = None,
    within: Within = 30,
    most: Most = 50,
    *,
    force: Annotated[bool, typer.Option(help="Also what was redriven three times in vain.")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan to have parked messages handled again, each key in its order: which, and what each would do. Nothing changes before `apply`.

    Letters that nobody could read, or of a type the service does not know, stand in no queue: there is no handler to run.
    """
    request = _filters(topic, key, type_, organization, reason, since, until, place, limit) | {"force": force}
    _plan(service, "redrive", request, by=by, why=why, within=within, most=most, as_json=as_json)


def discard_command(
    service: Service,
    why: Why,
    by: By,
    topic: Topic = None,
    key: Key = None,
    type_: Type = None,
    organization: Organization = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    place: Places = None,
    limit: Limit = None,
    within: Within = 30,
    most: Most = 50,
    *,
    behind: Annotated[bool, typer.Option(help="Also what waits behind the first of each key.")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan to give parked messages up: their keys go on without them, and the gap is noted. Nothing is changed before `apply`."""
    request = _filters(topic, key, type_, organization, reason, since, until, place, limit) | {"behind": behind}
    _plan(service, "discard", request, by=by, why=why, within=within, most=most, as_json=as_json)


def replay_command(
    service: Service,
    why: Why,
    by: By,
    topic: Annotated[
        list[str] | None, typer.Option(help="Only this topic; may be repeated. All that the service reads unless given.")
    ] = None,
    key: Key = None,
    type_: Type = None,
    organization: Organization = None,
    company: Company = None,
    since: Since = None,
    until: Until = None,
    offsets: Annotated[
        list[str] | None, typer.Option(help="Only topic/partition:FIRST-END, the record at END not included; may be repeated.")
    ] = None,
    limit: Limit = None,
    within: Within = 120,
    most: Most = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """Plan to run messages through the live handlers once more, the group's offsets untouched. Nothing is changed before `apply`."""
    request = {
        "topics": topic,
        "key": key,
        "type": type_,
        "organization": organization,
        "company": company,
        "since": _iso(since),
        "until": _iso(until),
        "offsets": dict(map(_offsets, offsets or ())) or None,
        "limit": limit,
    }
    _plan(service, "replay", request, by=by, why=why, within=within, most=most, as_json=as_json)


def prove_command(
    service: Service,
    by: By,
    why: Annotated[str, typer.Option(help="The reason, for those who read it later.")] = "proof that a replay changes nothing",
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic; may be repeated.")] = None,
    within: Within = 600,
    *,
    shadow: Annotated[bool, typer.Option("--shadow", help="Into an empty database, which must come to be the live one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replay all that a service has read, and prove that nothing changes: the same state, no new event. Status 1 if not."""
    if shadow and topic:
        raise typer.BadParameter("--shadow rebuilds from everything: leave out --topic")

    async def work(system: System) -> Operation:
        id_ = await operation.ask(system, service, "prove_replay", {"topics": topic, "shadow": shadow}, by=by, why=why)
        return await operation.until(system, id_, (), within=within)

    answer(work, operation.tables, as_json=as_json, found=_not_done)


def apply_command(plan: Plan, by: By, within: Within = 120, most: Most = 50, *, as_json: AsJson = False) -> None:
    """Have a plan carried out exactly as it was shown, once. Status 1 when the world has changed since, or a message failed."""

    async def work(system: System) -> Operation:
        shown = await operation.find(system, plan)
        if shown.state not in ("planned", "applying", "done", "failed"):
            raise Refused(f"{shown.kind} {shown.id} is {shown.state}: there is no plan to apply")
        await operation.apply(system, shown, by=by)
        return await operation.until(system, shown.id, (), within=within, most=most)

    answer(work, operation.tables, as_json=as_json, found=_not_done)


def status_command(plan: Plan, most: Most = 50, *, as_json: AsJson = False) -> None:
    """Show a plan, how far it has come, and what came of it. Status 1 when it failed."""
    answer(
        lambda system: operation.find(system, plan, most=most), operation.tables, as_json=as_json, found=lambda seen: seen.state == "failed"
    )


def withdraw_command(plan: Plan, why: Why, by: By, *, as_json: AsJson = False) -> None:
    """Drop a plan that has not been applied; it stays in the journal. Status 1 when it has been applied."""

    async def work(system: System) -> Operation:
        shown = await operation.find(system, plan)
        await operation.cancel(system, shown, by=by, why=why)
        return await operation.find(system, shown.id)

    answer(work, operation.tables, as_json=as_json, found=lambda seen: seen.state != "cancelled")


def journal_command(
    service: Services = None,
    state: Annotated[list[str] | None, typer.Option(help="Only in this state; may be repeated.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only of this kind; may be repeated.")] = None,
    last: Annotated[int, typer.Option("--last", "-n", help="The newest so many.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """List what operators have asked for: who, when, why, and what came of it."""
    answer(
        lambda system: operation.latest(system, service or system.services, state or [], kind or [], last),
        operation.journal_tables,
        as_json=as_json,
    )


def _plan(service: str, kind: str, request: Mapping[str, Any], *, by: str, why: str, within: float, most: int, as_json: bool) -> None:
    async def work(system: System) -> Operation:
        type_ = request.get("type")
        whole = {**request, "type": type_ and whole_type(type_)}
        id_ = await operation.ask(system, service, kind, whole, by=by, why=why)
        return await operation.until(system, id_, ("planned",), within=within, most=most)

    answer(work, operation.tables, as_json=as_json, found=lambda seen: FINE if seen.state == "planned" else FOUND)


def _filters(
    topic: str | None,
    key: str | None,
    type_: str | None,
    organization: str | None,
    reason: str | None,
    since: datetime | None,
    until: datetime | None,
    places: list[str] | None,
    limit: int | None,
) -> dict[str, Any]:
    return {
        "topic": topic,
        "key": key,
        "type": type_,
        "organization": organization,
        "reason": reason,
        "since": _iso(since),
        "until": _iso(until),
        "places": places,
        "limit": limit,
    }


def _not_done(seen: Operation) -> int:
    bad = operation.results(seen).keys() & {"failed", "guarded", "dead"}
    return FINE if seen.state == "done" and not bad else FOUND


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _offsets(text: str) -> tuple[str, list[int]]:
    place, _, range_ = text.rpartition(":")
    first, _, end = range_.partition("-")
    if not (place and first.isdigit() and end.isdigit()):
        raise typer.BadParameter(f"{text!r}: write topic/partition:FIRST-END")
    return place, [int(first), int(end)]
