"""Where a data set stands as a whole, told from its items."""

from collections.abc import Collection

from contracts.sync import DataSet, SyncStatus

GOING_ON = frozenset({SyncStatus.RETRIEVING, SyncStatus.VERIFYING, SyncStatus.RETRYING, SyncStatus.QUEUED})
"""What workers take up by themselves."""

_ORDER = (
    SyncStatus.RETRIEVING,
    SyncStatus.VERIFYING,
    SyncStatus.RETRYING,
    SyncStatus.QUEUED,
    SyncStatus.NEEDS_CONSENT,
    SyncStatus.NEEDS_ATTENTION,
    SyncStatus.NOT_SUPPORTED,
    SyncStatus.COMPLETE,
)


def status_of(items: Collection[SyncStatus]) -> SyncStatus:
    """What goes on comes before what waits, what waits for a person before what is complete.

    Half complete and half queued is retrieving: the next item is taken as soon as a worker is free.
    """
    first = next(status for status in _ORDER if status in items)
    if first is SyncStatus.QUEUED and SyncStatus.COMPLETE in items:
        return SyncStatus.RETRIEVING
    return first


def shown(data_set: DataSet, items: Collection[SyncStatus], *, paused: bool, given_up: bool) -> SyncStatus:
    """What is said of a data set: as its items stand, but for a pause, for an ID that was given up, and for what the plan is made from.

    By the balances a complete company is followed, so they are not complete while that is over.
    """
    status = status_of(items)
    if given_up and (status is not SyncStatus.COMPLETE or data_set is DataSet.ACCOUNT_BALANCES):
        return SyncStatus.NEEDS_CONSENT
    if paused and GOING_ON.intersection(items):
        return SyncStatus.PAUSED
    if data_set is DataSet.ACCOUNTING_PERIODS and status is SyncStatus.VERIFYING:
        return SyncStatus.PLANNING
    return status


def percent_of(rows: int, expected: int | None, status: SyncStatus) -> int | None:
    """Whole percent of the rows. 100 is kept for what is proven; None when it is not known how many there are."""
    if status is SyncStatus.COMPLETE:
        return 100
    if expected is None:
        return None
    return min(99, rows * 100 // expected) if expected else 0
