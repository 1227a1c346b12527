"""Landed rows of a few places: the groups or vouchers in which a difference is looked for. The statements follow from the declaration.

Places are told in Visma's form, in which every value that is looked for is a whole number, so that both sides are compared as they are.
"""

# Every part of the statements comes from the declarations; values travel as parameters.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eventing.work import Connection
from sync_worker.domain.dataset import Dataset, LandedRow
from sync_worker.domain.proof import Group, Landed
from sync_worker.store import landing
from sync_worker.store.work_items import WorkItem


@dataclass(frozen=True, slots=True)
class Places:
    """The landed rows of an item whose columns ``by`` have the values of one of ``groups``."""

    dataset: Dataset
    item: WorkItem
    by: Sequence[str]
    groups: Sequence[Group]

    async def count(self, connection: Connection, by: Sequence[str]) -> int:
        """How many groups the rows make by these columns."""
        statement = f"SELECT count(*) FROM (SELECT DISTINCT {self._written(by)} {self._rows()}) AS groups"
        count: int = await connection.fetchval(statement, *self._parameters())
        return count

    async def totals(self, connection: Connection, by: Sequence[str]) -> dict[Group, Landed]:
        """Number and sums of the rows by these columns."""
        columns = self._written(by)
        statement = f"SELECT {columns}, {landing.sums(self.dataset)} {self._rows()} GROUP BY {columns}"
        rows = await connection.fetch(statement, *self._parameters())
        return {tuple(row)[: len(by)]: Landed(row["rows"], row["debit"], row["credit"]) for row in rows}

    async def remove_others(self, connection: Connection, kept: Sequence[LandedRow]) -> list[LandedRow]:
        """Remove the rows that are not among these, and give them back."""
        names, key = self.dataset.names, self.dataset.key
        places = [names.index(part) for part in key]
        keys = [[row[place] for row in kept] for place in places]
        columns, first = ", ".join(key), len(self._parameters()) + 1
        statement = f"DELETE {self._rows()} AND ({columns}) NOT IN ({_unnested(len(key), first)}) RETURNING {', '.join(names)}"
        return [tuple(row) for row in await connection.fetch(statement, *self._parameters(), *keys)]

    def _rows(self) -> str:
        dataset, periods = self.dataset, len(landing.scope(self.dataset, self.item.company, ()))
        among = f"({self._written(self.by)}) IN ({_unnested(len(self.by), 2 + periods)})"
        return f"FROM sync.{dataset.landing} WHERE company_id = $1{landing.in_scope(dataset, 2)} AND {among}"

    def _parameters(self) -> list[Any]:
        values = [[group[place] for group in self.groups] for place in range(len(self.by))]
        return [self.item.company.company_id, *landing.scope(self.dataset, self.item.company, self.item.ledger_periods), *values]

    def _written(self, names: Sequence[str]) -> str:
        dates = self.dataset.table.dates
        return ", ".join(
            f"coalesce(to_char({name}, 'YYYYMMDD')::integer, 0)" if self.dataset.visma_name(name) in dates else name for name in names
        )


def _unnested(width: int, first: int) -> str:
    return f"SELECT * FROM unnest({', '.join(f'${number}::integer[]' for number in range(first, first + width))})"
