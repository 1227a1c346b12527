"""Visma's own way of writing values, read into Python's."""

from datetime import date


def date_of(number: int | None) -> date | None:
    """The date in an integer column: 20260131 is 31 January 2026; 0 or null is no date.

    Raises ValueError for an integer that is no date. Visma can hold such values: its own date twins show them as null.
    """
    if not number:
        return None
    try:
        return date(number // 10_000, number // 100 % 100, number % 100)
    except ValueError as error:
        raise ValueError(f"{number} is no date: {error}") from None


def number_of(day: date) -> int:
    """The integer Visma writes for a date, for filters."""
    return day.year * 10_000 + day.month * 100 + day.day


def organisation_number_of(text: str | None) -> str | None:
    """The nine digits in "999 888 777", "NO999888777MVA" and the like; None when Visma holds none."""
    return "".join(character for character in text or "" if character.isdecimal()) or None
