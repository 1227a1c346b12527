"""What is planned, and in which order."""

from datetime import date
from uuid import UUID

import pytest

from contracts.company import Module, PeriodType
from contracts.sync import DataSet
from sync_worker.domain.company import Company
from sync_worker.domain.freshness import Mark
from sync_worker.domain.periods import LedgerPeriod
from sync_worker.domain.plan import FIRST_ITEM, Planned, announced, data_sets_of, is_outdated, plan

TODAY = date(2026, 11, 22)
LEDGER = [LedgerPeriod(year, number, date(year, number, 1)) for year in (2025, 2026) for number in range(1, 13)]
ALWAYS = [
    DataSet.ACCOUNTING_PERIODS,
    DataSet.LEDGER_ACCOUNTS,
    DataSet.ACCOUNT_GROUPS,
    DataSet.LEDGER_LINES,
    DataSet.OPENING_BALANCES,
    DataSet.ACCOUNT_BALANCES,
    DataSet.CUSTOMERS,
    DataSet.SUPPLIERS,
    DataSet.OPEN_CUSTOMER_ENTRIES,
    DataSet.OPEN_SUPPLIER_ENTRIES,
    DataSet.CUSTOMER_TRANSACTIONS,
    DataSet.SUPPLIER_TRANSACTIONS,
    DataSet.VOUCHER_SERIES,
    DataSet.VOUCHER_TYPES,
    DataSet.UNPOSTED_VOUCHERS,
    DataSet.ORG_UNITS,
]

_ASSETS = [
    DataSet.CAPITAL_ASSETS,
    DataSet.CAPITAL_ASSET_GROUPS,
    DataSet.CAPITAL_ASSET_BALANCES,
    DataSet.CAPITAL_ASSET_TRANSACTIONS,
]


def a_company(*modules: Module, start: date = date(2026, 9, 1), period_type: PeriodType = PeriodType.MONTH) -> Company:
    return Company(
        company_id=UUID(int=1),
        organization_id=UUID(int=2),
        visma_company_id=7100001,
        organisation_number="999888777",
        period_type=period_type,
        financial_year_start_month=1,
        reconciliation_start=start,
        modules=frozenset(modules),
    )


@pytest.mark.parametrize(
    ("modules", "more"),
    [
        ((), []),
        ((Module.VAT,), [DataSet.VAT_CODES, DataSet.VAT_TERMS, DataSet.VAT_FIGURES]),
        ((Module.ASSETS,), _ASSETS),
        ((Module.PAYROLL,), [DataSet.A07_REPORTS]),
    ],
)
def test_modules_decide_what_comes_beside_the_ledger(modules: tuple[Module, ...], more: list[DataSet]) -> None:
    assert data_sets_of(frozenset(modules)) == [*ALWAYS, *more]
    items = plan(a_company(*modules), LEDGER, {}, TODAY)
    assert {item.data_set for item in items} == {*ALWAYS, *more} - {DataSet.ACCOUNTING_PERIODS}


def test_the_newest_period_comes_first_and_the_older_ones_last() -> None:
    items = sorted(plan(a_company(), LEDGER, {}, TODAY), key=lambda item: item.rank)
    order = [item.period.label if item.period else item.data_set.value for item in items]
    assert order[0] == "2026-11"
    assert order[-3:] == ["2026-10", "2026-09", "account_balances"]


def test_rows_expected_are_the_lines_of_the_ledgers_own_periods() -> None:
    lines = {(2026, 8): Mark(1000, None), (2026, 10): Mark(5, None), (2026, 11): Mark(7, None), (2025, 12): Mark(9, None)}
    items = [item for item in plan(a_company(), LEDGER, lines, TODAY) if item.data_set is DataSet.LEDGER_LINES]
    assert {item.period and item.period.label: item.rows_expected for item in items} == {"2026-11": 7, "2026-10": 5, "2026-09": 0}
    [ledger] = [each for each in announced(items) if each.data_set is DataSet.LEDGER_LINES]
    assert ledger.rows_expected == 12
    assert [period.label for period in ledger.periods] == ["2026-11", "2026-10", "2026-09"]


def test_every_line_of_a_planned_year_is_in_exactly_one_item() -> None:
    lines = {(2026, 0): Mark(3, None), (2026, 13): Mark(4, None)}
    items = plan(a_company(start=date(2026, 1, 1), period_type=PeriodType.YEAR), LEDGER, lines, TODAY)
    [year] = [item for item in items if item.data_set is DataSet.LEDGER_LINES]
    assert year.ledger_periods == tuple((2026, number) for number in range(14))
    assert year.rows_expected == 7


def test_periods_the_ledger_does_not_have_are_not_asked_for() -> None:
    items = plan(a_company(), [each for each in LEDGER if each.number < (2026, 11)], {}, TODAY)
    assert [item.period and item.period.label for item in items if item.data_set is DataSet.LEDGER_LINES] == ["2026-10", "2026-09"]


def test_a07_is_planned_month_by_month_whatever_the_period_type() -> None:
    items = plan(a_company(Module.PAYROLL, period_type=PeriodType.YEAR), LEDGER, {}, TODAY)
    months = [item.period and item.period.label for item in items if item.data_set is DataSet.A07_REPORTS]
    assert months == ["2026-11", "2026-10", "2026-09"]


LINES = {(2026, number): Mark(5, None) for number in (9, 10, 11)}


def outdated(company: Company, *, lines: dict[tuple[int, int], Mark] = LINES, today: date = TODAY, without: DataSet | None = None) -> bool:
    """Whether the plan that was made for the company without its modules is outdated in these circumstances."""
    items = [FIRST_ITEM, *plan(a_company(start=company.reconciliation_start), LEDGER, LINES, TODAY)]
    planned = [Planned(item.data_set, item.label, item.ledger_periods) for item in items if item.data_set is not without]
    return is_outdated(company, planned, LEDGER, lines, today)


def test_a_plan_lasts_until_something_begins_that_it_lacks() -> None:
    assert not outdated(a_company())
    assert not outdated(a_company(), lines=LINES | {(2026, 8): Mark(3, None)})
    assert outdated(a_company(), today=date(2026, 12, 1))
    assert outdated(a_company(start=date(2026, 1, 1)), lines=LINES | {(2026, 0): Mark(2, None)})
    assert outdated(a_company(), without=DataSet.VOUCHER_TYPES)
    assert outdated(a_company(Module.VAT))
    assert outdated(a_company(), lines=LINES | {(2031, 1): Mark(1, None)})
