"""The balance of every account: opening plus movements is closing, all taken from the ledger at one moment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.sync import AccountBalance
from sync_worker.domain.datasets.balances import lies_before
from sync_worker.domain.periods import YearAndPeriod
from sync_worker.domain.proof import ZERO, Group, Landed, Stated, differences


@dataclass(frozen=True, slots=True)
class Compared:
    """The landed ledger against Visma's at one moment: what changed since it was retrieved, and the balances where nothing did."""

    opening_changed: bool
    changed: frozenset[YearAndPeriod]
    balances: tuple[AccountBalance, ...]


def compare(
    stated: Mapping[Group, Stated], opening: Mapping[Group, Stated], landed: Mapping[Group, Landed], planned: Sequence[YearAndPeriod]
) -> Compared:
    """``stated`` and ``landed`` are by ``(account, year, period)``, ``opening`` by ``(account, year)``.

    Lines of periods that are neither before the start nor planned, such as a month that began after the plan, are left out.
    """
    in_plan = {group: each for group, each in stated.items() if group[1:] in set(planned)}
    opening_stated = _summed({group: each for group, each in stated.items() if lies_before((group[1], group[2]), planned)}, width=2)
    found = differences(landed, in_plan)
    return Compared(
        opening_changed=opening_stated != dict(opening),
        changed=frozenset((each.group[1], each.group[2]) for each in found),
        balances=tuple(_balances(opening, landed, {**in_plan, **opening_stated})),
    )


def _balances(opening: Mapping[Group, Stated], landed: Mapping[Group, Landed], closing: Mapping[Group, Stated]) -> Iterable[AccountBalance]:
    openings = _by_account((group, each.balance) for group, each in opening.items())
    movements = _by_account((group, each.balance) for group, each in landed.items())
    closings = _by_account((group, each.balance) for group, each in closing.items())
    for account in sorted({*openings, *movements, *closings}):
        yield AccountBalance(account_no=account, opening=openings[account], movements=movements[account], closing=closings[account])


def _by_account(amounts: Iterable[tuple[Group, Decimal]]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for group, amount in amounts:
        sums[group[0]] += amount
    return sums


def _summed(groups: Mapping[Group, Stated], *, width: int) -> dict[Group, Stated]:
    sums: dict[Group, Stated] = {}
    for group, each in groups.items():
        so_far = sums.get(group[:width], Stated(0))
        sums[group[:width]] = Stated(so_far.rows + each.rows, so_far.balance + each.balance)
    return sums
