"""Reconciliation periods: the stretches of a company's period type, counted from the start month of its financial year.

What belongs to a period is decided by the ledger's own accounting periods, never by the date of a voucher: a line may be posted to another
period than its date falls in, and a financial year may have thirteen periods, or any other number.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from contracts.company import PeriodType
from contracts.sync import Period

MONTHS = {
    PeriodType.MONTH: 1,
    PeriodType.TWO_MONTHS: 2,
    PeriodType.QUARTER: 3,
    PeriodType.FOUR_MONTHS: 4,
    PeriodType.HALF_YEAR: 6,
    PeriodType.YEAR: 12,
}

YearAndPeriod = tuple[int, int]


@dataclass(frozen=True, slots=True, order=True)
class LedgerPeriod:
    """An accounting period as the ledger defines it."""

    year: int
    period: int
    first_day: date

    @property
    def number(self) -> YearAndPeriod:
        """How the ledger's lines name it."""
        return self.year, self.period


def reconciliation_periods(period_type: PeriodType, start_month: int, start: date, today: date) -> list[Period]:
    """The periods from ``start``, which is the first day of a month, up to the one that ``today`` lies in; newest first.

    The oldest is cut at the start. Together they tile the time without a gap; none begins after today.
    """
    length, current, oldest = MONTHS[period_type], _count(today), _count(start)
    newest_begins = current - (current - (start_month - 1)) % length
    begins = range(newest_begins, oldest - length, -length)
    return [_period(max(month, oldest), month + length - 1) for month in begins if oldest <= current]


def ledger_periods_of(period: Period, ledger: Iterable[LedgerPeriod]) -> list[LedgerPeriod]:
    """The ledger's periods whose first day lies in the reconciliation period, a closing period 13 among them."""
    return [each for each in ledger if period.first_day <= each.first_day <= period.last_day]


def placed(counts: Iterable[YearAndPeriod], ledger: Sequence[LedgerPeriod]) -> dict[YearAndPeriod, LedgerPeriod]:
    """For each ``(year, period)`` found on lines the ledger period it is retrieved with.

    Lines can carry a period that the register of periods does not know, such as 0 for opening entries. They go with the nearest period of
    their year, so that no line is left out. Raises `ValueError` for a year without any period.
    """
    found = {}
    for year, number in counts:
        same_year = [each for each in ledger if each.year == year]
        if not same_year:
            raise ValueError(f"the ledger has lines in {year} but no accounting periods of that year")
        found[year, number] = min(same_year, key=lambda each: (abs(each.period - number), each.period))
    return found


def _count(day: date) -> int:
    """Months since year 0."""
    return day.year * 12 + day.month - 1


def _period(first: int, last: int) -> Period:
    first_day = date(first // 12, first % 12 + 1, 1)
    last_day = date(last // 12, last % 12 + 1, calendar.monthrange(last // 12, last % 12 + 1)[1])
    label = f"{first_day:%Y-%m}" if first == last else f"{first_day:%Y-%m}..{last_day:%Y-%m}"
    return Period(label=label, first_day=first_day, last_day=last_day)
