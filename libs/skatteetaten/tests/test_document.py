"""Numbers: from text to decimal and back without losing a digit."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skatteetaten import document
from skatteetaten.document import UnreadableValueError

amounts = st.decimals(min_value=-(10**15), max_value=10**15, places=2)


@given(amounts)
def test_a_number_and_its_text_are_the_same_amount(amount: Decimal) -> None:
    written = f"{amount:f}"
    parsed = document.parse(f'{{"number": {written}, "text": "{written}"}}'.encode())
    assert document.number(parsed, "number") == document.number(parsed, "text") == amount


@given(amounts)
def test_writing_keeps_every_digit(amount: Decimal) -> None:
    body = f'{{"beloep":{amount:f}}}'
    assert document.write(document.parse(body.encode())) == body


documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | amounts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(documents)
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    assert document.parse(document.write(value).encode()) == value


@given(st.text())
def test_text_is_a_number_as_python_sees_it_or_refused(written: str) -> None:
    try:
        number = document.number({"beloep": written}, "beloep")
    except UnreadableValueError:
        return
    assert number == (Decimal(written.strip()) if written else None)
    assert number is None or number.is_finite()


@pytest.mark.parametrize("written", ["NaN", "Infinity", "1e999999999", "1 000", "1,5", "0x10", "1_000", "--1", " ", True, [], {}])
def test_refuses_what_is_not_a_plain_number(written: Any) -> None:
    with pytest.raises(UnreadableValueError, match="beloep"):
        document.number({"beloep": written}, "beloep")


def test_the_first_name_that_is_stated_wins() -> None:
    assert document.number({"a": None, "b": "2", "c": 3}, "a", "b", "c") == 2
    assert document.number({"a": None}, "a", "b") is None


def test_constants_are_not_json() -> None:
    with pytest.raises(ValueError, match="NaN"):
        document.parse(json.dumps({"beloep": float("nan")}).encode())
