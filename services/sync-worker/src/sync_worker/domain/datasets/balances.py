"""Opening balances: Visma's own sums of what lies before the start date, one row per account and ledger year."""

from collections.abc import Sequence

from contracts import accounting
from contracts.sync import DataSet
from sync_worker.domain.dataset import Column, Dataset, amount
from sync_worker.domain.periods import YearAndPeriod
from visma_nxt.filters import Filter, all_of, any_of, eq, lt
from visma_nxt.tables import Table

_SUMS = Table(
    name="generalLedgerTransaction",
    key=("accountNo", "year"),
    columns=("accountNo", "year", "count", "postedAmountDomestic"),
    amounts=frozenset({"postedAmountDomestic"}),
)
"""The ledger as its grouped query gives it."""

OPENING_BALANCES = Dataset(
    data_set=DataSet.OPENING_BALANCES,
    table=_SUMS,
    landing="opening_balance",
    event=accounting.OpeningBalancesRetrieved,
    columns=(
        Column("account_no", "accountNo"),
        Column("year", "year"),
        Column("lines", "count"),
        Column("balance", "postedAmountDomestic", amount),
    ),
    of_ledger=True,
    sums=("lines", "balance"),
    proof="Visma's own sums, compared again in the balance of every account",
)


def lies_before(number: YearAndPeriod, ledger_periods: Sequence[YearAndPeriod]) -> bool:
    """Whether an accounting period comes before all of these; without any, everything does."""
    return not ledger_periods or number < min(ledger_periods)


def before(ledger_periods: Sequence[YearAndPeriod]) -> Filter | None:
    """The lines for which `lies_before` holds; None for all lines."""
    if not ledger_periods:
        return None
    year, period = min(ledger_periods)
    return any_of(lt("year", year), all_of(eq("year", year), lt("period", period)))
