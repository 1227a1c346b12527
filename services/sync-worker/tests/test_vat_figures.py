"""Base and VAT of every term and tax code: reckoned, compared with Visma, and reported when they differ."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from contracts.accounting import VatFiguresCalculated
from contracts.company import Module
from contracts.results import CommandSucceeded
from contracts.sync import DataSet, PeriodVerified, RefetchPeriods, RetrySync, SyncCompleted, SyncNeedsAttention
from sync_worker.domain.proof import Landed, Stated, differences
from sync_worker.domain.vat_figures import VatCode, VatTerm, figures, in_words
from sync_worker.handlers import refetch_periods
from testkit.databases import Templates
from testkit.probe import probe

from .books import BUILDER, Books, retrieved

VAT_ACCOUNTS = {2700: "3", 2701: "31", 2710: "1", 2711: "11"}


def test_lines_on_the_account_of_the_code_are_vat_and_all_others_base() -> None:
    landed = {
        (2026, 1, 3, 3000, 2026, 1): Landed(2, credit=Decimal("1000.00")),
        (2026, 1, 3, 3010, 2026, 2): Landed(1, credit=Decimal("200.00")),
        (2026, 1, 3, 2700, 2026, 1): Landed(1, credit=Decimal("300.00")),
        (2026, 2, 5, 3100, 2026, 3): Landed(1, credit=Decimal("50.00")),
        (2026, 2, 99, 4300, 2026, 3): Landed(1, debit=Decimal("7.00")),
    }
    codes = {3: VatCode("3", Decimal(25), 2700), 5: VatCode("5", Decimal(0), None)}
    terms = [VatTerm(2026, 1, date(2026, 1, 1), date(2026, 2, 28), True), VatTerm(2026, 2, date(2026, 3, 1), date(2026, 4, 30), False)]
    assert figures(landed, codes, terms) == [
        (2026, 1, 3, "3", Decimal(25), Decimal(-1200), Decimal(-300), 4, True),
        (2026, 2, 5, "5", Decimal(0), Decimal(-50), Decimal(0), 1, False),
        (2026, 2, 99, None, None, Decimal(7), Decimal(0), 1, False),
    ]


def test_differences_are_named_by_term_code_and_account() -> None:
    groups = [(2026, 1, 3, 3000 + number, 2026, 1) for number in range(7)]
    said = in_words(differences({}, {group: Stated(1, Decimal("5.00")) for group in groups}))
    assert said.startswith("tax code 3 on account 3000 in term 1 of 2026: 0 (0 lines) landed, 5.00 (1 lines) in Visma; ")
    assert said.endswith("and 2 more")


@pytest.mark.servers
async def test_figures_that_differ_are_reported_calculated_when_they_agree_and_followed(bench: Any) -> None:
    await bench.hire()
    await bench.visma.fault(effect="drop_row", operation="GeneralLedgerTransactionGroupsEach", times=None)
    from_a_term = 5 - datetime.now(ZoneInfo("Europe/Oslo")).month % 2  # so many months back a two-month term begins
    async with bench.worker(freshness_minutes=0.005):
        company_id = await bench.create(BUILDER, months=from_a_term, modules=[Module.VAT])
        [attention] = await bench.of(SyncNeedsAttention, company_id)
        assert (attention.data_set, attention.reason) == (DataSet.VAT_FIGURES, "mismatch")
        assert "tax code 1 on account" in attention.message
        assert await bench.of(VatFiguresCalculated, company_id, count=0) == []
        await bench.visma.clear_faults()
        assert isinstance(await bench.gateway.ask(retry(bench, company_id), actor="kari"), CommandSucceeded)
        [completed] = await bench.of(SyncCompleted, company_id)
        [calculated] = await bench.of(VatFiguresCalculated, company_id)
        lines = await bench.rows("ledger_line", company_id)
        sold = next(line for line in lines if line["account_no"] == 3000)
        key = {"voucherJournalNo": sold["voucher_journal_no"], "auditNo": sold["audit_no"]}
        await bench.visma.change_ledger(BUILDER, "change", key | {"taxCode": 6})
        later = (await bench.of(VatFiguresCalculated, company_id, count=2))[-1]
        await bench.of(SyncCompleted, company_id, count=2)
    [totals] = [each for each in completed.data_sets if each.data_set is DataSet.VAT_FIGURES]
    assert (totals.rows, totals.difference) == (len(calculated.rows), 0)
    expected: dict[tuple[int, int, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for line in lines:
        if line["vat_code"]:
            term = (line["value_date"].year, (line["value_date"].month + 1) // 2, str(line["vat_code"]))
            expected[term][line["account_no"] in VAT_ACCOUNTS] += line["amount"]
    assert {(row.year, row.term, row.standard_code): [row.base, row.vat] for row in calculated.rows} == expected
    assert {row.standard_code for row in calculated.rows} >= {"1", "3", "5"}
    for row in calculated.rows:
        assert abs(row.base * row.rate / 100 - row.vat) < Decimal("0.01") * row.lines  # each invoice is rounded
    before = {(row.year, row.term, row.vat_code): row.base for row in calculated.rows}
    moved = {row.vat_code: row.base - before.get((row.year, row.term, row.vat_code), Decimal(0)) for row in later.rows}
    assert moved == {3: -sold["amount"], 6: sold["amount"]}


@pytest.mark.servers
async def test_a_code_that_was_changed_after_its_period_was_proven_is_retrieved_before_the_figures(bench: Any) -> None:
    await bench.visma.fault(effect="status", status=503, operation="TaxTermRows", times=None)
    async with bench.worker(retry_longest_seconds=0.3):
        company_id = await bench.create(BUILDER, modules=[Module.VAT])
        await probe(lambda: only_vat_is_left(bench), within=30)
        key = await bench.pool.fetchrow("SELECT voucher_journal_no, audit_no FROM sync.ledger_line WHERE account_no = 3000 LIMIT 1")
        changed = {"voucherJournalNo": key["voucher_journal_no"], "auditNo": key["audit_no"], "taxCode": 6}
        await bench.visma.change_ledger(BUILDER, "change", changed)
        await bench.visma.clear_faults()
        await bench.of(SyncCompleted, company_id)
        verified = await bench.of(PeriodVerified, company_id)
    code = "SELECT vat_code FROM sync.ledger_line WHERE (voucher_journal_no, audit_no) = ($1, $2)"
    assert await bench.pool.fetchval(code, key["voucher_journal_no"], key["audit_no"]) == 6
    assert len(verified) == len({each.period.label for each in verified}) + 1


@pytest.fixture(scope="module")
async def books(database_templates: Templates) -> AsyncIterator[Books]:
    async with retrieved(database_templates, BUILDER, modules=(Module.VAT,)) as [found]:
        yield found


@pytest.mark.servers
async def test_figures_are_calculated_anew_when_the_balances_find_that_the_ledger_has_changed(books: Books) -> None:
    line = await a_sale(books, code=3)
    other = await books.pool.fetchrow(
        "SELECT * FROM sync.ledger_line WHERE vat_code IS NULL AND (voucher_journal_no, voucher_no, year, period) = ($1, $2, $3, $4)",
        *(line[name] for name in ("voucher_journal_no", "voucher_no", "year", "period")),
    )
    for each, more in ((line, -1), (other, 1)):
        await change_long_ago(books, each, postedAmountDomestic=str(each["amount"] + more))
    await books.said()
    before = await bases(books)
    await books.pool.execute("UPDATE sync.company SET completed_at = NULL")
    await books.prove_again(await books.pool.fetchval("SELECT work_item_id FROM sync.work_item WHERE data_set = 'account_balances'"))
    assert await said_before_completion(books, before) == {3: -1}


@pytest.mark.servers
async def test_figures_are_calculated_anew_when_periods_are_retrieved_anew(books: Books) -> None:
    line = await a_sale(books, code=3)
    await change_long_ago(books, line, taxCode=6)
    await books.said()
    before = await bases(books)
    about = {"company_id": books.company.company_id, "organization_id": books.company.organization_id}
    async with books.work() as work:
        taken = await refetch_periods(RefetchPeriods(**about), work)
    assert "vat_figures" in taken["data_sets"]
    await books.settle()
    assert await said_before_completion(books, before) == {3: -line["amount"], 6: line["amount"]}


@pytest.mark.servers
async def test_lines_that_are_in_no_term_are_told_of(books: Books) -> None:
    await books.said()
    early, undated = await books.pool.fetch(
        "SELECT * FROM sync.ledger_line WHERE vat_code = 3 ORDER BY voucher_journal_no, audit_no LIMIT 2"
    )
    await change_long_ago(books, early, valueDate=20200115)
    await change_long_ago(books, undated, valueDate=0)
    for _ in range(2):  # it stays so, and is told with every completion
        async with books.work() as work:
            about = {"company_id": books.company.company_id, "organization_id": books.company.organization_id}
            await refetch_periods(RefetchPeriods(**about), work)
        await books.settle()
        [completed] = await books.published("SyncCompleted")
        [told] = [each["outside_terms"] for each in completed["data_sets"] if each["data_set"] == "vat_figures"]
        assert (told["lines"], Decimal(told["balance"])) == (2, early["amount"] + undated["amount"])
    receipt = await books.pool.fetchval("SELECT receipt FROM sync.proof WHERE data_set = 'vat_figures'")
    assert orjson.loads(receipt)["totals"] == [told]


async def a_sale(books: Books, *, code: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = await books.pool.fetchrow(
        "SELECT * FROM sync.ledger_line WHERE account_no = 3000 AND vat_code = $1 LIMIT 1", code
    )
    return found


async def change_long_ago(books: Books, line: Mapping[str, Any], **values: Any) -> None:
    """What a look does not see."""
    row = {"voucherJournalNo": line["voucher_journal_no"], "auditNo": line["audit_no"], **values}
    said = {"company": BUILDER, "action": "change", "row": row, "table": "GeneralLedgerTransaction", "seconds_ago": 10**7}
    (await books.control.post("/ledger", json=said)).raise_for_status()


async def bases(books: Books) -> dict[int, Decimal]:
    return {
        row["vat_code"]: row["base"] for row in await books.pool.fetch("SELECT vat_code, sum(base) AS base FROM sync.vat_figure GROUP BY 1")
    }


async def said_before_completion(books: Books, before: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """By how much the bases of tax codes have changed."""
    names = [name for name, _ in await books.said()]
    assert names.index("VatFiguresCalculated") < names.index("SyncCompleted")
    return {code: moved for code, base in (await bases(books)).items() if (moved := base - before.get(code, Decimal(0)))}


async def only_vat_is_left(bench: Any) -> bool:
    rows = await bench.pool.fetch("SELECT data_set FROM sync.work_item WHERE status <> 'complete'")
    return {row["data_set"] for row in rows} == {DataSet.VAT_TERMS.value, DataSet.VAT_FIGURES.value}


def retry(bench: Any, company_id: Any) -> RetrySync:
    return RetrySync(company_id=company_id, organization_id=bench.organization_id)
