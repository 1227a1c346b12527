"""What a data set is: which table of Visma it comes from, how a row is translated, where it lands, and how it is proven."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from contracts.accounting import AccountingData
from contracts.company import Module
from contracts.sync import DataSet
from sync_worker.domain.company import Company
from sync_worker.domain.periods import YearAndPeriod
from visma_nxt.documents import CHANGED
from visma_nxt.filters import Filter, all_of, any_of, eq, gte, in_, lt
from visma_nxt.tables import Table
from visma_nxt.values import date_of, number_of

Translation = Callable[[Any, Company], Any]
LandedRow = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` is the landed column and the field of the message, ``visma`` the column it is read from."""

    name: str
    visma: str
    read: Translation | None = None


SOON, LAST = 1, 10_000
"""Ranks of what is retrieved whole: as soon as the newest period is in, or after everything else."""

JOURNAL_KEY = (Column("voucher_journal_no", "voucherJournalNo"), Column("audit_no", "auditNo"))
COUNTED = "number of rows equal to Visma's own count"


@dataclass(frozen=True, slots=True)
class Control:
    """The landed columns that Visma is asked to group by, and the amount it is asked to sum."""

    by: tuple[str, ...]
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One data set, declared. ``landing`` is its table in the schema ``sync``; without a ``control`` the number of rows is its proof.

    ``since`` is the landed date that must not lie before the company's start date; rows that lie before it belong to an earlier start.
    ``of_ledger`` marks what is summed from the ledger's planned periods, ``sums`` its columns that are zero for a group that is gone.
    """

    data_set: DataSet
    table: Table
    landing: str
    event: type[AccountingData]
    columns: tuple[Column, ...]
    proof: str
    control: Control | None = None
    removal: type[AccountingData] | None = None
    module: Module | None = None
    by_period: bool = False
    since: str | None = None
    of_ledger: bool = False
    sums: tuple[str, ...] = ()
    rank: int = SOON
    where: Callable[[Company], Filter] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The landed columns."""
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The landed columns of Visma's primary key."""
        return tuple(next(column.name for column in self.columns if column.visma == part) for part in self.table.key)

    def key_of(self, row: LandedRow) -> tuple[Any, ...]:
        """Visma's primary key of a landed row."""
        return tuple(row[self.names.index(name)] for name in self.key)

    def visma_name(self, name: str) -> str:
        """Visma's column for a landed one."""
        return next(column.visma for column in self.columns if column.name == name)

    @property
    def grows_backwards(self) -> bool:
        """Whether an earlier start only adds rows. A register is read anew: it is small, and what it says may depend on the start."""
        return self.since is not None and self.control is not None

    def filter_for(
        self,
        company: Company,
        ledger_periods: Sequence[YearAndPeriod],
        *,
        before: date | None = None,
        changed_since: str | None = None,
    ) -> Filter | None:
        """The rows to ask for: with ``before`` those from the start date until that day, with ``changed_since`` those written from then on.

        Raises `ValueError` for a periodic data set without periods, which would ask for everything.
        """
        conditions = [self.where(company)] if self.where else []
        if self.since:
            conditions.append(gte(self.visma_name(self.since), number_of(company.reconciliation_start)))
            if before:
                conditions.append(lt(self.visma_name(self.since), number_of(before)))
        if self.by_period:
            if not ledger_periods:
                raise ValueError(f"{self.data_set} is retrieved by period, and none is given")
            conditions.append(_in_periods(ledger_periods))
        if changed_since is not None:
            conditions.append(gte(CHANGED, changed_since))
        return all_of(*conditions) if conditions else None

    def emptied(self, row: LandedRow) -> LandedRow:
        """What is said of a group of rows that is gone."""
        return tuple([type(value)(0) if name in self.sums else value for name, value in zip(self.names, row, strict=True)])

    def translate(self, rows: Iterable[dict[str, Any]], company: Company) -> list[LandedRow]:
        """Visma's rows as landed ones, in the order of ``names``."""
        steps = [(column.visma, column.read) for column in self.columns]
        return [tuple([row[visma] if read is None else read(row[visma], company) for visma, read in steps]) for row in rows]


def _in_periods(ledger_periods: Sequence[YearAndPeriod]) -> Filter:
    years: dict[int, list[int]] = {}
    for year, period in ledger_periods:
        years.setdefault(year, []).append(period)
    return any_of(*(all_of(eq("year", year), in_("period", sorted(periods))) for year, periods in sorted(years.items())))


def day(value: Any, _: Company) -> Any:
    """A date from Visma's whole number; None when unset."""
    return _dates(value)


_dates = lru_cache(maxsize=10_000)(date_of)


def reference(value: Any, _: Company) -> Any:
    """0 and empty mean that nothing is referred to."""
    return value or None


def text(value: Any, _: Company) -> str:
    """An absent text is the empty one. PostgreSQL cannot keep a NUL."""
    return (value or "").replace("\x00", "")


def amount(value: Any, _: Company) -> Any:
    """An absent amount is zero, as it is in Visma's sums."""
    return value or 0


def flag(value: Any, _: Company) -> bool:
    """A marker is set when it is not zero."""
    return bool(value)
