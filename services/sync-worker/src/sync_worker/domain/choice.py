"""Which items a command means by its periods and data sets."""

from collections.abc import Collection, Sequence

from contracts.results import FieldError
from contracts.sync import DataSet
from eventing.errors import Refused
from sync_worker.domain.plan import Planned

_SHOWN = 12


def choose(planned: Sequence[Planned], periods: Collection[str], data_sets: Collection[DataSet], *, with_whole: bool) -> list[Planned]:
    """The planned items of these periods and data sets, each none for all; in the order they are planned in.

    Data sets that are retrieved whole belong to every choice ``with_whole``, and otherwise when they are named.
    Raises `Refused`, which names every period and data set that the company does not have.
    """
    labels = {each.label for each in planned if each.label}
    kinds = {each.data_set for each in planned}
    errors = [_unknown_period(label, labels) for label in periods if label not in labels]
    errors += [_unknown_data_set(data_set) for data_set in data_sets if data_set not in kinds]
    if errors:
        raise Refused("unknown_periods", "The company has nothing of what was asked for.", errors=errors)
    return [each for each in planned if _is_meant(each, periods, data_sets, with_whole=with_whole)]


def _is_meant(each: Planned, periods: Collection[str], data_sets: Collection[DataSet], *, with_whole: bool) -> bool:
    if data_sets and each.data_set not in data_sets:
        return False
    if not each.label:
        return with_whole or each.data_set in data_sets
    return not periods or each.label in periods


def _unknown_period(label: str, known: Collection[str]) -> FieldError:
    newest = sorted(known, reverse=True)
    shown = ", ".join(newest[:_SHOWN]) + (" ..." if len(newest) > _SHOWN else "")
    return FieldError(field="periods", code="unknown_period", message=f"{label!r} is no period of this company.", hint=f"It has {shown}.")


def _unknown_data_set(data_set: DataSet) -> FieldError:
    return FieldError(
        field="data_sets",
        code="unknown_data_set",
        message=f"{data_set.value} is not retrieved for this company.",
        hint="Its modules decide what is retrieved; leave the list empty for all.",
    )
