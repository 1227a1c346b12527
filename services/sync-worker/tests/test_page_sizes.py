from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.page_sizes import Bounds, PageSizes

BOUNDS = Bounds(least=100, most=2000, seconds=5, size=4_000_000)


def after(pages: int, seconds_of: Callable[[int], float], size_of: Callable[[int], int] = lambda rows: rows * 500) -> int:
    """Rows asked for after so many full pages of a source with this behaviour."""
    sizes = PageSizes(BOUNDS)
    for _ in range(pages):
        rows = sizes.rows_for("ledger")
        sizes.came("ledger", rows=rows, seconds=seconds_of(rows), size=size_of(rows))
    return sizes.rows_for("ledger")


def test_pages_are_as_large_as_allowed_while_answers_are_quick() -> None:
    assert after(5, lambda rows: rows / 2000) == 2000


@pytest.mark.parametrize(
    ("seconds_of", "size_of", "rows"),
    [
        (lambda rows: rows / 100, lambda rows: rows, 500),
        (lambda _: 0.1, lambda rows: rows * 5000, 800),
        (lambda _: 60.0, lambda rows: rows, 100),
    ],
    ids=["slow per row", "wide rows", "slow whatever is asked"],
)
def test_they_settle_where_time_and_size_are_kept(seconds_of: Callable[[int], float], size_of: Callable[[int], int], rows: int) -> None:
    assert after(20, seconds_of, size_of) == pytest.approx(rows, rel=0.05)


def test_they_grow_again_when_answers_are_quick_again() -> None:
    sizes = PageSizes(BOUNDS)
    for _ in range(10):
        sizes.failed("ledger")
    assert sizes.rows_for("ledger") == 100
    for _ in range(5):
        sizes.came("ledger", rows=sizes.rows_for("ledger"), seconds=0.2, size=1000)
    assert sizes.rows_for("ledger") == 2000


def test_each_kind_learns_for_itself_and_a_short_page_teaches_nothing() -> None:
    sizes = PageSizes(BOUNDS)
    sizes.failed("ledger")
    assert sizes.rows_for("accounts") == 2000
    sizes.came("ledger", rows=3, seconds=0.01, size=100)
    assert sizes.rows_for("ledger") == 1000


@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 2000), st.floats(0, 80), st.integers(0, 50_000_000)))))
def test_they_stay_within_their_bounds(pages: list[tuple[int, float, int] | None]) -> None:
    sizes = PageSizes(BOUNDS)
    for page in pages:
        if page is None:
            sizes.failed("ledger")
        else:
            rows, seconds, size = page
            sizes.came("ledger", rows=rows, seconds=seconds, size=size)
        assert BOUNDS.least <= sizes.rows_for("ledger") <= BOUNDS.most
