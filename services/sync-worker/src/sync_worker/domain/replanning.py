"""What becomes of the items of a company when its plan is made again.

An item whose question to the source is the same stays as it is. Nothing is deleted: what the plan has no more is retired, and an item
that comes back is retrieved and proven anew.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.sync import DataSet, SyncStatus
from sync_worker.domain.company import Company
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.datasets.balances import before
from sync_worker.domain.plan import PlannedItem

RETIRED = "retired"
"""The status of an item that is not in the plan. It is no `SyncStatus`: nobody is told of it but by the plan."""


class Fate(StrEnum):
    """What becomes of an item that is there and is planned."""

    STAYS = "stays"
    AGAIN = "again"
    """is retrieved from its start"""
    EXTENDED = "extended"
    """keeps what it has and retrieves what lies before"""
    NARROWED = "narrowed"
    """has everything and is proven again for less"""


@dataclass(frozen=True, slots=True)
class Known:
    """An item that is there. ``status`` is a `SyncStatus` or `RETIRED`; ``since`` is the start it was retrieved from if that matters."""

    data_set: DataSet
    period_label: str
    status: str
    question: str
    since: date | None


@dataclass(frozen=True, slots=True)
class Replanned:
    """The plan laid over what is there: what becomes of planned items that are there, and of those that are planned no more."""

    there: list[tuple[Fate, PlannedItem]]
    retired: list[Known]


def replanned(company: Company, known: Iterable[Known], planned: Sequence[PlannedItem]) -> Replanned:
    """Every item that is there is planned, or retired; what is planned and not there is new."""
    there = {(each.data_set, each.period_label): each for each in known}
    wanted = {(item.data_set, item.label) for item in planned}
    return Replanned(
        there=[(_fate(company, found, item), item) for item in planned if (found := there.get((item.data_set, item.label)))],
        retired=[each for place, each in there.items() if place not in wanted and each.status != RETIRED],
    )


def question_of(company: Company, item: PlannedItem) -> str:
    """What the source is asked for, as text: two items with the same question bring the same rows."""
    dataset = DATASETS.get(item.data_set)
    if dataset is None:
        return company.organisation_number if item.data_set is DataSet.A07_REPORTS else ""
    if dataset.of_ledger and item.data_set is not DataSet.OPENING_BALANCES:
        return json.dumps(item.ledger_periods)
    where = before(item.ledger_periods) if dataset.of_ledger else dataset.filter_for(company, item.ledger_periods)
    return "" if where is None else json.dumps(where.expression, default=str)


def since_of(company: Company, item: PlannedItem) -> date | None:
    """From when on the item's rows are, when an earlier start would only add to them."""
    dataset = DATASETS.get(item.data_set)
    return company.reconciliation_start if dataset is not None and dataset.grows_backwards else None


def _fate(company: Company, known: Known, item: PlannedItem) -> Fate:
    if known.status == RETIRED or item.data_set is DataSet.ACCOUNT_BALANCES:  # which compares all that the plan holds
        return Fate.AGAIN
    if known.question == question_of(company, item):
        return Fate.STAYS
    since = since_of(company, item)
    if known.status != SyncStatus.COMPLETE or since is None or known.since is None or since == known.since:
        return Fate.AGAIN
    return Fate.EXTENDED if since < known.since else Fate.NARROWED
