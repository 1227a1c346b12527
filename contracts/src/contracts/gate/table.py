"""The comparison as people read it."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.gate.change import Change


def show(changes: list[Change], release: int, console: Console) -> None:
    """A row per change; one line when there is none."""
    if not changes:
        console.print(f"Contracts: as in release {release}.")
        return
    table = Table(title=f"Contracts: changes since release {release}", title_justify="left")
    for column in ("Where", "Change", "Breaks", "Deploys first", "What to do"):
        table.add_column(column, overflow="fold")
    for change in sorted(changes, key=lambda change: not change.breaking):
        table.add_row(
            Text(f"{change.where}\n{change.path}".strip()),
            Text("\n".join([str(change.kind), *_values(change)])),
            Text(_whom(change), style="red" if change.breaking else ""),
            Text(", ".join(change.first) or ("–" if change.breaking else "any order")),
            Text(change.advice),
        )
    console.print(table)
    breaking = sum(change.breaking for change in changes)
    console.print(f"{len(changes)} changes, {breaking} breaking.", style="red" if breaking else "green")


def _values(change: Change) -> list[str]:
    if change.before is not None and change.after is not None:
        return [f"{change.before} → {change.after}"]
    return [value for value in (change.before, change.after) if value is not None]


def _whom(change: Change) -> str:
    return "\n".join(f"{party.role} {party.name}" for party in change.affects) if change.breaking else "nobody"
