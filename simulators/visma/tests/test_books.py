"""The books hold what an accountant expects, whatever the seed."""

import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from datetime import date

import pytest
from stdnum.no import orgnr

from visma_simulator import scenario
from visma_simulator.company import CompanyData
from visma_simulator.table import FIRST_TIMESTAMP, Table

pytestmark = pytest.mark.servers

TODAY = date(2026, 5, 17)

HASH = """
import hashlib
from datetime import date
from visma_simulator import scenario
from visma_simulator.company import CompanyData
found = scenario.load(seed={seed}, today=date(2026, 5, 17), lines=1500)
digest = hashlib.sha256()
for company in found.customers[0].companies:
    for name, table in sorted(CompanyData(company, found.seed, found.today).tables().items()):
        for column in table.shape.columns:
            digest.update("|".join(map(table[column].json, table[column].data)).encode())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module", params=[7, 8, 4711])
def company(request: pytest.FixtureRequest) -> CompanyData:
    found = scenario.load(seed=request.param, today=TODAY, lines=8000)
    return CompanyData(found.customers[0].companies[2], found.seed, found.today)  # its financial year starts in July


def sums(table: Table, amount: str, *by: str) -> dict[tuple[int, ...], int]:
    found: dict[tuple[int, ...], int] = defaultdict(int)
    for *key, value in zip(*(table[name].data for name in (*by, amount)), strict=True):
        found[tuple(key)] += value
    return found


def ledger(company: CompanyData) -> Table:
    return company.tables()["GeneralLedgerTransaction"]


def test_every_voucher_balances_within_one_period(company: CompanyData) -> None:
    by_series = sums(ledger(company), "postedAmountDomestic", "voucherSeriesNo", "voucherNo", "year", "period")
    by_journal = sums(ledger(company), "postedAmountDomestic", "voucherJournalNo", "voucherNo")
    assert len(by_series) == len(by_journal) > 500
    assert not any(by_series.values())
    assert not any(by_journal.values())


def test_vouchers_have_two_to_eight_lines_and_numbers_repeat_across_series(company: CompanyData) -> None:
    rows: dict[tuple[int, int], int] = defaultdict(int)
    for key in zip(ledger(company)["voucherSeriesNo"].data, ledger(company)["voucherNo"].data, strict=True):
        rows[key] += 1
    assert min(rows.values()) == 2
    assert max(rows.values()) == 8
    assert len({number for _, number in rows}) < len(rows)


@pytest.mark.parametrize(("side", "account"), [("Customer", 1500), ("Supplier", 2400)])
def test_open_entries_equal_the_control_account(company: CompanyData, side: str, account: int) -> None:
    tables = company.tables()
    balance = sums(ledger(company), "postedAmountDomestic", "accountNo")[account,]
    entries = tables[f"Open{side}Entry"]
    assert len(entries) > 5
    assert all(entries["outstandingAmountDomestic"].data)
    assert sum(entries["outstandingAmountDomestic"].data) == balance
    assert sum(tables[f"{side}Transaction"]["outstandingAmountDomestic"].data) == balance
    assert sum(tables[f"{side}Transaction"]["amountDomestic"].data) == balance


def test_asset_register_equals_the_asset_and_depreciation_accounts(company: CompanyData) -> None:
    tables = company.tables()
    booked = sums(ledger(company), "postedAmountDomestic", "accountNo")
    registered = sums(tables["CapitalAssetTransaction"], "amountDomestic", "accountNo")
    assert {account for (account,) in registered} == {account for (account,) in booked if 1200 <= account < 1300}
    assert all(booked[account] == amount for account, amount in registered.items())
    assets = tables["CapitalAsset"]
    assert sum(assets["acquisitionCost"].data) == sum(amount for (account,), amount in registered.items() if account % 10 == 0)
    assert sum(assets["accumulatedDepreciation"].data) == -sum(amount for (account,), amount in registered.items() if account % 10 == 9)


def test_a_closed_year_ends_with_its_result_in_period_13(company: CompanyData) -> None:
    tables = company.tables()
    results = {2024: 0, 2025: 0}
    for (account, year), amount in sums(ledger(company), "postedAmountDomestic", "accountNo", "year").items():
        if account >= 3000 and year in results:
            results[year] += amount
    closing = {year for (year, period) in ledger(company).runs() if period == 13}
    assert closing == {2024}  # the year from July 2025 still runs in May 2026
    assert results[2024] == 0
    assert results[2025] != 0
    periods = tables["AccountingPeriod"]
    closed = {year for year, bits in zip(periods["year"].data, periods["accountingPeriodProcessing"].data, strict=True) if bits}
    assert closed == closing


def test_payroll_of_every_month_is_booked_on_the_usual_accounts(company: CompanyData) -> None:
    booked = sums(ledger(company), "postedAmountDomestic", "accountNo", "year", "period")
    for account in (5000, 5400, 2770, 2780, 2940):
        months = {(year, period) for (found, year, period) in booked if found == account and period <= 12}
        assert len(months) >= 22
    assert sums(ledger(company), "postedAmountDomestic", "accountNo")[2930,] == 0


def test_vat_of_each_invoice_is_its_rate_of_the_net(company: CompanyData) -> None:
    rates = {1: 25, 3: 25, 11: 15, 31: 15}
    amounts = sums(ledger(company), "postedAmountDomestic", "voucherSeriesNo", "voucherNo", "taxCode", "accountNo")
    net: dict[tuple[int, ...], int] = defaultdict(int)
    vat: dict[tuple[int, ...], int] = defaultdict(int)
    for (series, number, code, account), amount in amounts.items():
        if code in rates:
            (vat if 2700 <= account < 2740 else net)[series, number, code] += amount
    assert len(net) > 500
    assert net.keys() == vat.keys()
    assert all(abs(vat[key] - amount * rates[key[2]] / 100) <= 2 for key, amount in net.items())  # half an øre for each of four lines


def test_nothing_is_dated_after_today_or_before_the_first_year(company: CompanyData) -> None:
    dates = ledger(company)["voucherDate"].data
    assert 20240701 <= min(dates) < 20240801
    assert 20260510 < max(dates) <= 20260517


def test_some_purchases_are_booked_in_the_month_before(company: CompanyData) -> None:
    runs = ledger(company).runs()
    assert any(len(stretches) > 1 for stretches in runs.values())
    assert sum(len(stretch) for stretches in runs.values() for stretch in stretches) == len(ledger(company))


def test_rows_from_before_timestamps_existed_have_none(company: CompanyData) -> None:
    column = ledger(company)["changedTimestamp"]
    missing = [column.plain(value) is None for value in column.data]
    assert missing == [value < FIRST_TIMESTAMP for value in column.data]
    assert 0 < sum(missing) < len(missing)


def test_size_is_met_with_at_most_one_voucher_more(company: CompanyData) -> None:
    assert company.company.lines <= len(ledger(company)) < company.company.lines + 30


def test_organisation_numbers_are_valid_and_differ() -> None:
    numbers = [company.organisation_number for customer in scenario.load(today=TODAY).customers for company in customer.companies]
    assert all(map(orgnr.is_valid, numbers))
    assert len(set(numbers)) == len(numbers) == 6


def test_same_seed_gives_the_same_books_in_any_process() -> None:
    def digest(seed: int, hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-c", HASH.format(seed=seed)], env=environment, capture_output=True, text=True, check=True
        ).stdout

    first = digest(7, "1")
    assert len(first.strip()) == hashlib.sha256().digest_size * 2
    assert digest(7, "2") == first
    assert digest(8, "1") != first


@pytest.mark.parametrize(
    ("company", "reason"),
    [
        ({"number": 1, "name": "A", "organisation_number": "123456789"}, "not an organisation number"),
        ({"number": 1, "name": "A", "size": 3}, "not understood"),
    ],
)
def test_a_wrong_scenario_is_refused(company: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        scenario.read({"clients": [], "customers": [{"number": 1, "name": "X", "companies": [company]}]}, today=TODAY)
