"""Where a difference lies: from the groups of the proof down to the vouchers in them, by grouped answers that stay small.

Every step keeps the groups of the proof: an amount on the wrong account or in the wrong period would cancel out in a sum over its voucher.
"""

from collections.abc import Iterable, Sequence

from contracts.message import Record
from contracts.sync import AccountDifference
from sync_worker.domain.dataset import Dataset
from sync_worker.domain.proof import Difference, Group
from visma_nxt.filters import Filter, all_of, any_of, eq, in_

MOST_GROUPS = 2_000
"""The largest grouped answer that is asked for while there is a coarser way, and the largest page."""
MOST_PLACES = 200
"""More differing groups or vouchers than this are not one error; the item is then read anew."""
_LEVELS = (("voucher_date",), ("voucher_journal_no",), ("voucher_journal_no", "voucher_no"))

Level = tuple[str, ...]


class Search(Record):
    """A search under way. ``groups`` are values of the columns ``by`` that differ, in Visma's form; without any left the search is over.

    ``vouchers`` are those known to be wrong, keyed as `voucher_key` says; ``differences`` is what the proof found.
    """

    differences: list[AccountDifference]
    by: tuple[str, ...]
    groups: tuple[Group, ...]
    vouchers: tuple[Group, ...]

    @property
    def places(self) -> int:
        """How many groups and vouchers are suspected."""
        return len(self.groups) + len(self.vouchers)


class Repair(Record):
    """Why the wrong vouchers were read again. It counts when the proof holds afterwards."""

    differences: list[AccountDifference]


def voucher_key(dataset: Dataset) -> Level:
    """The landed columns that tell one voucher from another: a voucher number is unique within its journal only."""
    return levels(dataset)[-1]


def levels(dataset: Dataset) -> list[Level]:
    """What a difference can be narrowed down by, coarse to fine."""
    return [level for level in _LEVELS if set(level) <= set(dataset.names)]


def search_for(
    dataset: Dataset, found: Sequence[Difference], unbalanced: Iterable[Group], differences: list[AccountDifference]
) -> Search | None:
    """The search that a proof starts; None when the difference is too wide for one, or nothing but a number of rows is known."""
    if dataset.control is None or sum(abs(each.landed.rows - each.stated.rows) for each in found) > MOST_GROUPS:
        return None
    search = Search(
        differences=differences, by=dataset.control.by, groups=tuple(each.group for each in found), vouchers=tuple(sorted(unbalanced))
    )
    return search if 0 < search.places <= MOST_PLACES else None


def finer(dataset: Dataset, search: Search) -> list[Level]:
    """The levels below the one that was searched last."""
    assert dataset.control is not None  # noqa: S101 - nothing else is searched
    all_levels, searched = levels(dataset), search.by[len(dataset.control.by) :]
    return all_levels[all_levels.index(searched) + 1 :] if searched else all_levels


def narrowed(dataset: Dataset, search: Search, by: tuple[str, ...], found: Iterable[Difference]) -> Search | None:
    """The search after one more grouped answer; None when it leads nowhere, because the ledger has changed or too much is wrong."""
    groups = tuple(each.group for each in found)
    vouchers = set(search.vouchers)
    key = voucher_key(dataset)
    if by[-len(key) :] == key:
        vouchers |= {group[-len(key) :] for group in groups}
        groups = ()
    after = search.model_copy(update={"by": by, "groups": groups, "vouchers": tuple(sorted(vouchers))})
    return after if 0 < after.places <= MOST_PLACES else None


def lying_in(dataset: Dataset, names: Sequence[str], groups: Iterable[Group]) -> Filter:
    """The rows whose columns have the values of one of these groups."""
    *before, last = [dataset.visma_name(name) for name in names]
    gathered: dict[Group, list[int]] = {}
    for group in sorted(groups):
        gathered.setdefault(group[:-1], []).append(group[-1])
    return any_of(*(all_of(*(eq(*each) for each in zip(before, start, strict=True)), in_(last, ends)) for start, ends in gathered.items()))
