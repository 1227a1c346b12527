from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visma_nxt.filters import after_key, all_of, any_of, eq, gt, gte, in_, lt, lte, not_eq

COMPARISONS = {
    "_eq": lambda a, b: a == b,
    "_not_eq": lambda a, b: a != b,
    "_gt": lambda a, b: a > b,
    "_gte": lambda a, b: a >= b,
    "_lt": lambda a, b: a < b,
    "_lte": lambda a, b: a <= b,
    "_in": lambda a, b: a in b,
}


def holds(expression: dict[str, Any], row: dict[str, Any]) -> bool:
    [(name, content)] = expression.items()
    if name in ("_and", "_or"):
        return (all if name == "_and" else any)(holds(each, row) for each in content)
    [(operator, value)] = content.items()
    return bool(COMPARISONS[operator](row[name], value))


keys = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


@given(keys, keys)
def test_after_key_is_the_order_of_the_key(last: tuple[int, ...], row: tuple[int, ...]) -> None:
    columns = ("a", "b", "c")
    assert holds(after_key(columns, last).expression, dict(zip(columns, row, strict=True))) == (row > last)


def test_conditions_nest() -> None:
    when = all_of(gte("year", 2024), lt("year", 2026), any_of(in_("accountNo", [1500, 2400]), lte("amount", Decimal("0.10"))))
    assert when.expression == {
        "_and": [
            {"year": {"_gte": 2024}},
            {"year": {"_lt": 2026}},
            {"_or": [{"accountNo": {"_in": [1500, 2400]}}, {"amount": {"_lte": Decimal("0.10")}}]},
        ]
    }


def test_one_condition_needs_no_joining() -> None:
    assert all_of(eq("year", 2026)) == eq("year", 2026)
    assert any_of(not_eq("customerNo", 0)) == not_eq("customerNo", 0)
    assert gt("changedTimestamp", datetime(2026, 1, 1)).expression  # noqa: DTZ001 - Visma's times have no zone


def test_never_sends_an_empty_list() -> None:
    with pytest.raises(ValueError, match="accountNo"):
        in_("accountNo", [])
    with pytest.raises(ValueError, match="nothing"):
        all_of()


def test_a_key_of_the_wrong_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="key"):
        after_key(("voucherJournalNo", "auditNo"), (7,))
