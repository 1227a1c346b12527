"""`tail`: the messages of topics as they stand, and as they come."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import orjson
import typer
from rich.text import Text

from contracts import topics as contracts
from eventing.record import Record
from opsctl import history, moments, render
from opsctl.command import AsJson, moment, run
from opsctl.message import MessageOnTopic, Wanted, gist, known_types, on_topic, short_type
from opsctl.system import Refused, System


def _topics() -> list[str]:
    return [topic.name for topic in contracts.load()]


Organization = Annotated[str | None, typer.Option(help="Only of this organisation.")]
Company = Annotated[str | None, typer.Option(help="Only about this company.")]
Type = Annotated[
    str | None, typer.Option("--type", help="Only of this type: CompanyCreated, or its whole name.", autocompletion=known_types)
]
Correlation = Annotated[str | None, typer.Option(help="Only what belongs to this command.")]
Since = Annotated[
    datetime | None, typer.Option("--from", parser=moment, metavar="TIME", help="From this time: ISO 8601, or 15m for 15 minutes ago.")
]
Until = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="Up to this time.")]


def command(
    topics: Annotated[list[str], typer.Argument(help="Topics of the contracts.", autocompletion=_topics)],
    organization: Organization = None,
    company: Company = None,
    type_: Type = None,
    correlation: Correlation = None,
    key: Annotated[str | None, typer.Option(help="Only of this key.")] = None,
    last: Annotated[int, typer.Option("--last", "-n", min=0, help="The newest so many, unless a beginning is given.")] = 10,
    since: Since = None,
    until: Until = None,
    offset: Annotated[int | None, typer.Option(min=0, help="From this offset of each partition.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    with_data: Annotated[bool, typer.Option("--data", help="Print each message's data, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print messages in order of time, decoded; as JSON one object to a line. Reads without a group: nobody's offsets move."""
    if since is not None and offset is not None:
        raise typer.BadParameter("--from and --offset exclude each other")
    if follow and until is not None:
        raise typer.BadParameter("--follow and --until exclude each other")
    wanted = Wanted(organization=organization, company=company, type=type_, correlation=correlation, key=key)

    async def work(system: System) -> None:
        for topic in topics:
            system.known(topic)
        printed = 0
        async with aclosing(_records(system, topics, wanted, since, until, offset, last, follow=follow)) as records:
            async for record in records:
                show(on_topic(record), as_json=as_json, with_data=with_data)
                printed += 1
                if printed == limit:
                    return

    run(work)


async def _records(
    system: System,
    topics: list[str],
    wanted: Wanted,
    since: datetime | None,
    until: datetime | None,
    offset: int | None,
    last: int,
    *,
    follow: bool,
) -> AsyncGenerator[Record, None]:
    ends = await history.ends_of(system, topics)
    if not ends:
        raise Refused(f"not on the cluster: {', '.join(topics)}")
    if since is None and offset is None and until is None:
        for record in await newest(system, topics, wanted, last, ends):
            yield record
    else:
        async with aclosing(history.forward(system, topics, since=since, offset=offset, until=until, ends=ends)) as records:
            async for record in records:
                if wanted(record):
                    yield record
    if follow:
        async with aclosing(history.onward(system, ends)) as records:
            async for record in records:
                if wanted(record):
                    yield record


async def newest(system: System, topics: list[str], wanted: Wanted, count: int, ends: history.Ends | None = None) -> list[Record]:
    """The newest ``count`` wanted records, oldest of them first."""
    found: list[Record] = []
    if count:
        async with aclosing(history.backward(system, topics, wanted, ends=ends)) as windows:
            async for window in windows:
                found = sorted(window + found, key=lambda record: record.timestamp_ms)
                if len(found) >= count:
                    break
    return found[-count:] if count else []


def show(message: MessageOnTopic, *, as_json: bool, with_data: bool) -> None:
    """One message: a line, or with its data below."""
    if as_json:
        render.line(message)
        return
    line = Text(moments.to_read(message.at), style="dim")
    line.append(f"  {message.place}  ", style="cyan")
    line.append(render.printable(short_type(message.type)), style="bold red" if message.problems else "bold")
    line.append(f" #{message.sequence}" if message.sequence is not None else "")
    line.append(f"  {render.printable(message.key or '–')}", style="dim")
    line.append(f"  {render.printable(gist(message))}")
    out = render.console()
    out.print(line)
    if with_data:
        data = orjson.dumps(message.data, option=orjson.OPT_INDENT_2).decode() if message.value_base64 is None else message.value_base64
        out.print(Text("    " + render.printable(data).replace("\n", "\n    ")))
