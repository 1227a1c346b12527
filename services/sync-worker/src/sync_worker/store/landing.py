"""Landed rows: in by one upsert of a whole page, keyed by company and Visma's key. The statements follow from a data set's declaration.

A row that comes again unchanged keeps its version. Every row carries the scan that saw it last, so that after a complete scan the rows
Visma no longer has can be told from the others.
"""

# Every part of the statements comes from the declarations; values travel as parameters.
# ruff: noqa: S608

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import Dataset, LandedRow
from sync_worker.domain.periods import YearAndPeriod
from sync_worker.domain.proof import Group, Landed
from sync_worker.domain.row_json import row_json
from sync_worker.domain.scan import Key


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a page brought: the rows that are new or changed, how many the scan had not seen before, and what changed rows were before."""

    changed: list[LandedRow]
    seen: int
    before: Mapping[LandedRow, LandedRow]


NO_ARRIVAL = Arrival([], 0, {})


@dataclass(frozen=True, slots=True)
class _Statements:
    upsert: str
    has_landed: str
    remove_unseen: str
    count_seen: str
    totals: str


async def land(work: Work, dataset: Dataset, company: Company, scan: int, rows: Iterable[LandedRow]) -> Arrival:
    """Put rows into their table. Of rows with the same key the last one counts."""
    places = [dataset.names.index(name) for name in dataset.key]
    by_key = {tuple([row[place] for place in places]): row for row in rows}
    if not by_key:
        return NO_ARRIVAL
    upsert, page = _statements(dataset).upsert, _page(dataset, by_key.values())
    known = await work.connection.fetch(upsert, company.organization_id, company.company_id, scan, work.now, page)
    before: dict[LandedRow, LandedRow] = {}
    unchanged, seen = set[Key](), len(by_key)
    for row in known:
        *key, changed, new_to_scan, was = row
        if changed:
            before[by_key[tuple(key)]] = tuple(was)
        else:
            unchanged.add(tuple(key))
        seen -= not new_to_scan
    changed = [row for key, row in by_key.items() if key not in unchanged] if unchanged else [*by_key.values()]
    return Arrival(changed, seen, before)


async def has_landed(work: Work, dataset: Dataset, company: Company, rows: Iterable[LandedRow]) -> bool:
    """Whether all of these rows are in their table as they are."""
    landed: bool = await work.connection.fetchval(_statements(dataset).has_landed, company.company_id, _page(dataset, rows))
    return landed


async def everything(work: Work, dataset: Dataset, company: Company) -> list[LandedRow]:
    """All landed rows of a company, for data sets that are known to be small."""
    statement = f"SELECT {', '.join(dataset.names)} FROM sync.{dataset.landing} WHERE company_id = $1"
    return [tuple(row) for row in await work.connection.fetch(statement, company.company_id)]


async def page(
    work: Work, dataset: Dataset, company: Company, ledger_periods: Sequence[YearAndPeriod], *, after: Key | None, limit: int
) -> list[LandedRow]:
    """Landed rows in the order of Visma's key, those after a key when one is given."""
    scoped = scope(dataset, company, ledger_periods)
    place = 2 + len(scoped)
    beyond = f" AND ({', '.join(dataset.key)}) > ({', '.join(f'${place + each}' for each in range(len(after)))})" if after else ""
    statement = f"""
        SELECT {", ".join(dataset.names)} FROM sync.{dataset.landing}
        WHERE company_id = $1{in_scope(dataset, 2)}{beyond} ORDER BY {", ".join(dataset.key)} LIMIT {limit}"""
    return [tuple(row) for row in await work.connection.fetch(statement, company.company_id, *scoped, *(after or ()))]


async def remove_unseen(
    work: Work, dataset: Dataset, company: Company, scan: int, ledger_periods: Sequence[YearAndPeriod]
) -> list[LandedRow]:
    """Remove the rows that the scan did not see, and give them back. To be called for a scan that saw everything, and for no other."""
    statement = _statements(dataset).remove_unseen
    return [
        tuple(row) for row in await work.connection.fetch(statement, company.company_id, scan, *scope(dataset, company, ledger_periods))
    ]


async def count_seen(work: Work, dataset: Dataset, company: Company, scan: int, ledger_periods: Sequence[YearAndPeriod]) -> int:
    """How many rows the scan saw."""
    statement = _statements(dataset).count_seen
    count: int = await work.connection.fetchval(statement, company.company_id, scan, *scope(dataset, company, ledger_periods))
    return count


