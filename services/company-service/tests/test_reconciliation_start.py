from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from company_service.domain import reconciliation_start
from company_service.domain.reconciliation_start import EARLIEST, today_in_norway
from company_service.domain.wrong_value import WrongValue

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2026-11-22", TODAY),
        (" 2026-01-01 ", date(2026, 1, 1)),
        ("2024-02-29", date(2024, 2, 29)),
        ("2000-01-01", EARLIEST),
    ],
)
def test_a_day_up_to_today_is_accepted(typed, day):
    assert reconciliation_start.parse(typed, today=TODAY) == day


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "empty"),
        ("soon", "not_a_date"),
        ("2025-02-29", "not_a_date"),
        ("2026-13-01", "not_a_date"),
        ("20260101", "not_a_date"),
        ("2026-W01-1", "not_a_date"),
        ("01.02.2026", "not_a_date"),
        ("2026-01-01T00:00:00Z", "not_a_date"),
        ("٢٠٢٦-٠١-٠١", "not_a_date"),
        ("2026-01-01\x00", "not_a_date"),
        ("2026-11-23", "in_the_future"),
        ("9999-12-31", "in_the_future"),
        ("1999-12-31", "too_long_ago"),
        ("0205-01-01", "too_long_ago"),
    ],
)
def test_other_text_is_refused(typed, code):
    with pytest.raises(WrongValue) as refused:
        reconciliation_start.parse(typed, today=TODAY)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("now", "today"),
    [
        (datetime(2026, 1, 31, 22, 59, tzinfo=UTC), date(2026, 1, 31)),
        (datetime(2026, 1, 31, 23, 0, tzinfo=UTC), date(2026, 2, 1)),
        (datetime(2026, 6, 30, 21, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 6, 30, 22, 0, tzinfo=UTC), date(2026, 7, 1)),
    ],
)
def test_today_begins_at_midnight_in_norway_summer_and_winter(now, today):
    assert today_in_norway(now) == today


@given(st.dates(EARLIEST, date(2100, 12, 31)))
def test_aligning_moves_back_to_the_first_of_the_same_month(day):
    aligned = reconciliation_start.aligned(day)
    assert (aligned.year, aligned.month, aligned.day) == (day.year, day.month, 1)
    assert timedelta(0) <= day - aligned < timedelta(days=31)
    assert reconciliation_start.aligned(aligned) == aligned


@given(st.dates(EARLIEST, TODAY))
def test_every_day_survives_being_typed(day):
    assert reconciliation_start.parse(day.isoformat(), today=TODAY) == day
