from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visma_nxt.values import date_of, number_of, organisation_number_of


def test_an_integer_date() -> None:
    assert date_of(20260131) == date(2026, 1, 31)


@pytest.mark.parametrize("unset", [0, None])
def test_an_unset_date(unset: int | None) -> None:
    assert date_of(unset) is None


def test_a_day_that_never_was() -> None:
    with pytest.raises(ValueError, match="20260231"):
        date_of(20260231)


@given(st.dates())
def test_there_and_back(day: date) -> None:
    assert date_of(number_of(day)) == day


@pytest.mark.parametrize("text", ["999888777", "999 888 777", "NO999888777MVA", "NO 999 888 777 MVA"])
def test_an_organisation_number_as_people_write_it(text: str) -> None:
    assert organisation_number_of(text) == "999888777"


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_organisation_number(text: str | None) -> None:
    assert organisation_number_of(text) is None
