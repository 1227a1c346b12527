"""The table at the end. Its figures are read: from the worker's database and from `SyncCompleted`; nothing is computed here but whether the
two agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import asyncpg
from rich.table import Table

from contracts.sync import DataSet, DataSetTotals, SyncCompleted, SyncStatus

# Landed rows and, for the ledger, their sums, as PostgreSQL states them.
_LANDED = {
    DataSet.LEDGER_LINES: (
        "SELECT count(*) AS rows, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS debit,"
        " coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS credit FROM sync.ledger_line WHERE company_id = $1"
    ),
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    company: str
    start: str
    totals: DataSetTotals
    landed: Mapping[str, Decimal | int] | None

    @property
    def proven(self) -> bool:
        """Complete, without a difference, and the database holds what the event says."""
        if self.totals.status is not SyncStatus.COMPLETE or self.totals.difference not in (None, Decimal(0)):
            return False
        if self.landed is None:
            return True
        stated = (self.totals.rows, self.totals.debit, self.totals.credit)
        return stated == (self.landed["rows"], self.landed["debit"], self.landed["credit"])


async def rows(database: str, names: Mapping[UUID, str], completed: Mapping[UUID, SyncCompleted]) -> list[Row]:
    """A row per company and data set."""
    connection = await asyncpg.connect(database, server_settings={"accountflow.every_organization": "on"})
    try:
        return [
            Row(name, str(completed[company].reconciliation_start), totals, await _landed(connection, company, totals.data_set))
            for company, name in names.items()
            if company in completed
            for totals in completed[company].data_sets
        ]
    finally:
        await connection.close()


async def _landed(connection: asyncpg.Connection, company: UUID, data_set: DataSet) -> Mapping[str, Decimal | int] | None:
    query = _LANDED.get(data_set)
    found = None if query is None else await connection.fetchrow(query, company)
    return None if found is None else dict(found)


def notes(proofs: list[Row]) -> list[str]:
    """What was compared, each wording once; the table refers to them by number."""
    return list(dict.fromkeys(row.totals.proof for row in proofs))


def table(proofs: list[Row]) -> Table:
    """As shown."""
    numbers = {note: number for number, note in enumerate(notes(proofs), start=1)}
    shown = Table("company", "data set", "from", "rows", "debit", "credit", "difference", "proof", header_style="bold")
    for column in shown.columns[3:7]:
        column.justify = "right"
    last = ""
    for row in proofs:
        totals = row.totals
        amounts = [_amount(value) for value in (totals.debit, totals.credit, totals.difference)]
        verdict = ("[green]holds[/]" if row.proven else "[red]NOT PROVEN[/]") + f" ({numbers[totals.proof]})"
        shown.add_row("" if row.company == last else row.company, totals.data_set, row.start, f"{totals.rows}", *amounts, verdict)
        last = row.company
    return shown


def _amount(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.2f}".replace(",", " ")
