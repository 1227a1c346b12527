"""What the demo shows: on a terminal in colour with one progress display that stays in place, in a pipe as plain lines."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from contracts.message import Message
from contracts.results import CommandRejected
from contracts.sync import DataSet, PeriodVerified, SyncProgressed, SyncStatus

_MARKS = {SyncStatus.COMPLETE: "[green]complete[/]", SyncStatus.NEEDS_ATTENTION: "[red]needs attention[/]"}


class Display:
    """Prints steps, refusals and progress."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, number: int, title: str) -> None:
        """A heading of the guide."""
        self.console.print(f"\n[bold cyan]Step {number}[/]  [bold]{title}[/]")

    def say(self, text: str) -> None:
        """A line under a step."""
        self.console.print(f"  {text}")

    def refused(self, outcome: CommandRejected) -> None:
        """A refused form: the message, and each field with its error and remedy."""
        self.say(f"[yellow]refused[/] {outcome.code}: {outcome.message}")
        for error in outcome.errors:
            self.say(f"    {error.field}: {error.message}" + (f" [dim]{error.hint}[/]" if error.hint else ""))

    @contextmanager
    def progress(self, names: Mapping[UUID, str]) -> "Iterator[_Lines | _Screen]":
        """Show `SyncProgressed` as it comes."""
        if not self.console.is_terminal:
            yield _Lines(self.console, names)
            return
        screen = _Screen(names)
        with Live(get_renderable=screen.table, console=self.console, refresh_per_second=8):
            yield screen


class _Lines:
    def __init__(self, console: Console, names: Mapping[UUID, str]) -> None:
        self._console = console
        self._names = names
        self._shown: dict[tuple[UUID, DataSet], tuple[SyncStatus, int]] = {}

    def on_message(self, message: Message) -> None:
        if isinstance(message, PeriodVerified):
            self._console.print(f"  {self._names[message.company_id]:<24} period {message.period.label} verified, {message.lines} lines")
        if not isinstance(message, SyncProgressed):
            return
        place, state = (message.company_id, message.data_set), (message.status, (message.percent or 0) // 20)
        if self._shown.get(place) != state:
            self._shown[place] = state
            self._console.print(f"  {self._names[message.company_id]:<24} {message.data_set:<28} {_counts(message)}")


class _Screen:
    def __init__(self, names: Mapping[UUID, str]) -> None:
        self._names = names
        self._latest: dict[tuple[UUID, DataSet], SyncProgressed] = {}
        self._verified: dict[UUID, int] = {}

    def on_message(self, message: Message) -> None:
        if isinstance(message, SyncProgressed):
            self._latest[message.company_id, message.data_set] = message
        elif isinstance(message, PeriodVerified):
            self._verified[message.company_id] = self._verified.get(message.company_id, 0) + 1

    def table(self) -> Table:
        table = Table("company", "data set", "", "rows", "status", "period", box=None, pad_edge=False)
        last = None
        for (company, data_set), latest in sorted(self._latest.items(), key=lambda item: (self._names[item[0][0]], item[0][1])):
            shown = "" if company == last else f"{self._names[company]}\n[dim]{self._verified.get(company, 0)} periods verified[/]"
            last = company
            rows = f"{latest.rows}" + (f" of {latest.rows_expected}" if latest.rows_expected is not None else "")
            bar = ProgressBar(total=100, completed=latest.percent or 0, width=20)
            period = latest.period.label if latest.period and latest.status is not SyncStatus.COMPLETE else ""
            table.add_row(shown, data_set, bar, rows, _MARKS.get(latest.status, latest.status), period)
        return table


def _counts(message: SyncProgressed) -> str:
    expected = "" if message.rows_expected is None else f" of {message.rows_expected}"
    percent = "" if message.percent is None else f"{message.percent:>4} %  "
    period = f"  {message.period.label}" if message.period else ""
    return f"{percent}{message.rows}{expected} rows  {message.status}{period}" + (f"  {message.message}" if message.message else "")
