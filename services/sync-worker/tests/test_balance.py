"""Opening plus movements is closing: the comparison alone."""

from decimal import Decimal

import pytest

from sync_worker.domain.balance import compare
from sync_worker.domain.datasets.balances import before, lies_before
from sync_worker.domain.proof import Landed, Stated

PLANNED = ((2026, 9), (2026, 10))
STATED = {
    (1920, 2025, 12): Stated(1, Decimal("100.00")),
    (1920, 2026, 8): Stated(2, Decimal("-30.00")),
    (1920, 2026, 9): Stated(1, Decimal("7.50")),
    (1920, 2026, 11): Stated(5, Decimal("99.00")),
    (3000, 2026, 10): Stated(1, Decimal("-7.50")),
}
OPENING = {(1920, 2025): Stated(1, Decimal("100.00")), (1920, 2026): Stated(2, Decimal("-30.00"))}
LANDED = {(1920, 2026, 9): Landed(1, debit=Decimal("7.50")), (3000, 2026, 10): Landed(1, credit=Decimal("7.50"))}


def test_each_account_has_its_opening_movements_and_closing() -> None:
    compared = compare(STATED, OPENING, LANDED, PLANNED)
    assert (compared.opening_changed, compared.changed) == (False, frozenset())
    assert [(each.account_no, each.opening, each.movements, each.closing) for each in compared.balances] == [
        (1920, Decimal("70.00"), Decimal("7.50"), Decimal("77.50")),
        (3000, Decimal(0), Decimal("-7.50"), Decimal("-7.50")),
    ]


@pytest.mark.parametrize(
    ("group", "stated", "opening_changed", "changed"),
    [
        ((1920, 2026, 9), Stated(1, Decimal("7.51")), False, {(2026, 9)}),
        ((1920, 2026, 9), Stated(2, Decimal("7.50")), False, {(2026, 9)}),
        ((2400, 2026, 10), Stated(1, Decimal("1.00")), False, {(2026, 10)}),
        ((1920, 2025, 12), Stated(1, Decimal("100.01")), True, set()),
        ((1500, 2024, 1), Stated(2, Decimal(0)), True, set()),
        ((1920, 2026, 11), Stated(6, Decimal(1)), False, set()),
    ],
)
def test_a_change_names_the_period_it_is_in(
    group: tuple[int, int, int], stated: Stated, opening_changed: bool, changed: set[tuple[int, int]]
) -> None:
    compared = compare({**STATED, group: stated}, OPENING, LANDED, PLANNED)
    assert (compared.opening_changed, compared.changed) == (opening_changed, changed)


def test_a_landed_account_that_visma_does_not_have_is_a_change() -> None:
    extra = {**LANDED, (7000, 2026, 9): Landed(1, debit=Decimal(1))}
    assert compare(STATED, OPENING, extra, PLANNED).changed == {(2026, 9)}


def test_before_the_start_is_what_comes_before_the_first_planned_period() -> None:
    assert [lies_before(number, PLANNED) for number in ((2025, 13), (2026, 8), (2026, 9), (2026, 10), (2027, 1))] == [
        True,
        True,
        False,
        False,
        False,
    ]
    asked = before(PLANNED)
    assert asked is not None
    assert asked.expression == {"_or": [{"year": {"_lt": 2026}}, {"_and": [{"year": {"_eq": 2026}}, {"period": {"_lt": 9}}]}]}


def test_without_any_planned_period_everything_lies_before() -> None:
    assert lies_before((2026, 1), ())
    assert before(()) is None
