"""The start date for reconciliation: the first day data is retrieved for. Always the first day of a month, so that no period is cut."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from company_service.domain.wrong_value import WrongValue, quoted

EARLIEST = date(2000, 1, 1)
"""No ledger of Business NXT reaches further back, and a year typed as 0205 shall not plan twenty thousand periods."""

_NORWAY = ZoneInfo("Europe/Oslo")
_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def today_in_norway(now: datetime) -> date:
    """The date where the accounts are kept; for an hour or two around midnight it is another than in UTC."""
    return now.astimezone(_NORWAY).date()


def parse(typed: str, *, today: date) -> date:
    """The date typed, not yet aligned."""
    text = typed.strip()
    if not text:
        raise WrongValue("empty", "The start date for reconciliation is missing.", "Enter a date, for example 2026-01-01.")
    try:
        if not _WRITTEN.fullmatch(text):
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError:
        raise WrongValue(
            "not_a_date", f"{quoted(text)} is not a date.", "Enter year, month and day, for example 2026-01-01; the day must exist."
        ) from None
    if day > today:
        raise WrongValue("in_the_future", f"The start date {day} is in the future.", f"Choose a date up to today, {today}.")
    if day < EARLIEST:
        raise WrongValue("too_long_ago", f"The start date {day} is too long ago.", f"Check the year; the earliest date is {EARLIEST}.")
    return day


def aligned(day: date) -> date:
    """The first day of the date's month.

    >>> aligned(date(2026, 3, 17))
    datetime.date(2026, 3, 1)
    """
    return day.replace(day=1)
