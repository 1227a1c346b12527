"""The financial year and the reconciliation periods in it.

A financial year has twelve months and may start in another month than January. Periods longer than a month are counted from its start,
not from January: with start in March the quarters are March to May, June to August and so on.
"""

from datetime import date, timedelta

from company_service.domain.wrong_value import WrongValue
from contracts.company import PeriodType
from contracts.sync import Period


def start_month(typed: int) -> int:
    """The month a financial year starts in."""
    if not 1 <= typed <= 12:
        raise WrongValue(
            "not_a_month",
            "The start month of the financial year is not a month.",
            "Enter a number from 1 (January) to 12 (December); leave it at 1 when the financial year is the calendar year.",
        )
    return typed


def first_period(start: date, period_type: PeriodType, start_month: int) -> Period:
    """The reconciliation period that the start date lies in; what lies before the start date is cut off.

    ``start`` is the first day of a month.
    """
    into = (start.month - start_month) % period_type.months
    last_day = _first_of_month(start, period_type.months - into) - timedelta(days=1)
    label = f"{start:%Y-%m}" if (last_day.year, last_day.month) == (start.year, start.month) else f"{start:%Y-%m}..{last_day:%Y-%m}"
    return Period(label=label, first_day=start, last_day=last_day)


def _first_of_month(day: date, months_later: int) -> date:
    years, month = divmod(day.month - 1 + months_later, 12)
    return date(day.year + years, month + 1, 1)
