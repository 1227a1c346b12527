"""The figures of the VAT return: base and VAT of every tax code in every term, summed from the lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sync_worker.domain.dataset import LandedRow
from sync_worker.domain.proof import ZERO, Difference, Group, Landed

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class VatCode:
    """What the register of tax codes says of a code. Lines on its account are VAT, all others are what VAT is reckoned of."""

    standard_code: str | None
    rate: Decimal | None
    account_no: int | None


@dataclass(frozen=True, slots=True)
class VatTerm:
    """A VAT term of the company's own register. One that began before the start date is partial."""

    year: int
    term: int
    first_day: date
    last_day: date
    partial: bool


UNKNOWN = VatCode(None, None, None)


def figures(landed: Mapping[Group, Landed], codes: Mapping[int, VatCode], terms: Iterable[VatTerm]) -> list[LandedRow]:
    """``landed`` is by ``(year, term, code, account, ledger year, period)``. Rows as they are landed."""
    partial = {(each.year, each.term): each.partial for each in terms}
    sums: dict[Group, tuple[Decimal, Decimal, int]] = {}
    for (year, term, code, account, *_), each in landed.items():
        base, vat, lines = sums.get((year, term, code), (ZERO, ZERO, 0))
        if account == codes.get(code, UNKNOWN).account_no:
            vat += each.balance
        else:
            base += each.balance
        sums[year, term, code] = base, vat, lines + each.rows
    return [
        (year, term, code, about.standard_code, about.rate, base, vat, lines, partial[year, term])
        for (year, term, code), (base, vat, lines) in sorted(sums.items())
        for about in [codes.get(code, UNKNOWN)]
    ]


def in_words(found: list[Difference]) -> str:
    """The first differences, for whoever looks into them."""
    named = [
        f"tax code {code} on account {account} in term {term} of {year}: {each.landed.balance} ({each.landed.rows} lines) landed,"
        f" {each.stated.balance} ({each.stated.rows} lines) in Visma"
        for each in found[:MOST_NAMED]
        for year, term, code, account, *_ in [each.group]
    ]
    more = [f"and {len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
    return "; ".join(named + more)
