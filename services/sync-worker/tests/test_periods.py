"""Reconciliation periods and what belongs to them."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.company import PeriodType
from contracts.sync import Period
from sync_worker.domain.periods import MONTHS, LedgerPeriod, ledger_periods_of, placed, reconciliation_periods

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("period_type", "start_month", "start", "labels"),
    [
        (PeriodType.MONTH, 1, date(2026, 9, 1), ["2026-11", "2026-10", "2026-09"]),
        (PeriodType.MONTH, 1, date(2026, 11, 1), ["2026-11"]),
        (PeriodType.MONTH, 1, date(2026, 12, 1), []),
        (PeriodType.TWO_MONTHS, 1, date(2026, 8, 1), ["2026-11..2026-12", "2026-09..2026-10", "2026-08"]),
        (PeriodType.TWO_MONTHS, 2, date(2026, 8, 1), ["2026-10..2026-11", "2026-08..2026-09"]),
        (PeriodType.QUARTER, 1, date(2026, 1, 1), ["2026-10..2026-12", "2026-07..2026-09", "2026-04..2026-06", "2026-01..2026-03"]),
        (PeriodType.QUARTER, 1, date(2026, 8, 1), ["2026-10..2026-12", "2026-08..2026-09"]),
        (PeriodType.FOUR_MONTHS, 7, date(2026, 2, 1), ["2026-11..2027-02", "2026-07..2026-10", "2026-03..2026-06", "2026-02"]),
        (PeriodType.HALF_YEAR, 7, date(2026, 1, 1), ["2026-07..2026-12", "2026-01..2026-06"]),
        (PeriodType.YEAR, 1, date(2025, 3, 1), ["2026-01..2026-12", "2025-03..2025-12"]),
        (PeriodType.YEAR, 7, date(2025, 7, 1), ["2026-07..2027-06", "2025-07..2026-06"]),
    ],
)
def test_periods_are_counted_from_the_financial_year(period_type: PeriodType, start_month: int, start: date, labels: list[str]) -> None:
    assert [each.label for each in reconciliation_periods(period_type, start_month, start, TODAY)] == labels


firsts = st.builds(date, st.integers(2015, 2030), st.integers(1, 12), st.just(1))


@given(st.sampled_from(PeriodType), st.integers(1, 12), firsts, st.dates(date(2015, 1, 1), date(2031, 12, 31)))
def test_periods_tile_the_time_from_the_start_to_today(period_type: PeriodType, start_month: int, start: date, today: date) -> None:
    periods = reconciliation_periods(period_type, start_month, start, today)
    if today < start:
        assert periods == []
        return
    assert periods[-1].first_day == start
    assert periods[0].first_day <= today <= periods[0].last_day
    assert all(newer.first_day == older.last_day + timedelta(days=1) for newer, older in pairwise(periods))
    assert all((each.first_day.month - start_month) % MONTHS[period_type] == 0 for each in periods[:-1])


def test_a_closing_period_goes_with_the_month_it_lies_in() -> None:
    ledger = [
        LedgerPeriod(2025, 11, date(2025, 11, 1)),
        LedgerPeriod(2025, 12, date(2025, 12, 1)),
        LedgerPeriod(2025, 13, date(2025, 12, 31)),
    ]
    december = Period(label="2025-12", first_day=date(2025, 12, 1), last_day=date(2025, 12, 31))
    assert [each.number for each in ledger_periods_of(december, ledger)] == [(2025, 12), (2025, 13)]


def test_the_ledger_decides_what_a_period_is() -> None:
    ledger = [LedgerPeriod(2026, 1, date(2025, 7, 1)), LedgerPeriod(2026, 2, date(2025, 7, 15))]
    july = Period(label="2025-07", first_day=date(2025, 7, 1), last_day=date(2025, 7, 31))
    assert [each.number for each in ledger_periods_of(july, ledger)] == [(2026, 1), (2026, 2)]


def test_lines_of_an_unknown_period_go_with_the_nearest_of_their_year() -> None:
    ledger = [LedgerPeriod(2026, number, date(2026, number, 1)) for number in range(1, 13)]
    found = placed([(2026, 0), (2026, 5), (2026, 14)], ledger)
    assert {number: home.period for number, home in found.items()} == {(2026, 0): 1, (2026, 5): 5, (2026, 14): 12}


def test_lines_of_a_year_without_periods_are_reported() -> None:
    with pytest.raises(ValueError, match="2024"):
        placed([(2024, 1)], [LedgerPeriod(2026, 1, date(2026, 1, 1))])
