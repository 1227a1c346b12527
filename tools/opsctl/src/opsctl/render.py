"""What commands show: a `Report` as JSON with stable names, or as tables for people.

In JSON times are ISO 8601 in UTC, durations are seconds, numbers are bare. In tables times are local with their offset, durations are in
words, large numbers are grouped. Text that came from messages is shown without its control characters: it may have been written by anybody.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from opsctl import moments

Row = TypeVar("Row")


class Report(BaseModel):
    """A part of what a command answers. Its fields are its JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="float")


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a table: its title, what it shows of a row, and the style of a row that needs a look."""

    title: str
    value: Callable[[Row], object]
    style: Callable[[Row], str] = lambda _: ""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Ours to deal with, in `command.run`: the library would end with status 1."""
        raise BrokenPipeError


def console() -> Console:
    """Colours on a terminal, plain text in a pipe."""
    return _Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 200)


def table(title: str, rows: Sequence[Row], *columns: Column[Row]) -> RenderableType:
    """A table; one line that says so where there is nothing."""
    if not rows:
        return Text(f"{title}: none", style="dim")
    shown = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        numbers = all(isinstance(column.value(row), int | timedelta) for row in rows)
        shown.add_column(column.title, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(words(column.value(row)), style=column.style(row)) for column in columns))
    return shown


def words(value: object) -> str:
    """One value as people read it."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}".replace(",", " ")
        case timedelta():
            return moments.in_words(value)
        case datetime():
            return moments.to_read(value)
        case str():
            return printable(value)
        case list() | tuple() | set() | frozenset():
            return ", ".join(words(part) for part in value) or "–"
        case _:
            return printable(str(value))


def printable(text: str) -> str:
    """Without control characters, which a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode() for sign in text)


def show(report: Report, tables: Callable[[Any], Iterable[RenderableType | str]], *, as_json: bool) -> None:
    """Print a report, the one way or the other."""
    if as_json:
        line(report, indent=2)
        return
    out = console()
    for part in tables(report):
        out.print(part, markup=False) if isinstance(part, str) else out.print(part)


def line(report: Report, *, indent: int | None = None) -> None:
    """Print a report as JSON; without ``indent`` on one line, for streams of them."""
    sys.stdout.write(report.model_dump_json(indent=indent) + "\n")
    sys.stdout.flush()


def aside(text: str) -> None:
    """Say something that is not part of the answer."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)
