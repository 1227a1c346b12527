"""Vouchers that are entered and not posted, by the accounting period they will most likely be posted to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sync_worker.domain.dataset import LandedRow
from sync_worker.domain.proof import ZERO

NO_PERIOD = 0


@dataclass(frozen=True, slots=True)
class Entered:
    """The vouchers of one batch with one value date."""

    batch_no: int
    value_date: date | None
    vouchers: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DatedPeriod:
    """An accounting period and its days, both inclusive."""

    year: int
    period: int
    first_day: date
    last_day: date


def by_period(entered: Iterable[Entered], periods: Sequence[DatedPeriod]) -> list[LandedRow]:
    """Rows as they are landed. Of several periods that hold a value date the first one counts, as in Visma."""
    in_order = sorted(periods, key=lambda each: (each.year, each.period))
    gathered: dict[tuple[int, int], list[Entered]] = {}
    for each in entered:
        gathered.setdefault(_home(each.value_date, in_order), []).append(each)
    return [
        (*home, len({each.batch_no for each in found}), sum(each.vouchers for each in found), sum((each.amount for each in found), ZERO))
        for home, found in sorted(gathered.items())
    ]


def _home(day: date | None, periods: Iterable[DatedPeriod]) -> tuple[int, int]:
    if day is None:
        return NO_PERIOD, NO_PERIOD
    return next(((each.year, each.period) for each in periods if each.first_day <= day <= each.last_day), (day.year, NO_PERIOD))
