"""Norwegian public holidays, and the working day that a date moves to."""

from datetime import date, timedelta

_FIXED = {(1, 1), (5, 1), (5, 17), (12, 25), (12, 26)}
_FROM_EASTER_SUNDAY = {-3, -2, 0, 1, 39, 49, 50}
"""Maundy Thursday, Good Friday, Easter Sunday and Monday, Ascension Day, Whit Sunday and Monday."""

_SATURDAY = 5


def is_working_day(day: date) -> bool:
    """Whether it is neither a Saturday, a Sunday nor a public holiday."""
    holiday = (day.month, day.day) in _FIXED or (day - easter_sunday(day.year)).days in _FROM_EASTER_SUNDAY
    return day.weekday() < _SATURDAY and not holiday


def working_day_from(day: date) -> date:
    """The day itself, or the first working day after it."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def easter_sunday(year: int) -> date:
    """By the Gregorian calendar (the algorithm known as Meeus/Jones/Butcher)."""
    golden, century, of_century = year % 19, year // 100, year % 100
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
