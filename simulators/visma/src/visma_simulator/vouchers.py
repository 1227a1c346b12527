"""Vouchers and their lines, before they are posted."""

from dataclasses import dataclass
from typing import NamedTuple

from visma_simulator.fiscal import Period


class Kind(NamedTuple):
    """A voucher type with the series that numbers it and the origin its lines get."""

    series: int
    type: int
    origin: int
    name: str


SALE = Kind(1, 11, 1, "Utgående faktura")
CREDIT_NOTE = Kind(1, 12, 1, "Utgående kreditnota")
PAYMENT = Kind(2, 1, 0, "Bank")
PURCHASE = Kind(3, 25, 0, "Inngående faktura")
PAYROLL = Kind(4, 30, 2, "Lønn")
AUTOMATIC = Kind(5, 39, 3, "Diverse")
KINDS = (SALE, CREDIT_NOTE, PAYMENT, PURCHASE, PAYROLL, AUTOMATIC)
SERIES = {1: "Utgående fakturaer", 2: "Bank og betalinger", 3: "Inngående fakturaer", 4: "Lønn", 5: "Diverse bilag"}


@dataclass(slots=True, eq=False)
class OpenItem:
    """An invoice that waits for payment on a control account; `row` is its row in the sub-ledger once it is posted."""

    account: int
    party: int
    invoice: int
    due: int
    amount: int
    row: int = -1


class Line(NamedTuple):
    """A ledger line: øre, debit positive. `item` is the invoice that the line opens (invoices) or settles (payments)."""

    account: int
    amount: int
    tax: int = 0
    unit1: int = 0
    unit2: int = 0
    item: OpenItem | None = None


class AssetEntry(NamedTuple):
    asset: int
    type: int
    account: int
    amount: int


@dataclass(slots=True)
class Voucher:
    """A voucher that balances within its period. `posted` is the day of the month in which it is posted."""

    kind: Kind
    posted: int
    date: int
    period: Period
    text: str
    lines: list[Line]
    assets: tuple[AssetEntry, ...] = ()
