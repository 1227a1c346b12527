"""What is entered and not posted, by accounting period."""

from datetime import date
from decimal import Decimal

from sync_worker.domain.datasets.entry import UNPOSTED_VOUCHERS
from sync_worker.domain.unposted_vouchers import DatedPeriod, Entered, by_period

DECEMBER = DatedPeriod(2025, 12, date(2025, 12, 1), date(2025, 12, 31))
CLOSING = DatedPeriod(2025, 13, date(2025, 12, 31), date(2025, 12, 31))
JANUARY = DatedPeriod(2026, 1, date(2026, 1, 1), date(2026, 1, 31))


def test_each_value_date_goes_to_the_first_period_that_holds_it() -> None:
    entered = [
        Entered(1, date(2026, 1, 5), 2, Decimal("100.00")),
        Entered(1, date(2026, 1, 31), 1, Decimal("0.50")),
        Entered(2, date(2026, 1, 5), 1, Decimal("9.00")),
        Entered(2, date(2025, 12, 31), 1, Decimal("7.00")),
    ]
    assert by_period(entered, [JANUARY, CLOSING, DECEMBER]) == [
        (2025, 12, 1, 1, Decimal("7.00")),
        (2026, 1, 2, 4, Decimal("109.50")),
    ]


def test_what_no_period_holds_is_still_said() -> None:
    entered = [Entered(1, date(2027, 3, 1), 1, Decimal(1)), Entered(1, None, 1, Decimal(2))]
    assert by_period(entered, [JANUARY]) == [(0, 0, 1, 1, Decimal(2)), (2027, 0, 1, 1, Decimal(1))]


def test_a_period_of_which_all_is_posted_is_said_once_more_with_zeros() -> None:
    assert UNPOSTED_VOUCHERS.emptied((2026, 1, 2, 4, Decimal("109.50"))) == (2026, 1, 0, 0, Decimal(0))
