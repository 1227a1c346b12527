"""What becomes of the items when a company is planned again."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from contracts.company import Module, PeriodType
from contracts.sync import DataSet, SyncStatus
from sync_worker.domain.company import Company
from sync_worker.domain.periods import LedgerPeriod
from sync_worker.domain.plan import plan
from sync_worker.domain.replanning import RETIRED, Fate, Known, question_of, replanned, since_of

TODAY = date(2026, 11, 22)
LEDGER = [LedgerPeriod(year, number, date(year, number, 1)) for year in (2025, 2026) for number in range(1, 13)]
COMPANY = Company(
    company_id=UUID(int=1),
    organization_id=UUID(int=2),
    visma_company_id=7100001,
    organisation_number="999888777",
    period_type=PeriodType.MONTH,
    financial_year_start_month=1,
    reconciliation_start=date(2026, 9, 1),
    modules=frozenset(Module),
)
TRANSACTIONS = {DataSet.CUSTOMER_TRANSACTIONS, DataSet.SUPPLIER_TRANSACTIONS}
LEDGER_WIDE = {DataSet.OPENING_BALANCES, DataSet.ACCOUNT_BALANCES, DataSet.VAT_FIGURES}


def there(company: Company = COMPANY, status: str = SyncStatus.COMPLETE) -> list[Known]:
    """The items of a company that is planned, all in the same status."""
    return [
        Known(item.data_set, item.label, status, question_of(company, item), since_of(company, item))
        for item in plan(company, LEDGER, {}, TODAY)
    ]


def again(company: Company, known: list[Known] | None = None, today: date = TODAY) -> dict[str, set[tuple[DataSet, str]]]:
    """Data set and label of every item, by what becomes of it."""
    known = there() if known is None else known
    planned = plan(company, LEDGER, {}, today)
    result = replanned(company, known, planned)
    found: dict[str, set[tuple[DataSet, str]]] = {fate: set() for fate in Fate}
    for fate, item in result.there:
        found[fate].add((item.data_set, item.label))
    found["retired"] = {(each.data_set, each.period_label) for each in result.retired}
    found["new"] = {(item.data_set, item.label) for item in planned} - {(each.data_set, each.period_label) for each in known}
    return found


def data_sets(items: set[tuple[DataSet, str]]) -> set[DataSet]:
    return {data_set for data_set, _ in items}


def labels(items: set[tuple[DataSet, str]], data_set: DataSet) -> set[str]:
    return {label for its, label in items if its is data_set}


def test_the_same_plan_again_asks_only_whether_the_balances_still_hold() -> None:
    found = again(COMPANY)
    assert found[Fate.AGAIN] == {(DataSet.ACCOUNT_BALANCES, "")}
    assert not found["new"] | found["retired"] | found[Fate.EXTENDED] | found[Fate.NARROWED]


def test_an_earlier_start_fetches_the_gap() -> None:
    found = again(replace(COMPANY, reconciliation_start=date(2026, 7, 1)))
    assert found["new"] == {
        (data_set, label) for data_set in (DataSet.LEDGER_LINES, DataSet.A07_REPORTS) for label in ("2026-07", "2026-08")
    }
    assert data_sets(found[Fate.EXTENDED]) == TRANSACTIONS
    assert data_sets(found[Fate.AGAIN]) == {*LEDGER_WIDE, DataSet.VAT_TERMS}
    assert not found["retired"]


def test_a_later_start_retires_what_lies_before_and_proves_the_rest_for_less() -> None:
    found = again(replace(COMPANY, reconciliation_start=date(2026, 10, 1)))
    assert found["retired"] == {(DataSet.LEDGER_LINES, "2026-09"), (DataSet.A07_REPORTS, "2026-09")}
    assert data_sets(found[Fate.NARROWED]) == TRANSACTIONS
    assert data_sets(found[Fate.AGAIN]) == {*LEDGER_WIDE, DataSet.VAT_TERMS}
    assert not found["new"]


def test_a_period_that_was_cut_at_the_old_start_is_retrieved_in_full() -> None:
    quarterly = replace(COMPANY, period_type=PeriodType.QUARTER)
    found = again(replace(quarterly, reconciliation_start=date(2026, 6, 1)), there(quarterly))
    assert labels(found["retired"], DataSet.LEDGER_LINES) == {"2026-09"}
    assert labels(found["new"], DataSet.LEDGER_LINES) == {"2026-06", "2026-07..2026-09"}
    assert labels(found[Fate.STAYS], DataSet.LEDGER_LINES) == {"2026-10..2026-12"}


def test_another_period_type_cuts_the_ledger_anew_and_nothing_else() -> None:
    found = again(replace(COMPANY, period_type=PeriodType.TWO_MONTHS))
    assert found["retired"] == {(DataSet.LEDGER_LINES, label) for label in ("2026-09", "2026-10", "2026-11")}
    assert labels(found["new"], DataSet.LEDGER_LINES) == {"2026-09..2026-10", "2026-11..2026-12"}
    assert data_sets(found[Fate.AGAIN]) == {DataSet.ACCOUNT_BALANCES, DataSet.VAT_FIGURES}


def test_another_start_month_moves_long_periods() -> None:
    quarterly = replace(COMPANY, period_type=PeriodType.QUARTER)
    found = again(replace(quarterly, financial_year_start_month=3), there(quarterly))
    assert labels(found["new"], DataSet.LEDGER_LINES) == {"2026-09..2026-11"}
    assert labels(found["retired"], DataSet.LEDGER_LINES) == {"2026-09", "2026-10..2026-12"}


@pytest.mark.parametrize(
    ("module", "its"),
    [
        (Module.PAYROLL, {DataSet.A07_REPORTS}),
        (Module.VAT, {DataSet.VAT_CODES, DataSet.VAT_TERMS, DataSet.VAT_FIGURES}),
        (
            Module.ASSETS,
            {
                DataSet.CAPITAL_ASSETS,
                DataSet.CAPITAL_ASSET_GROUPS,
                DataSet.CAPITAL_ASSET_BALANCES,
                DataSet.CAPITAL_ASSET_TRANSACTIONS,
            },
        ),
    ],
)
def test_a_module_goes_comes_and_comes_back(module: Module, its: set[DataSet]) -> None:
    without = replace(COMPANY, modules=frozenset(Module) - {module})
    assert data_sets(again(without)["retired"]) == its
    assert data_sets(again(COMPANY, there(without))["new"]) == its
    once = [replace(each, status=RETIRED) if each.data_set in its else each for each in there()]
    assert data_sets(again(COMPANY, once)[Fate.AGAIN]) == its | {DataSet.ACCOUNT_BALANCES}
    assert not again(without, once)["retired"]


def test_what_was_retired_is_taken_again_when_it_comes_back() -> None:
    later = replace(COMPANY, reconciliation_start=date(2026, 10, 1))
    known = [*there(later), *(replace(each, status=RETIRED) for each in there() if each.period_label == "2026-09")]
    found = again(COMPANY, known)
    assert {(DataSet.LEDGER_LINES, "2026-09"), (DataSet.A07_REPORTS, "2026-09")} <= found[Fate.AGAIN]
    assert not found["new"]


def test_another_organisation_number_is_another_employer() -> None:
    found = again(replace(COMPANY, organisation_number="974761076"))
    assert data_sets(found[Fate.AGAIN]) == {DataSet.A07_REPORTS, DataSet.ACCOUNT_BALANCES}


@pytest.mark.parametrize("start", [date(2026, 7, 1), date(2026, 10, 1)])
def test_a_scan_that_is_under_way_when_the_start_moves_begins_anew(start: date) -> None:
    found = again(replace(COMPANY, reconciliation_start=start), there(status="queued"))
    assert data_sets(found[Fate.AGAIN]) >= TRANSACTIONS
    assert not found[Fate.EXTENDED] | found[Fate.NARROWED]


def test_a_month_that_begins_is_new_and_nothing_that_is_there_is_asked_for_again() -> None:
    found = again(COMPANY, today=date(2026, 12, 1))
    assert found["new"] == {(DataSet.LEDGER_LINES, "2026-12"), (DataSet.A07_REPORTS, "2026-12")}
    assert found[Fate.AGAIN] == {(DataSet.ACCOUNT_BALANCES, ""), (DataSet.VAT_FIGURES, "")}
    assert not found["retired"]


def test_an_accounting_period_that_the_ledger_has_got_since_is_asked_for() -> None:
    thirteenth = LedgerPeriod(2026, 13, date(2026, 11, 30))
    result = replanned(COMPANY, there(), plan(COMPANY, [*LEDGER, thirteenth], {}, TODAY))
    assert {item.label for fate, item in result.there if fate is Fate.AGAIN} == {"", "2026-11"}
