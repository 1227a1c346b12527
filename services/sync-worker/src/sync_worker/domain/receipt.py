"""The receipt of a proof: what was asked, the figures, and a hash over the rows that had landed, as text that anybody can hash.

`docs/howto/check-a-receipt.md` says how to repeat all of it without us.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from sync_worker.domain.company import Company
from sync_worker.domain.dataset import Dataset
from sync_worker.domain.periods import YearAndPeriod
from visma_nxt import Exchange

Question = dict[str, Any]
"""An `Exchange` as JSON has it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The landed rows a receipt speaks of, as ``sync.landed_rows`` and ``sync.rows_sha256`` read it."""

    table: str
    columns: Sequence[str]
    key: Sequence[str]
    scope: Mapping[str, Any] = field(default_factory=dict)
    sums: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None
    """How many they are, where that is not what the proof counts."""

    def parts(self) -> list["Coverage"]:
        """One for each accounting period, so that no hash is over more than the lines of one."""
        periods = self.scope.get("ledger_periods")
        if periods is None:
            return [self]
        return [Coverage(self.table, self.columns, self.key, {"ledger_periods": [each]}) for each in periods]

    @property
    def ledger_period(self) -> YearAndPeriod | None:
        """The accounting period, for a part that is of one."""
        periods = self.scope.get("ledger_periods", ())
        return periods[0] if len(periods) == 1 else None

    def as_json(self) -> dict[str, Any]:
        counted = {} if self.rows is None else {"rows": self.rows}
        return {"table": self.table, "columns": list(self.columns), "key": list(self.key), **self.scope, **self.sums, **counted}


def coverage_of(dataset: Dataset, company: Company, ledger_periods: Sequence[YearAndPeriod]) -> Coverage:
    """What an item of a data set covers."""
    scope: dict[str, Any] = {}
    if dataset.by_period:
        scope["ledger_periods"] = sorted(ledger_periods)
    elif dataset.since:
        scope["since"] = {dataset.since: company.reconciliation_start}
    sums: dict[str, Any] = {}
    if dataset.control:
        sums = {"by": dataset.control.by, "amount": dataset.control.amount}
    return Coverage(dataset.landing, dataset.names, dataset.key, scope, sums)


def questions(exchanges: Iterable[Exchange]) -> list[Question]:
    """As a receipt has them."""
    return [asdict(each) for each in exchanges]


def canonical(content: Mapping[str, Any]) -> str:
    """JSON without blanks, keys in order, decimals as text: what the hash of a receipt is over."""
    return orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS).decode()


def sha256(text: str) -> str:
    """As ``sha256sum`` prints it."""
    return hashlib.sha256(text.encode()).hexdigest()
