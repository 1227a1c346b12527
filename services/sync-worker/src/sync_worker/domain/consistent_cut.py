"""What is as of one moment when a look has found nothing new, and why the rest is not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contracts.message import Record
from contracts.sync import DataSet, NotIncluded, Period, SyncStatus
from sync_worker.domain.datasets import COMPUTED_FROM, LOOKED_AT
from sync_worker.domain.progress import GOING_ON

_OTHER_SOURCE = "It comes from Skatteetaten, whose reports state their own moments."
_OWN_MOMENT = "It is summed up for information by a question of its own, as of when that was asked."


@dataclass(frozen=True, slots=True)
class Part:
    """An item of the plan as it stands. ``reason`` and ``message`` are of its trouble."""

    data_set: DataSet
    period: Period | None
    status: SyncStatus
    reason: str | None
    message: str | None


class ConsistentCut(Record):
    """What `ConsistentCutVerified` says of it, but the moment."""

    periods: list[Period]
    data_sets: list[DataSet]
    not_included: list[NotIncluded]


def cut_of(parts: Sequence[Part]) -> ConsistentCut | None:
    """Of all parts of the plan, newest period first; None while one has to be proven before it is known."""
    looked_at = [each for each in parts if each.data_set in LOOKED_AT]
    whole = {each.data_set for each in looked_at} - {each.data_set for each in looked_at if each.status is not SyncStatus.COMPLETE}
    if any(each.status in GOING_ON for each in [*looked_at, *_computed(parts, whole)]):
        return None
    outside = {each: why for each in parts if (why := _why_not(each, whole))}
    included = [each for each in parts if each not in outside]
    data_sets = {each.data_set for each in included}
    return ConsistentCut(
        periods=[each.period for each in included if each.data_set is DataSet.LEDGER_LINES and each.period],
        data_sets=[data_set for data_set in DataSet if data_set in data_sets],
        not_included=sorted(dict.fromkeys(outside.values()), key=lambda each: list(DataSet).index(each.data_set)),
    )


def _computed(parts: Sequence[Part], whole: Collection[DataSet]) -> list[Part]:
    """What can be computed: all that it is made of is there."""
    return [each for each in parts if each.data_set in COMPUTED_FROM and not _missing(each, whole)]


def _missing(part: Part, whole: Collection[DataSet]) -> list[DataSet]:
    return [each for each in COMPUTED_FROM.get(part.data_set, ()) if each not in whole]


def _why_not(part: Part, whole: Collection[DataSet]) -> NotIncluded | None:
    """The reason for which a part is not included, if it is not."""
    if part.data_set is DataSet.A07_REPORTS:
        return _not_included(part, "other_source", _OTHER_SOURCE)
    if part.data_set not in LOOKED_AT and part.data_set not in COMPUTED_FROM:
        return _not_included(part, "own_moment", _OWN_MOMENT)
    if part.status not in GOING_ON and part.status is not SyncStatus.COMPLETE:
        return NotIncluded(data_set=part.data_set, period=part.period, reason=part.reason or part.status, message=part.message or "")
    if missing := _missing(part, whole):
        return _not_included(part, "not_compared", f"It is computed from {', '.join(missing)}, of which not all is included.")
    return None


def _not_included(part: Part, reason: str, message: str) -> NotIncluded:
    return NotIncluded(data_set=part.data_set, period=None, reason=reason, message=message)
