"""What a user may type as Visma customer IDs."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventing.errors import Refused
from org_service.domain.visma_customer_ids import parse


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("12345,67890", [12345, 67890]),
        (" 12345 , 67890,, 12345 ,", [12345, 67890]),
        ("12 345", [12345]),
        ("12345\n67890", [12345, 67890]),
        ("12345;67890", [12345, 67890]),
        ([12345, "67890", " 12345 "], [12345, 67890]),
        ("007", [7]),
        (["1,2"], None),
        ("2147483647", [2147483647]),
        ("2147483648", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (" , ,", None),
        ([], None),
        ("9" * 5000, None),
    ],
)
def test_what_is_typed(typed: str | list[str | int], ids: list[int] | None) -> None:
    if ids is None:
        with pytest.raises(Refused):
            parse(typed)
    else:
        assert parse(typed) == ids


def test_every_wrong_part_is_named() -> None:
    with pytest.raises(Refused) as refused:
        parse("12345, abc, 67890, -1")
    assert [error.message for error in refused.value.errors] == [
        "'abc' is not a Visma customer ID.",
        "'-1' is not a Visma customer ID.",
    ]
    assert {error.field for error in refused.value.errors} == {"visma_customer_ids"}


@given(st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=30))
def test_a_list_and_its_text_mean_the_same(ids: list[int]) -> None:
    assert parse(", ".join(map(str, ids))) == parse(ids) == list(dict.fromkeys(ids))


@given(st.text(max_size=60))
def test_any_text_is_ids_or_refused(typed: str) -> None:
    with suppress(Refused):
        assert parse(typed)
