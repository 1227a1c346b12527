"""Errors planted among landed lines: found by few questions, mended by one page, unseen without the check that sees them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.company import PeriodType
from contracts.sync import DataSet, RefetchPeriods
from sync_worker.domain import locating as rules
from sync_worker.domain.proof import Difference
from sync_worker.handlers import refetch_periods
from sync_worker.retrieval import locating, verification
from sync_worker.retrieval.planning import replan
from sync_worker.store import companies
from testkit.databases import Templates

from .books import BUILDER, COLUMNS, GROUPS, LINES, Books, Voucher, retrieved


@pytest.fixture(scope="module")
async def books(database_templates: Templates) -> AsyncIterator[Books]:
    async with retrieved(database_templates, BUILDER) as [found]:
        yield found


IN_VOUCHER = "voucher_journal_no = {journal} AND voucher_no = {number}"
FIRST, SECOND = (
    f"{IN_VOUCHER} AND audit_no = (SELECT {which}(audit_no) FROM sync.ledger_line WHERE {IN_VOUCHER})" for which in ("min", "max")
)
DOUBLED = (
    "INSERT INTO sync.ledger_line ({columns}) SELECT " + COLUMNS.replace("audit_no", "audit_no + 20000") + " FROM sync.ledger_line WHERE "
)
ON_THE_SAME_ACCOUNT = f"""(voucher_journal_no, audit_no) = (
    SELECT o.voucher_journal_no, o.audit_no FROM sync.ledger_line o JOIN sync.ledger_line mine ON mine.account_no = o.account_no
    WHERE o.year = {{year}} AND o.period = {{period}} AND o.voucher_no <> {{number}}
      AND (mine.voucher_journal_no, mine.audit_no) = (SELECT voucher_journal_no, audit_no FROM sync.ledger_line WHERE {FIRST})
    ORDER BY 1, 2 LIMIT 1)"""


VERIFIED_AT = "SELECT proven_at FROM sync.proof JOIN sync.work_item USING (company_id, data_set, period_label) WHERE work_item_id = $1"


@dataclass(frozen=True)
class Planted:
    """An error among the landed lines, and which checks of the proof see it."""

    statements: tuple[str, ...]
    seen_by: frozenset[str]
    vouchers: int = 1


def planted(*statements: str, seen_by: str, vouchers: int = 1) -> Planted:
    return Planted(statements, frozenset(seen_by.split()), vouchers)


ERRORS = {
    "a line lost": planted(f"DELETE FROM sync.ledger_line WHERE {FIRST}", seen_by="count sum voucher"),
    "a voucher lost": planted(f"DELETE FROM sync.ledger_line WHERE {IN_VOUCHER}", seen_by="count sum"),
    "a line doubled": planted(DOUBLED + FIRST, seen_by="count sum voucher"),
    "a voucher doubled": planted(DOUBLED + IN_VOUCHER, seen_by="count sum"),
    "an øre on a line": planted(f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}", seen_by="sum voucher"),
    "an øre from account to account": planted(
        f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}",
        f"UPDATE sync.ledger_line SET amount = amount - 0.01 WHERE {SECOND}",
        seen_by="sum",
    ),
    "a line on another account": planted(f"UPDATE sync.ledger_line SET account_no = account_no + 1 WHERE {FIRST}", seen_by="count sum"),
    "lines that cancel out": planted(
        DOUBLED + FIRST,
        DOUBLED.replace("20000", "20001").replace(" amount,", " -amount,") + FIRST,
        seen_by="count",
    ),
    "a krone from voucher to voucher on one account": planted(
        f"UPDATE sync.ledger_line SET amount = amount + 1 WHERE {FIRST}",
        f"UPDATE sync.ledger_line SET amount = amount - 1 WHERE {ON_THE_SAME_ACCOUNT}",
        seen_by="voucher",
        vouchers=2,
    ),
    "a voucher moved to another period": planted(
        f"UPDATE sync.ledger_line SET period = period + 1 WHERE {IN_VOUCHER}", seen_by="count sum"
    ),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_a_planted_error_is_found_by_few_questions_and_mended_by_one(
    books: Books, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, voucher, right = ERRORS[name], await books.voucher(), await books.lines()
    for statement in error.statements:
        assert await books.execute(statement, voucher)
    wrong = await books.lines()
    assert wrong != right

    with monkeypatch.context() as without:
        blind(without, error.seen_by)
        await books.prove_again(voucher.item)
        assert await books.lines() == wrong  # nothing else would have seen it
    await books.asked()
    await books.published("any")

    await books.prove_again(voucher.item)
    asked = await books.asked()
    kinds = "".join("L" if each["operation"] == LINES else "g" for each in asked)
    questions, _, proof = kinds.partition("L")
    assert len(questions) <= 5
    assert proof == "g"
    assert await books.lines() == right
    [repaired] = await books.published("PeriodRepaired")
    assert len(repaired["vouchers"]) == error.vouchers
    assert [each["rows"] for each in asked if each["operation"] == LINES] == [
        sum(each["lines_after"] for each in repaired["vouchers"]) + 1
    ]  # and whose they are
    assert (voucher.journal, voucher.number) in {(each["voucher_journal_no"], each["voucher_no"]) for each in repaired["vouchers"]}
    assert bool(repaired["differences"]) == (error.seen_by != {"voucher"})


def blind(patch: pytest.MonkeyPatch, checks: frozenset[str]) -> None:
    """Take these checks out of the proof."""
    real = verification.differences

    def differences(*sides: Any) -> list[Difference]:
        found = real(*sides)
        return [
            each
            for each in found
            if ("sum" not in checks and each.amount) or ("count" not in checks and each.landed.rows != each.stated.rows)
        ]

    async def no_voucher(*_: Any) -> list[Any]:
        return []

    patch.setattr(verification, "differences", differences)
    if "voucher" in checks:
        patch.setattr(verification, "_unbalanced", no_voucher)


SAID = ("PeriodMismatched", "LedgerLinesRetrieved", "PeriodRepaired", "PeriodVerified")


async def test_a_verified_period_that_differs_is_said_to_before_it_is_mended(books: Books) -> None:
    voucher = await books.voucher()
    verified_at = await books.pool.fetchval(VERIFIED_AT, voucher.item)
    await books.execute(f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}", voucher)
    await books.said()
    await books.prove_again(voucher.item)
    said = [(name, value) for name, value in await books.said() if name in SAID]
    assert [name for name, _ in said] == list(SAID)
    mismatched, repaired = said[0][1], said[2][1]
    assert datetime.fromisoformat(mismatched["verified_at"]) == verified_at
    assert mismatched["differences"] == repaired["differences"]
    assert mismatched["unbalanced_vouchers"] == [f"{voucher.journal}/{voucher.number}"]
    assert mismatched["differs_since"] == repaired["differs_since"] == mismatched["checked_at"]


async def test_a_verified_period_that_is_retrieved_anew_says_what_differs(books: Books) -> None:
    """What Visma changed, without saying when, is found row by row, and nothing is wrong when it is compared."""
    voucher = await books.voucher()
    verified_at = await books.pool.fetchval(VERIFIED_AT, voucher.item)
    label = await books.pool.fetchval("SELECT period_label FROM sync.work_item WHERE work_item_id = $1", voucher.item)
    lines = await books.pool.fetch(
        "SELECT audit_no, amount, account_no FROM sync.ledger_line"
        " WHERE (voucher_journal_no, voucher_no) = ($1, $2) ORDER BY audit_no LIMIT 2",
        voucher.journal,
        voucher.number,
    )
    for line, more in zip(lines, (1, -1), strict=True):
        await change_long_ago(books, voucher, line["audit_no"], postedAmountDomestic=str(line["amount"] + more))
    await books.said()
    said = await retrieved_anew(books, label)
    assert [name for name, _ in said] == ["LedgerLinesRetrieved", "PeriodMismatched", "PeriodRepaired", "PeriodVerified"]
    mismatched, repaired, verified = said[1][1], said[2][1], said[3][1]
    assert datetime.fromisoformat(mismatched["verified_at"]) == verified_at
    assert {each["account_no"]: Decimal(each["difference"]) for each in mismatched["differences"]} == {
        lines[0]["account_no"]: -1,
        lines[1]["account_no"]: 1,
    }
    assert mismatched["period"] == verified["period"]
    assert (mismatched["changed_lines"], mismatched["changed_fields"]) == (2, ["amount"])
    assert repaired["differences"] == mismatched["differences"]
    assert [(each["voucher_no"], each["lines_changed"]) for each in repaired["vouchers"]] == [(voucher.number, 2)]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("vat_code", {"taxCode": 6}),
        ("text", {"text": "Rettet"}),
        ("value_date", {"valueDate": 20260115}),
        ("org_unit_3", {"orgUnit3": 77}),
    ],
)
async def test_a_line_of_a_verified_period_that_says_something_else_is_announced_once(
    books: Books, field: str, values: dict[str, Any]
) -> None:
    voucher = await books.voucher()
    verified_at = await books.pool.fetchval(VERIFIED_AT, voucher.item)
    label = await books.pool.fetchval("SELECT period_label FROM sync.work_item WHERE work_item_id = $1", voucher.item)
    audit_no = await books.pool.fetchval(
        "SELECT min(audit_no) FROM sync.ledger_line WHERE (voucher_journal_no, voucher_no) = ($1, $2)", voucher.journal, voucher.number
    )
    await change_long_ago(books, voucher, audit_no, **values)
    await books.said()
    said = await retrieved_anew(books, label)
    assert [name for name, _ in said] == ["LedgerLinesRetrieved", "PeriodMismatched", "PeriodRepaired", "PeriodVerified"]
    mismatched, repaired = said[1][1], said[2][1]
    assert (mismatched["differences"], mismatched["changed_lines"], mismatched["changed_fields"]) == ([], 1, [field])
    assert mismatched["changed_vouchers"] == [f"{voucher.journal}/{voucher.number}"]
    assert datetime.fromisoformat(mismatched["verified_at"]) == verified_at
    assert [(each["lines_before"], each["lines_after"], each["lines_changed"]) for each in repaired["vouchers"]] == [(3, 3, 1)]
    assert [name for name, _ in await retrieved_anew(books, label)] == ["PeriodVerified"]


async def change_long_ago(books: Books, voucher: Voucher, audit_no: int, **values: Any) -> None:
    """What no look sees."""
    row = {"voucherJournalNo": voucher.journal, "auditNo": audit_no, **values}
    said = {"company": BUILDER, "action": "change", "row": row, "table": "GeneralLedgerTransaction", "seconds_ago": 10**7}
    (await books.control.post("/ledger", json=said)).raise_for_status()


async def retrieved_anew(books: Books, label: str) -> list[tuple[str, dict[str, Any]]]:
    """What is said of a period that somebody asks to be retrieved anew."""
    about = {"company_id": books.company.company_id, "organization_id": books.company.organization_id}
    async with books.work() as work:
        await refetch_periods(RefetchPeriods(**about, periods=[label], data_sets=[DataSet.LEDGER_LINES]), work)
    await books.settle()
    return [(name, value) for name, value in await books.said() if name in SAID]


async def test_large_answers_are_avoided_by_asking_coarse_questions_first(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    voucher, right = await books.voucher(), await books.lines()
    await books.execute(f"DELETE FROM sync.ledger_line WHERE {IN_VOUCHER}", voucher)
    monkeypatch.setattr(locating, "MOST_GROUPS", -1)
    await books.asked()
    await books.prove_again(voucher.item)
    asked = await books.asked()
    assert [each["operation"] for each in asked] == [GROUPS, GROUPS, GROUPS, GROUPS, LINES, GROUPS]  # the proof, day, journal, voucher
    assert await books.lines() == right


async def test_what_is_wrong_in_many_places_is_read_anew(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    voucher, right = await books.voucher(), await books.lines()
    lost = await books.execute("DELETE FROM sync.ledger_line WHERE year = {year} AND period = {period} AND amount > 0", voucher)
    monkeypatch.setattr(rules, "MOST_PLACES", 5)
    await books.published("any")
    await books.prove_again(voucher.item)
    assert await books.lines() == right
    assert await books.pool.fetchval("SELECT refetched FROM sync.work_item WHERE work_item_id = $1", voucher.item)
    [repaired] = await books.published("PeriodRepaired")
    assert (voucher.journal, voucher.number) in {(each["voucher_journal_no"], each["voucher_no"]) for each in repaired["vouchers"]}
    assert sum(each["lines_changed"] for each in repaired["vouchers"]) == lost


async def test_an_answer_cut_short_removes_nothing(books: Books) -> None:
    voucher, right = await books.voucher(), await books.lines()
    await books.execute(f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}", voucher)
    rule = {"effect": "drop_row", "operation": LINES, "index": 1, "times": 1}
    (await books.control.post("/faults", json=rule)).raise_for_status()
    await books.published("any")
    await books.prove_again(voucher.item)
    assert await books.lines() == right
    assert await books.published("LedgerLinesRemoved") == []


async def test_a_wrong_entry_of_another_data_set_is_mended_the_same_way(books: Books) -> None:
    item = await books.pool.fetchval("SELECT work_item_id FROM sync.work_item WHERE data_set = 'customer_transactions'")
    right = await books.pool.fetch("SELECT voucher_journal_no, audit_no, amount FROM sync.customer_transaction ORDER BY 1, 2")
    await books.pool.execute(
        "DELETE FROM sync.customer_transaction WHERE (voucher_journal_no, audit_no) = ("
        "SELECT max(voucher_journal_no), max(audit_no) FROM sync.customer_transaction GROUP BY voucher_journal_no ORDER BY 1 LIMIT 1)"
    )
    await books.control.delete("/requests")
    await books.prove_again(item)
    found = (await books.control.get("/requests")).json()["requests"]
    assert [each["operation"].removeprefix("CustomerTransaction") for each in found] == ["Groups", "Groups", "Rows", "Groups"]
    assert await books.pool.fetch("SELECT voucher_journal_no, audit_no, amount FROM sync.customer_transaction ORDER BY 1, 2") == right


async def test_a_verified_period_that_is_cut_differently_says_what_differs(database_templates: Templates) -> None:
    """Months were verified, and a line of one of them says something else now that they are quarters."""
    async with retrieved(database_templates, BUILDER) as [books]:
        voucher = await books.voucher()
        lines = await books.pool.fetch(
            "SELECT audit_no, amount, account_no FROM sync.ledger_line"
            " WHERE (voucher_journal_no, voucher_no) = ($1, $2) ORDER BY audit_no LIMIT 2",
            voucher.journal,
            voucher.number,
        )
        for line, more in zip(lines, (1, -1), strict=True):
            amount = str(line["amount"] + more)
            await change_long_ago(books, voucher, line["audit_no"], postedAmountDomestic=amount, text="Rettet etterpå")
        verified_at = await books.pool.fetchval("SELECT max(proven_at) FROM sync.proof WHERE data_set = 'ledger_lines'")
        await books.said()
        async with books.work() as work:
            company = await companies.find(work, books.company.company_id)
            assert company is not None
            await replan(work, replace(company, period_type=PeriodType.QUARTER))
        await books.settle()
        said = [(name, value) for name, value in await books.said() if name in SAID]
    [mismatched] = [value for name, value in said if name == "PeriodMismatched"]
    assert {each["account_no"]: Decimal(each["difference"]) for each in mismatched["differences"]} == {
        lines[0]["account_no"]: -1,
        lines[1]["account_no"]: 1,
    }
    assert (mismatched["changed_lines"], mismatched["changed_fields"]) == (2, ["amount", "text"])
    assert datetime.fromisoformat(mismatched["verified_at"]) <= verified_at
    assert date.fromisoformat(mismatched["period"]["last_day"]) - date.fromisoformat(mismatched["period"]["first_day"]) > timedelta(days=80)
    [repaired] = [value for name, value in said if name == "PeriodRepaired"]
    assert (repaired["period"], repaired["differences"]) == (mismatched["period"], mismatched["differences"])
