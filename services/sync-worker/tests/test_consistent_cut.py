"""What is as of one moment, by how everything stands when a look has found nothing new."""

from datetime import date

import pytest

from contracts.sync import DataSet, Period, SyncStatus
from sync_worker.domain.consistent_cut import Part, cut_of

COMPLETE, QUEUED, STOPPED = SyncStatus.COMPLETE, SyncStatus.QUEUED, SyncStatus.NEEDS_ATTENTION
OCTOBER, NOVEMBER = (Period(label=f"2026-{month}", first_day=date(2026, month, 1), last_day=date(2026, month, 28)) for month in (10, 11))
LEDGER, OPENING, BALANCES = DataSet.LEDGER_LINES, DataSet.OPENING_BALANCES, DataSet.ACCOUNT_BALANCES
CODES, TERMS, FIGURES, UNPOSTED, A07 = (
    DataSet.VAT_CODES,
    DataSet.VAT_TERMS,
    DataSet.VAT_FIGURES,
    DataSet.UNPOSTED_VOUCHERS,
    DataSet.A07_REPORTS,
)


def parts(**statuses: SyncStatus) -> list[Part]:
    """Everything complete but what is named, which is stopped because of "why" if it is."""
    items = [
        *((data_set, period) for period in (NOVEMBER, OCTOBER) for data_set in (LEDGER, A07)),
        *((data_set, None) for data_set in (OPENING, BALANCES, CODES, TERMS, FIGURES, UNPOSTED)),
    ]
    found = []
    for data_set, period in items:
        status = statuses.get(f"{data_set}_{period.label[-2:]}" if period else data_set.value, COMPLETE)
        reason, message = ("why", "Because.") if status is STOPPED else (None, None)
        found.append(Part(data_set, period, status, reason, message))
    return found


def test_all_that_comes_from_visma_is_as_of_one_moment_and_the_rest_says_why_not() -> None:
    cut = cut_of(parts())
    assert cut is not None
    assert cut.periods == [NOVEMBER, OCTOBER]
    assert set(cut.data_sets) == {LEDGER, OPENING, BALANCES, CODES, TERMS, FIGURES}
    assert [(each.data_set, each.period, each.reason) for each in cut.not_included] == [
        (each, None, reason) for each, reason in sorted([(A07, "other_source"), (UNPOSTED, "own_moment")], key=by_place)
    ]
    assert all(each.message for each in cut.not_included)


def by_place(named: tuple[DataSet, str]) -> int:
    return list(DataSet).index(named[0])


def test_a_period_in_trouble_is_not_in_it_nor_what_is_computed_from_all_periods() -> None:
    cut = cut_of(parts(ledger_lines_10=STOPPED, vat_figures=QUEUED))
    assert cut is not None
    assert cut.periods == [NOVEMBER]
    assert set(cut.data_sets) == {LEDGER, OPENING, CODES, TERMS}
    why = {(each.data_set, each.period): (each.reason, each.message) for each in cut.not_included}
    assert why[LEDGER, OCTOBER] == ("why", "Because.")
    assert why[BALANCES, None][0] == why[FIGURES, None][0] == "not_compared"
    assert "ledger_lines" in why[BALANCES, None][1]


def test_what_is_in_trouble_itself_says_so() -> None:
    cut = cut_of(parts(vat_figures=STOPPED))
    assert cut is not None
    assert BALANCES in cut.data_sets
    assert FIGURES not in cut.data_sets
    assert "why" in {each.reason for each in cut.not_included if each.data_set is FIGURES}


@pytest.mark.parametrize("waits", ["ledger_lines_10", "vat_codes", "opening_balances", "vat_figures"])
def test_nothing_is_said_while_something_has_to_be_proven_first(waits: str) -> None:
    assert cut_of(parts(**{waits: QUEUED})) is None


@pytest.mark.parametrize("waits", ["a07_reports_10", "unposted_vouchers"])
def test_what_is_never_in_it_is_not_waited_for(waits: str) -> None:
    assert cut_of(parts(**{waits: QUEUED})) is not None
