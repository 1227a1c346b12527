"""Proof: what has landed equals what the source states, group by group and to the øre."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.sync import AccountDifference, AccountTotals

Group = tuple[int, ...]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Stated:
    """What Visma says of a group of rows: how many, and their sum where it sums them."""

    rows: int
    balance: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Landed:
    """What our tables hold of a group. Debit and credit are positive."""

    rows: int
    debit: Decimal = ZERO
    credit: Decimal = ZERO

    @property
    def balance(self) -> Decimal:
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class Difference:
    """A group on which the two do not agree."""

    group: Group
    landed: Landed
    stated: Stated

    @property
    def amount(self) -> Decimal:
        """Landed minus stated."""
        return self.landed.balance - self.stated.balance


def differences(landed: Mapping[Group, Landed], stated: Mapping[Group, Stated]) -> list[Difference]:
    """The groups whose number of rows or whose balance differs, in order. Exact; a group that one side lacks counts as empty."""
    compared = (
        Difference(group, landed.get(group, Landed(0)), stated.get(group, Stated(0))) for group in sorted(landed.keys() | stated.keys())
    )
    return [each for each in compared if each.amount or each.landed.rows != each.stated.rows]


def sum_of(landed: Iterable[Landed]) -> Landed:
    """All groups together."""
    groups = list(landed)
    return Landed(
        sum(each.rows for each in groups), sum((each.debit for each in groups), ZERO), sum((each.credit for each in groups), ZERO)
    )


def account_totals(landed: Mapping[Group, Landed]) -> list[AccountTotals]:
    """The control totals of a verified period. Groups are ``(account, year, period)``."""
    return [
        AccountTotals(
            year=year,
            period=period,
            account_no=account_no,
            lines=totals.rows,
            debit=totals.debit,
            credit=totals.credit,
            balance=totals.balance,
        )
        for (account_no, year, period), totals in sorted(landed.items())
    ]


def landed_of(totals: Iterable[AccountTotals]) -> dict[Group, Landed]:
    """What control totals were made of."""
    return {(each.account_no, each.year, each.period): Landed(each.lines, each.debit, each.credit) for each in totals}


def account_differences(found: Iterable[Difference]) -> list[AccountDifference]:
    """Differences of ledger lines, account by account. Groups are ``(account, year, period)``."""
    return [
        AccountDifference(
            year=each.group[1],
            period=each.group[2],
            account_no=each.group[0],
            landed_lines=each.landed.rows,
            visma_lines=each.stated.rows,
            landed_balance=each.landed.balance,
            visma_balance=each.stated.balance,
            difference=each.amount,
        )
        for each in found
    ]
