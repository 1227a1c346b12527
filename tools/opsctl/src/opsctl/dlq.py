"""`dlq list | show | diff`: what services could not read or handle, and what is wrong with it."""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Any

import typer
from aiokafka.structs import TopicPartition
from pydantic import Field
from rich.console import RenderableType

from eventing.record import Record
from opsctl import difference, history
from opsctl.command import AsJson, Services, answer
from opsctl.deadletter import DeadLetter, Letter, judged, letters, matching
from opsctl.difference import FieldDifference
from opsctl.message import MessageOnTopic, is_type, on_topic, short_type
from opsctl.render import Column, Report, table
from opsctl.show import Shown
from opsctl.show import tables as message_tables
from opsctl.system import Refused, System
from opsctl.tail import Organization, Since, Type, Until

OPEN = ("parked", "waiting", "dead")


class Trait(StrEnum):
    """What letters can be counted by."""

    SERVICE = "service"
    REASON = "reason"
    ERROR = "error"
    TYPE = "type"
    KEY = "key"
    STATE = "state"


class Count(Report):
    """Letters that have something in common."""

    value: str
    letters: int
    newest: DeadLetter


class DeadLetters(Report):
    """Answer of `dlq list`."""

    letters: list[DeadLetter]
    counts: list[Count] = Field(description="with --by; the letters are left out then")


class Difference(Report):
    """Answer of `dlq diff`."""

    letter: DeadLetter
    source_is_there: bool = Field(description="whether the source topic still has the record")
    same_value: bool | None
    same_headers: bool | None
    newer_of_key: int = Field(description="messages of the same key that came after it on the source topic")
    newest_of_key: str | None = Field(description="place of the newest of them")
    fields: list[FieldDifference]


LetterPlace = Annotated[str, typer.Argument(metavar="LETTER", help="Place of the letter, as org-service-dlq/0/3.")]


