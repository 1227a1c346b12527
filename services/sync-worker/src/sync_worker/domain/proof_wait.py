"""A proof costs a request, and one question can prove many periods: periods whose rows are in wait a moment for each other.

The newest period is what somebody waits to see, and one that was proven before may be wrong now: these are proven at once. When nothing
of the ledger is left to read, all are.
"""

from datetime import timedelta

from sync_worker.domain.dataset import Dataset

AT_ONCE = timedelta(0)
LONGEST = timedelta(seconds=30)


def proof_wait(dataset: Dataset, *, rank: int, known: bool) -> timedelta:
    """How long at most."""
    return LONGEST if dataset.by_period and rank > 0 and not known else AT_ONCE
