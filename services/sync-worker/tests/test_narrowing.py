"""How a search goes on: which groups it asks for next, when it is over, and when it gives up."""

from collections.abc import Sequence

import pytest

from contracts.sync import DataSet
from sync_worker.domain.datasets import DATASETS, LEDGER_LINES
from sync_worker.domain.locating import MOST_GROUPS, MOST_PLACES, Search, finer, lying_in, narrowed, search_for, voucher_key
from sync_worker.domain.proof import Difference, Group, Landed, Stated

BY = ("account_no", "year", "period")
DAY, JOURNAL, VOUCHER = ("voucher_date",), ("voucher_journal_no",), ("voucher_journal_no", "voucher_no")


def differing(*groups: Group, rows: int = 1) -> list[Difference]:
    return [Difference(group, Landed(0), Stated(rows)) for group in groups]


def searching(by: Sequence[str] = BY, groups: Sequence[Group] = ((1500, 2026, 3),), vouchers: Sequence[Group] = ()) -> Search:
    return Search(differences=[], by=tuple(by), groups=tuple(groups), vouchers=tuple(vouchers))


@pytest.mark.parametrize(("by", "levels"), [(BY, [DAY, JOURNAL, VOUCHER]), ((*BY, *DAY), [JOURNAL, VOUCHER]), ((*BY, *JOURNAL), [VOUCHER])])
def test_each_question_is_finer_than_the_last(by: tuple[str, ...], levels: list[tuple[str, ...]]) -> None:
    assert finer(LEDGER_LINES, searching(by)) == levels


def test_a_table_without_voucher_numbers_is_searched_by_journal() -> None:
    assert voucher_key(DATASETS[DataSet.OPEN_CUSTOMER_ENTRIES]) == JOURNAL


def test_what_differs_by_voucher_ends_the_search_and_joins_what_is_known() -> None:
    groups = [(1500, 2026, 3, 12, 10044), (3000, 2026, 3, 12, 10044)]
    search = narrowed(LEDGER_LINES, searching(vouchers=[(9, 10001)]), (*BY, *VOUCHER), differing(*groups))
    assert search is not None
    assert (search.groups, search.vouchers) == ((), ((9, 10001), (12, 10044)))


def test_what_differs_by_day_is_searched_on() -> None:
    search = narrowed(LEDGER_LINES, searching(), (*BY, *DAY), differing((1500, 2026, 3, 20260314)))
    assert search is not None
    assert (search.by, search.groups, search.vouchers) == ((*BY, *DAY), ((1500, 2026, 3, 20260314),), ())


def test_a_search_that_finds_nothing_more_is_given_up() -> None:
    assert narrowed(LEDGER_LINES, searching(), (*BY, *VOUCHER), []) is None


@pytest.mark.parametrize(
    "found",
    [
        [],
        differing((1500, 2026, 3), rows=MOST_GROUPS + 1),  # a page was lost, not a voucher
        differing(*((account, 2026, 3) for account in range(MOST_PLACES + 1))),
    ],
)
def test_too_much_or_nothing_is_not_searched_for(found: list[Difference]) -> None:
    assert search_for(LEDGER_LINES, found, (), []) is None


def test_a_data_set_that_is_only_counted_is_not_searched() -> None:
    assert search_for(DATASETS[DataSet.CUSTOMERS], differing(()), (), []) is None


def test_vouchers_that_do_not_balance_need_no_question() -> None:
    search = search_for(LEDGER_LINES, [], [(12, 10044)], [])
    assert search is not None
    assert (search.groups, search.vouchers) == ((), ((12, 10044),))


def test_groups_become_the_filter_of_the_next_question() -> None:
    where = lying_in(LEDGER_LINES, VOUCHER, [(12, 10045), (12, 10044), (13, 10044)])
    assert where.expression == {
        "_or": [
            {"_and": [{"voucherJournalNo": {"_eq": 12}}, {"voucherNo": {"_in": [10044, 10045]}}]},
            {"_and": [{"voucherJournalNo": {"_eq": 13}}, {"voucherNo": {"_in": [10044]}}]},
        ]
    }