async def totals(work: Work, dataset: Dataset, company: Company, ledger_periods: Sequence[YearAndPeriod]) -> dict[Group, Landed]:
    """What our table holds, by the groups of the data set's control; one group of everything when it has none."""
    statement = _statements(dataset).totals
    rows = await work.connection.fetch(statement, company.company_id, *scope(dataset, company, ledger_periods))
    if dataset.control is None:
        return {(): Landed(rows[0]["rows"])}
    width = len(dataset.control.by)
    return {tuple(row)[:width]: Landed(row["rows"], row["debit"], row["credit"]) for row in rows}


def scope(dataset: Dataset, company: Company, ledger_periods: Sequence[YearAndPeriod]) -> list[Any]:
    """The parameters that keep to these periods of a data set that is retrieved by period, or to the time since the company's start."""
    if dataset.by_period:
        return [[year for year, _ in ledger_periods], [number for _, number in ledger_periods]]
    return [company.reconciliation_start] if dataset.since else []


def in_scope(dataset: Dataset, first: int) -> str:
    """The condition that `scope` fills, whose parameters begin with this number: what an earlier start brought is left alone."""
    if dataset.by_period:
        return f" AND (year, period) IN (SELECT * FROM unnest(${first}::integer[], ${first + 1}::integer[]))"
    return f" AND {dataset.since} >= ${first}" if dataset.since else ""


def sums(dataset: Dataset) -> str:
    """The columns rows, debit and credit of a group, for a data set with a control."""
    assert dataset.control is not None  # noqa: S101 - nothing else has an amount
    amount = dataset.control.amount
    return f"""count(*) AS rows, coalesce(sum({amount}) FILTER (WHERE {amount} > 0), 0) AS debit,
        coalesce(-sum({amount}) FILTER (WHERE {amount} < 0), 0) AS credit"""


def _page(dataset: Dataset, rows: Iterable[LandedRow]) -> str:
    return (b"[%b]" % b",".join(map(row_json(dataset.names), rows))).decode()


@cache
def _statements(dataset: Dataset) -> _Statements:
    table, names, key = f"sync.{dataset.landing}", ", ".join(dataset.names), ", ".join(dataset.key)
    content = [name for name in dataset.names if name not in dataset.key]
    differs = f"({', '.join(f'landed.{name}' for name in content)}) IS DISTINCT FROM ({', '.join(f'EXCLUDED.{name}' for name in content)})"
    # PostgreSQL reads a page as JSON: the driver would encode each amount in Python. Rows that are new are most, and need no answer.
    upsert = f"""
        WITH landed AS (
            INSERT INTO {table} AS landed (organization_id, company_id, {names}, scan, changed_at)
            SELECT $1, $2, {names}, $3, $4 FROM json_populate_recordset(NULL::{table}, $5::text::json)
            ON CONFLICT (company_id, {key}) DO UPDATE SET
                {", ".join(f"{name} = EXCLUDED.{name}" for name in content)}, scan = EXCLUDED.scan,
                version = landed.version + ({differs})::integer,
                changed_at = CASE WHEN {differs} THEN EXCLUDED.changed_at ELSE landed.changed_at END
            RETURNING {", ".join(f"new.{name}" for name in dataset.key)},
                old.version < new.version AS changed, old.scan <> new.scan AS new_to_scan,
                CASE WHEN old.version < new.version THEN ROW({", ".join(f"old.{name}" for name in dataset.names)}) END AS was
        )
        SELECT * FROM landed WHERE changed IS NOT NULL"""
    same = f"({names}) IS NOT DISTINCT FROM ({', '.join(f'arriving.{name}' for name in dataset.names)})"
    there = f"SELECT FROM {table} WHERE company_id = $1 AND ({key}) = ({', '.join(f'arriving.{name}' for name in dataset.key)}) AND {same}"
    has_landed = (
        f"SELECT NOT EXISTS (SELECT FROM json_populate_recordset(NULL::{table}, $2::text::json) AS arriving WHERE NOT EXISTS ({there}))"
    )
    remove_unseen = f"DELETE FROM {table} WHERE company_id = $1 AND scan <> $2{in_scope(dataset, 3)} RETURNING {names}"
    count_seen = f"SELECT count(*) FROM {table} WHERE company_id = $1 AND scan = $2{in_scope(dataset, 3)}"
    everything = f"FROM {table} WHERE company_id = $1{in_scope(dataset, 2)}"
    if dataset.control is None:
        totals = f"SELECT count(*) AS rows {everything}"
    else:
        by = ", ".join(dataset.control.by)
        totals = f"SELECT {by}, {sums(dataset)} {everything} GROUP BY {by}"
    return _Statements(upsert, has_landed, remove_unseen, count_seen, totals)
