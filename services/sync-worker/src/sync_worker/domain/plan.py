"""The plan of a company: what is retrieved, for which periods, in which order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import reduce

from contracts.company import Module, PeriodType
from contracts.sync import RETIRED, DataSet, Period, PlannedDataSet
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import LAST
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.freshness import NO_ROWS, Mark
from sync_worker.domain.periods import LedgerPeriod, YearAndPeriod, ledger_periods_of, placed, reconciliation_periods


class Source(StrEnum):
    """Whom a data set comes from. Each source has workers of its own, so that one that is away holds nothing else back."""

    VISMA = "visma"
    SKATTEETATEN = "skatteetaten"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """One data set, or one period of it. Lower ranks are retrieved first. ``newest``: when its newest row was written, if known."""

    data_set: DataSet
    rank: int
    period: Period | None = None
    ledger_periods: tuple[YearAndPeriod, ...] = ()
    rows_expected: int | None = None
    newest: str | None = None

    @property
    def label(self) -> str:
        """Of its period; empty for a data set retrieved whole."""
        return self.period.label if self.period else ""


@dataclass(frozen=True, slots=True)
class Planned:
    """An item that was planned before; ``label`` is empty for a data set retrieved whole."""

    data_set: DataSet
    label: str
    ledger_periods: tuple[YearAndPeriod, ...]


def source_of(data_set: DataSet) -> Source:
    """Whom a data set is asked from."""
    return Source.SKATTEETATEN if data_set is DataSet.A07_REPORTS else Source.VISMA


FIRST_ITEM = PlannedItem(data_set=DataSet.ACCOUNTING_PERIODS, rank=0)
"""What everything else is planned from."""


def data_sets_of(modules: frozenset[Module]) -> list[DataSet]:
    """The data sets of a company with these modules, in the order they are shown."""
    unwanted = {each.data_set for each in DATASETS.values() if each.module is not None and each.module not in modules}
    if Module.PAYROLL not in modules:
        unwanted.add(DataSet.A07_REPORTS)
    return [data_set for data_set in DataSet if data_set not in unwanted | RETIRED]


def plan(company: Company, ledger: Sequence[LedgerPeriod], lines: Mapping[YearAndPeriod, Mark], today: date) -> list[PlannedItem]:
    """Everything after `FIRST_ITEM`: the newest period first, then what is retrieved whole, then backwards in time.

    ``lines`` is what Visma has of ledger lines per year and accounting period; what lies before the start date is left out.
    Raises `ValueError` when there are lines that belong to no accounting period.
    """
    in_periods = _ledger(company, ledger, lines, today)
    in_plan = tuple(sorted(number for item in in_periods for number in item.ledger_periods))
    whole = [
        PlannedItem(data_set=data_set, rank=dataset.rank, ledger_periods=in_plan if dataset.of_ledger else ())
        for data_set in data_sets_of(company.modules)
        if (dataset := DATASETS.get(data_set)) and not dataset.by_period and data_set is not FIRST_ITEM.data_set
    ]
    balances = PlannedItem(data_set=DataSet.ACCOUNT_BALANCES, rank=LAST, ledger_periods=in_plan)
    return [*in_periods, *whole, balances, *_a07(company, today)]


def is_outdated(
    company: Company, planned: Iterable[Planned], ledger: Sequence[LedgerPeriod], lines: Mapping[YearAndPeriod, Mark], today: date
) -> bool:
    """Whether a new plan would hold something that the present one lacks: a period that has begun, lines in an accounting period that had
    none, or a data set that was not retrieved before. ``lines`` are those of Visma now."""
    have = {(each.data_set, each.label): set(each.ledger_periods) for each in planned}
    try:
        wanted = plan(company, ledger, lines, today)
    except ValueError:  # the next planning says what is wrong
        return True
    keys = [((each.data_set, each.label), set(each.ledger_periods)) for each in wanted]
    return any(key not in have or not periods <= have[key] for key, periods in keys)


def _ledger(company: Company, ledger: Sequence[LedgerPeriod], lines: Mapping[YearAndPeriod, Mark], today: date) -> list[PlannedItem]:
    numbers = {each.number: {each.number} for each in ledger}
    for number, home in placed(lines, ledger).items():
        numbers[home.number].add(number)
    items = []
    for age, period in enumerate(
        reconciliation_periods(company.period_type, company.financial_year_start_month, company.reconciliation_start, today)
    ):
        mine = sorted(number for each in ledger_periods_of(period, ledger) for number in numbers[each.number])
        if mine:
            found = reduce(Mark.and_, (lines.get(number, NO_ROWS) for number in mine), NO_ROWS)
            # The newest period comes before the data sets that are retrieved whole (rank 1), the older ones after them.
            rank = 0 if age == 0 else age + 1
            items.append(
                PlannedItem(
                    data_set=DataSet.LEDGER_LINES,
                    rank=rank,
                    period=period,
                    ledger_periods=tuple(mine),
                    rows_expected=found.rows,
                    newest=found.newest,
                )
            )
    return items


def _a07(company: Company, today: date) -> list[PlannedItem]:
    if Module.PAYROLL not in company.modules:
        return []
    months = reconciliation_periods(PeriodType.MONTH, 1, company.reconciliation_start, today)
    return [PlannedItem(data_set=DataSet.A07_REPORTS, rank=age, period=month, rows_expected=1) for age, month in enumerate(months)]


def announced(items: Iterable[PlannedItem]) -> list[PlannedDataSet]:
    """The plan as it is announced, one entry per data set."""
    gathered: dict[DataSet, list[PlannedItem]] = {}
    for item in sorted(items, key=lambda item: list(DataSet).index(item.data_set)):
        gathered.setdefault(item.data_set, []).append(item)
    return [_announcement(data_set, found) for data_set, found in gathered.items()]


def _announcement(data_set: DataSet, items: list[PlannedItem]) -> PlannedDataSet:
    counts = [item.rows_expected for item in items]
    return PlannedDataSet(
        data_set=data_set,
        periods=[item.period for item in items if item.period is not None],
        rows_expected=sum(count for count in counts if count is not None) if None not in counts else None,
    )
