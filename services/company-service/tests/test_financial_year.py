from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from company_service.domain.financial_year import first_period, start_month
from company_service.domain.wrong_value import WrongValue
from contracts.company import PeriodType

FIRSTS = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda day: day.replace(day=1))


@pytest.mark.parametrize("month", range(1, 13))
def test_a_financial_year_may_start_in_any_month(month):
    assert start_month(month) == month


@pytest.mark.parametrize("typed", [0, 13, -1, 10**4000])
def test_other_numbers_are_no_months(typed):
    with pytest.raises(WrongValue) as refused:
        start_month(typed)
    assert refused.value.code == "not_a_month"


@pytest.mark.parametrize(
    ("start", "period_type", "starts_in", "label"),
    [
        ("2026-02-01", "month", 1, "2026-02"),
        ("2026-02-01", "month", 7, "2026-02"),
        ("2026-02-01", "two_months", 1, "2026-02"),
        ("2026-02-01", "two_months", 2, "2026-02..2026-03"),
        ("2026-02-01", "quarter", 1, "2026-02..2026-03"),
        ("2026-03-01", "quarter", 3, "2026-03..2026-05"),
        ("2026-01-01", "quarter", 3, "2026-01..2026-02"),
        ("2026-12-01", "quarter", 12, "2026-12..2027-02"),
        ("2026-05-01", "four_months", 1, "2026-05..2026-08"),
        ("2026-07-01", "half_year", 7, "2026-07..2026-12"),
        ("2026-06-01", "half_year", 7, "2026-06"),
        ("2026-02-01", "year", 1, "2026-02..2026-12"),
        ("2026-02-01", "year", 9, "2026-02..2026-08"),
        ("2026-09-01", "year", 9, "2026-09..2027-08"),
    ],
)
def test_the_first_period_runs_from_the_start_date_to_the_end_of_its_period(start, period_type, starts_in, label):
    period = first_period(date.fromisoformat(start), PeriodType(period_type), starts_in)
    assert (period.first_day, period.label) == (date.fromisoformat(start), label)


def test_last_day_knows_leap_years():
    assert first_period(date(2024, 1, 1), PeriodType.TWO_MONTHS, 1).last_day == date(2024, 2, 29)
    assert first_period(date(2025, 1, 1), PeriodType.TWO_MONTHS, 1).last_day == date(2025, 2, 28)


@given(FIRSTS, st.sampled_from(PeriodType), st.integers(1, 12))
def test_after_the_first_period_whole_ones_follow_and_reach_the_start_of_a_financial_year(start, period_type, starts_in):
    period = first_period(start, period_type, starts_in)
    assert start == period.first_day <= period.last_day
    for _ in range(12):
        if period.last_day.month % 12 + 1 == starts_in:
            break
        following = first_period(period.last_day + timedelta(days=1), period_type, starts_in)
        months = (following.last_day.year - following.first_day.year) * 12 + following.last_day.month - following.first_day.month + 1
        assert months == period_type.months
        period = following
    else:
        pytest.fail("periods run past the end of the financial year")