def list_command(
    service: Services = None,
    reason: Annotated[str | None, typer.Option(help="Only with this in their reason or error.")] = None,
    type_: Type = None,
    key: Annotated[str | None, typer.Option(help="Only of this key.")] = None,
    organization: Organization = None,
    since: Since = None,
    until: Until = None,
    by: Annotated[Trait | None, typer.Option(help="Count them by this instead.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Handled and discarded ones, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters that are still open, by service, reason, type, key and time. Status 1 when there is one."""

    async def work(system: System) -> DeadLetters:
        found = [letter async for letter in letters(system, service, since, until)]
        known = matching(await judged(system, found), reason=reason, key=key, organization=organization, states=() if every else OPEN)
        wanted = [letter for letter in known if type_ is None or is_type(letter.type or "", type_)]
        return DeadLetters(letters=[] if by else wanted, counts=_counts(wanted, by) if by else [])

    answer(
        work,
        list_tables,
        as_json=as_json,
        found=lambda report: any(letter.state in OPEN for letter in report.letters) or bool(report.counts),
    )


def show_command(letter: LetterPlace, *, as_json: AsJson = False) -> None:
    """Show the record inside a dead letter, decoded, with what the contracts hold against it."""

    async def work(system: System) -> Shown:
        return Shown(message=_inside(await find(system, letter)), receptions=[])

    answer(work, lambda report: list(message_tables(report))[:-1], as_json=as_json)


def diff_command(letter: LetterPlace, *, as_json: AsJson = False) -> None:
    """Compare a dead letter with its source topic now, and field by field with what the contracts expect. Status 1 when one differs."""

    async def work(system: System) -> Difference:
        found = await find(system, letter)
        inside = found.inside
        source = await _source(system, inside)
        later = await _later(system, inside)
        return Difference(
            letter=(await judged(system, [found]))[0],
            source_is_there=source is not None,
            same_value=None if source is None else source.value == inside.value,
            same_headers=None if source is None else source.headers == inside.headers,
            newer_of_key=len(later),
            newest_of_key=later[-1].place if later else None,
            fields=difference.fields(inside),
        )

    answer(work, diff_tables, as_json=as_json, found=lambda report: any(field.verdict != "as expected" for field in report.fields))


async def find(system: System, text: str) -> Letter:
    """The letter at a place. Raises `Refused`."""
    place, offset = history.place_of(system, text)
    if system.topics[place.topic.removeprefix(system.prefix)].carries != "dead letters":
        raise Refused(f"{text} is on no topic of dead letters; `show {text}` shows it")
    record = (await history.records_at(system, {place: offset})).get(place)
    if record is None or record.offset != offset:
        raise Refused(f"there is no dead letter at {text}")
    return Letter.of(record)


def _inside(letter: Letter) -> MessageOnTopic:
    headers = {f"x-dlq-{name}": value for name, value in letter.why.items()}
    message = on_topic(letter.inside)
    return message.model_copy(update={"headers": message.headers | headers})


async def _source(system: System, inside: Record) -> Record | None:
    place = TopicPartition(system.full(inside.topic), inside.partition)
    if inside.topic not in system.topics or place not in await history.partitions(system, [inside.topic]):
        return None
    record = (await history.records_at(system, {place: inside.offset})).get(place)
    return record if record is not None and record.offset == inside.offset else None


async def _later(system: System, inside: Record) -> list[Record]:
    """Records of the same key behind it in its partition."""
    if inside.topic not in system.topics or not inside.key:
        return []
    place = TopicPartition(system.full(inside.topic), inside.partition)
    ends = {each: end for each, end in (await history.ends_of(system, [inside.topic])).items() if each == place}
    found = []
    async for window in history.backward(
        system, [inside.topic], lambda record: record.key == inside.key and record.offset > inside.offset, ends=ends, down_to=inside.offset
    ):
        found += window
    return sorted(found, key=lambda record: record.offset)


def _counts(found: Iterable[DeadLetter], by: Trait) -> list[Count]:
    value: Callable[[DeadLetter], str] = lambda letter: str(getattr(letter, by.value))  # noqa: E731
    found = list(found)
    newest = {value(letter): letter for letter in found}
    return [Count(value=each, letters=number, newest=newest[each]) for each, number in Counter(map(value, found)).most_common()]


def list_tables(report: DeadLetters) -> Iterable[RenderableType | str]:
    if report.counts:
        yield table(
            "dead letters",
            report.counts,
            Column[Count]("", lambda row: row.value),
            Column[Count]("letters", lambda row: row.letters),
            Column[Count]("newest", lambda row: row.newest.at),
            Column[Count]("its place", lambda row: row.newest.letter),
        )
        return
    yield table(
        "dead letters",
        report.letters,
        Column[DeadLetter]("letter", lambda row: row.letter),
        Column[DeadLetter]("state", lambda row: row.state, lambda row: "red" if row.state in OPEN else ""),
        Column[DeadLetter]("at", lambda row: row.at),
        Column[DeadLetter]("message", lambda row: short_type(row.type)),
        Column[DeadLetter]("key", lambda row: row.key),
        Column[DeadLetter]("source", lambda row: row.source),
        Column[DeadLetter]("reason", lambda row: row.reason),
        Column[DeadLetter]("error", lambda row: row.error),
    )


def diff_tables(report: Difference) -> Iterable[RenderableType | str]:
    letter = report.letter
    yield f"{letter.letter}: {short_type(letter.type)}, {letter.state}, {letter.reason}: {letter.error}"
    if report.source_is_there:
        same = "the same, byte for byte" if report.same_value and report.same_headers else "not the same record"
        yield f"source {letter.source}: still there, {same}"
    else:
        yield f"source {letter.source}: no longer there"
    yield f"{report.newer_of_key} newer messages of its key" + (f", the newest at {report.newest_of_key}" if report.newest_of_key else "")
    yield table(
        "what the contracts expect",
        report.fields,
        Column[Any]("field", lambda row: row.field),
        Column[Any]("verdict", lambda row: row.verdict, lambda row: "" if row.verdict == "as expected" else "red"),
        Column[Any]("expected", lambda row: row.expected),
        Column[Any]("given", lambda row: row.given),
    )
