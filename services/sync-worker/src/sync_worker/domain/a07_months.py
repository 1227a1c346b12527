"""The months of payroll reporting: when each is due, where it stands, and what they come to together."""

from collections.abc import Iterable
from datetime import date

from contracts.company import PeriodType
from contracts.sync import A07Month, A07MonthStatus, A07Sum
from sync_worker.domain.norwegian_calendar import working_day_from
from sync_worker.domain.periods import reconciliation_periods

_DUE_DAY = 5


def due_date(first_day: date) -> date:
    """When the month that begins then is to be submitted: the 5th of the next month, or the next working day."""
    year, month = divmod(first_day.year * 12 + first_day.month, 12)
    return working_day_from(date(year, month + 1, _DUE_DAY))


def status_of(first_day: date, today: date, *, accepted: bool) -> A07MonthStatus:
    """Where a month stands, by whether a submission of it was accepted. On the day itself it may still come."""
    if accepted:
        return A07MonthStatus.SUBMITTED
    return A07MonthStatus.MISSING if today > due_date(first_day) else A07MonthStatus.NOT_YET_DUE


def unaccounted(start: date, today: date, months: Iterable[A07Month]) -> list[str]:
    """The months from the start date's to the current one of which nothing is known, not even that there is nothing; newest first."""
    known = {each.month for each in months}
    return [each.label for each in reconciliation_periods(PeriodType.MONTH, 1, start, today) if each.label not in known]


def together(sums: Iterable[A07Sum]) -> list[A07Sum]:
    """The sums of all months, one of each figure, by name."""
    found: dict[str, A07Sum] = {}
    for each in sums:
        held = found.get(each.figure)
        found[each.figure] = each if held is None else _added(held, each)
    return [found[figure] for figure in sorted(found)]


def labelled(months: Iterable[A07Month], status: A07MonthStatus) -> list[str]:
    """The months that stand so."""
    return [each.month for each in months if each.status is status]


def _added(one: A07Sum, other: A07Sum) -> A07Sum:
    return A07Sum(
        figure=one.figure,
        stated=one.stated + other.stated,
        parts=one.parts + other.parts,
        difference=one.difference + other.difference,
    )
