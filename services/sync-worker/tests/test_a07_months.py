"""When a month of payroll reporting is due, where it stands, and what the months come to together."""

from datetime import date
from decimal import Decimal

import pytest

from contracts.sync import A07Month, A07MonthStatus, A07Sum
from sync_worker.domain.a07_months import due_date, labelled, status_of, together, unaccounted
from sync_worker.domain.norwegian_calendar import easter_sunday, is_working_day

MAY = date(2026, 5, 1)


def month(label: str, status: A07MonthStatus = A07MonthStatus.SUBMITTED) -> A07Month:
    amounts = dict.fromkeys(("withholding_tax", "employer_contribution", "financial_tax"), Decimal(0))
    return A07Month(month=label, status=status, due=MAY, version=1, snapshot_at=None, submissions=1, **amounts)


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(1999, 4, 4), (2000, 4, 23), (2008, 3, 23), (2011, 4, 24), (2016, 3, 27), (2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2038, 4, 25)],
)
def test_easter(year: int, month: int, day: int) -> None:
    assert easter_sunday(year) == date(year, month, day)


@pytest.mark.parametrize(
    "holiday",
    [
        date(2026, 1, 1),
        date(2026, 4, 2),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 5, 1),
        date(2026, 5, 14),
        date(2027, 5, 17),
        date(2026, 5, 25),
        date(2026, 12, 25),
    ],
)
def test_public_holidays(holiday: date) -> None:
    assert not is_working_day(holiday)
    assert holiday.weekday() < 5  # a weekday, so that it is the holiday that counts


@pytest.mark.parametrize(
    ("of", "due"),
    [
        (date(2026, 1, 1), date(2026, 2, 5)),
        (date(2025, 12, 1), date(2026, 1, 5)),
        (date(2026, 8, 1), date(2026, 9, 7)),  # the 5th is a Saturday
        (date(2026, 6, 1), date(2026, 7, 6)),  # a Sunday
        (date(2026, 3, 1), date(2026, 4, 7)),  # Easter Sunday, then Easter Monday
        (date(2016, 4, 1), date(2016, 5, 6)),  # Ascension Day
        (date(2012, 3, 1), date(2012, 4, 10)),  # Maundy Thursday, and the whole of Easter after it
    ],
)
def test_a_month_is_due_on_the_fifth_or_the_next_working_day(of: date, due: date) -> None:
    assert due_date(of) == due


@pytest.mark.parametrize(
    ("today", "accepted", "status"),
    [
        (date(2026, 5, 31), False, A07MonthStatus.NOT_YET_DUE),
        (date(2026, 6, 5), False, A07MonthStatus.NOT_YET_DUE),
        (date(2026, 6, 6), False, A07MonthStatus.MISSING),
        (date(2026, 5, 31), True, A07MonthStatus.SUBMITTED),
        (date(2027, 1, 1), True, A07MonthStatus.SUBMITTED),
    ],
)
def test_where_a_month_stands(today: date, accepted: bool, status: A07MonthStatus) -> None:
    assert status_of(MAY, today, accepted=accepted) is status


def test_every_month_from_the_start_to_the_current_one_is_accounted_for() -> None:
    months = [month("2026-02"), month("2025-12")]
    assert unaccounted(date(2025, 11, 1), date(2026, 3, 31), months) == ["2026-03", "2026-01", "2025-11"]
    assert unaccounted(date(2025, 12, 1), date(2026, 2, 1), [*months, month("2026-01", A07MonthStatus.MISSING)]) == []


def test_months_by_their_status() -> None:
    months = [month("2026-03", A07MonthStatus.NOT_YET_DUE), month("2026-02", A07MonthStatus.MISSING), month("2026-01")]
    assert [labelled(months, status) for status in A07MonthStatus] == [["2026-01"], ["2026-03"], ["2026-02"]]


def test_sums_of_all_months_figure_by_figure() -> None:
    def sum_(figure: str, stated: str, parts: str) -> A07Sum:
        return A07Sum(figure=figure, stated=Decimal(stated), parts=Decimal(parts), difference=Decimal(parts) - Decimal(stated))

    found = together([sum_("b", "10.01", "10.00"), sum_("a", "1", "1"), sum_("b", "5", "5.02"), sum_("b", "-1", "-1")])
    assert [(each.figure, each.stated, each.parts, each.difference) for each in found] == [
        ("a", Decimal(1), Decimal(1), Decimal(0)),
        ("b", Decimal("14.01"), Decimal("14.02"), Decimal("0.01")),
    ]
