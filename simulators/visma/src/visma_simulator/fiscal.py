"""Months, financial years and VAT terms as whole numbers; a month is counted from year 0 (`year * 12 + month - 1`)."""

import calendar
from datetime import date
from typing import NamedTuple


class Period(NamedTuple):
    year: int
    period: int


def month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    year, number = month // 12, month % 12 + 1
    return date(year, number, calendar.monthrange(year, number)[1])


def number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def period_of(month: int, start_month: int) -> Period:
    """The period of a calendar month in a financial year that starts in `start_month` and is named after the year it starts in."""
    year, period = divmod(month - (start_month - 1), 12)
    return Period(year, period + 1)


def month_of_period(year: int, period: int, start_month: int) -> int:
    """The calendar month of a period; the closing period 13 lies in the last month of its year."""
    return year * 12 + start_month - 1 + min(period, 12) - 1


def vat_term(month: int) -> int:
    """The two-month VAT term (1-6) of a calendar month."""
    return month % 12 // 2 + 1
