"""A company is followed after it was retrieved: what changes in Visma arrives by itself, and a quiet company costs one request a look."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from contracts.accounting import (
    CustomersRetrieved,
    LedgerAccountsRetrieved,
    LedgerLinesRemoved,
    LedgerLinesRetrieved,
    OrgUnitsRetrieved,
    RowsRemoved,
)
from contracts.company import Module
from contracts.sync import ConsistentCutVerified, DataSet, PeriodMismatched, PeriodRepaired, PeriodVerified, SyncCompleted
from testkit.probe import probe

pytestmark = pytest.mark.long

BAKERY = 7100001
OFTEN = {"freshness_minutes": 0.005}


@pytest.fixture
async def followed(bench: Any) -> AsyncIterator[UUID]:
    """A company that is complete and looked at three times a second."""
    async with bench.worker(**OFTEN):
        company_id = await bench.create(BAKERY, months=2)
        await bench.of(ConsistentCutVerified, company_id)  # the first look says so, and no later one does
        yield company_id


async def looked(bench: Any, times: int) -> None:
    """Wait until Visma was asked so often whether anything changed."""
    seen = 0

    async def enough() -> bool:
        nonlocal seen
        seen += (await bench.visma.operations(BAKERY))["Marks"]
        return seen >= times

    await probe(enough, within=20, every=0.05)


async def published(bench: Any, company_id: UUID, kind: type[Any], wanted: Callable[[Any], bool]) -> tuple[Any, Any]:
    """The first row like this that was published, and the event it came in."""
    events: list[Any] = []
    while True:
        for event in events:
            for row in event.rows:
                if wanted(row):
                    return row, event
        events = await bench.of(kind, company_id, count=len(events) + 1)


async def newest(bench: Any, company_id: UUID) -> dict[str, Any]:
    return max(await bench.rows("ledger_line", company_id), key=lambda row: (row["year"], row["period"], row["voucher_journal_no"]))


async def test_a_company_is_followed(bench: Any, followed: UUID) -> None:
    await nothing_changed_costs_one_request_and_says_nothing(bench)
    await what_is_posted_arrives_and_its_period_is_verified_again(bench, followed)
    await what_changed_is_read_and_nothing_else(bench, followed)
    await a_change_that_is_lost_on_the_way_is_read_again(bench, followed)
    await what_visma_no_longer_has_is_removed(bench, followed)


async def nothing_changed_costs_one_request_and_says_nothing(bench: Any) -> None:
    await bench.visma.operations(BAKERY)
    said = len(bench.gateway.seen)
    asked: Counter[str] = Counter()

    async def several() -> bool:
        asked.update(await bench.visma.operations(BAKERY))
        return asked["Marks"] >= 4

    await probe(several, within=20, every=0.05)
    assert set(asked) == {"Marks"}
    assert len(bench.gateway.seen) == said


async def what_is_posted_arrives_and_its_period_is_verified_again(bench: Any, company_id: UUID) -> None:
    line = await newest(bench, company_id)
    before = await bench.of(PeriodVerified, company_id)
    known = {"year": line["year"], "period": line["period"], "voucherNo": 990001, "voucherDate": int(f"{line['voucher_date']:%Y%m%d}")}
    for account, audit, amount in ((1920, 1, "-100.10"), (6900, 2, "100.10")):
        row = known | {"voucherJournalNo": 990001, "auditNo": audit, "accountNo": account, "postedAmountDomestic": amount}
        await bench.visma.change_ledger(BAKERY, "add", row)
    arrived = [
        await published(bench, company_id, LedgerLinesRetrieved, lambda row, no=no: (row.voucher_no, row.audit_no) == (990001, no))
        for no in (1, 2)
    ]
    assert [(row.account_no, row.amount) for row, _ in arrived] == [(1920, Decimal("-100.10")), (6900, Decimal("100.10"))]
    await probe(lambda: settled(bench, company_id), within=20)
    told = await bench.of(PeriodMismatched, company_id)
    verified = await bench.of(PeriodVerified, company_id, count=len(before) + 1)
    assert {each.period.label for each in told} == {each.period.label for each in verified[len(before) :]}
    assert {each.verified_at for each in told} <= {each.verified_at for each in verified}
    assert {difference.account_no for each in told for difference in each.differences} == {1920, 6900}
    [*_, repaired] = await bench.of(PeriodRepaired, company_id)
    assert [(each.voucher_no, each.lines_after) for each in repaired.vouchers] == [(990001, 2)]
    completed = await bench.of(SyncCompleted, company_id, count=2)
    [ledger] = [each for each in completed[-1].data_sets if each.data_set is DataSet.LEDGER_LINES]
    assert ledger.rows == len(await bench.rows("ledger_line", company_id))


async def test_a_company_whose_last_data_set_is_proven_while_it_is_looked_at_is_complete(bench: Any) -> None:
    await bench.visma.fault(effect="status", status=503, operation="TaxTermRows", times=None)
    async with bench.worker(**OFTEN, retry_longest_seconds=0.3):
        company_id = await bench.create(BAKERY, months=1, modules=[Module.VAT])
        await looked(bench, 1)
        await bench.visma.fault(effect="delay", ms=3000, operation="Marks", times=1)
        await probe(lambda: looks_slowly(bench), within=20)
        await bench.visma.clear_faults()
        [completed] = await bench.of(SyncCompleted, company_id)
        [cut] = await bench.of(ConsistentCutVerified, company_id)
        assert cut.as_of > completed.completed_at


async def looks_slowly(bench: Any) -> bool:
    return (await bench.visma.faults_met())[-1] == 1


async def what_changed_is_read_and_nothing_else(bench: Any, company_id: UUID) -> None:
    line, told = await newest(bench, company_id), await bench.of(PeriodMismatched, company_id)
    key = {"voucherJournalNo": line["voucher_journal_no"], "auditNo": line["audit_no"]}
    await bench.visma.change_ledger(BAKERY, "change", key | {"text": "Rettet tekst"})
    await bench.visma.change_ledger(BAKERY, "change", {"accountNo": 1920, "name": "Driftskonto"}, table="GeneralLedgerAccount")
    await bench.visma.change_ledger(BAKERY, "add", {"orgUnit8No": 42, "name": "Ny region"}, table="OrgUnit8")
    _, event = await published(bench, company_id, LedgerLinesRetrieved, lambda row: row.text == "Rettet tekst")
    assert [(row.text, row.audit_no) for row in event.rows] == [("Rettet tekst", line["audit_no"])]
    assert [(row.text, row.amount) for row in event.before] == [(line["text"], line["amount"])]
    _, event = await published(bench, company_id, LedgerAccountsRetrieved, lambda row: row.name == "Driftskonto")
    assert len(event.rows) == 1
    _, event = await published(bench, company_id, OrgUnitsRetrieved, lambda row: row.name == "Ny region")
    assert [(row.dimension, row.code, row.org_unit) for row in event.rows] == [(8, "42", None)]
    await probe(lambda: settled(bench, company_id), within=20)
    late = {"accountNo": 1921, "name": "Sen konto"}
    await bench.visma.change_ledger(BAKERY, "add", late, table="GeneralLedgerAccount", seconds_ago=300)
    _, event = await published(bench, company_id, LedgerAccountsRetrieved, lambda row: row.name == "Sen konto")
    assert len(event.rows) == 1
    assert len(await bench.of(CustomersRetrieved, company_id)) == 1
    [said] = (await bench.of(PeriodMismatched, company_id, count=len(told) + 1))[len(told) :]
    assert (said.differences, said.changed_lines, said.changed_fields) == ([], 1, ["text"])
    assert said.changed_vouchers == [f"{line['voucher_journal_no']}/{line['voucher_no']}"]
    assert said.verified_at < said.checked_at
    [*_, repaired] = await bench.of(PeriodRepaired, company_id)
    assert (repaired.period, repaired.differences) == (said.period, [])
    assert [(each.voucher_no, each.lines_changed) for each in repaired.vouchers] == [(line["voucher_no"], 1)]


async def a_change_that_is_lost_on_the_way_is_read_again(bench: Any, company_id: UUID) -> None:
    line = min(await bench.rows("ledger_line", company_id), key=lambda row: (row["voucher_journal_no"], row["audit_no"]))
    customer = min(await bench.rows("customer", company_id), key=lambda row: row["associate_no"])
    for operation in ("GeneralLedgerTransactionRows", "AssociateRows"):
        await bench.visma.fault(effect="drop_row", operation=operation, index=0, times=1)
    key = {"voucherJournalNo": line["voucher_journal_no"], "auditNo": line["audit_no"]}
    await bench.visma.change_ledger(BAKERY, "change", key | {"text": "Tapt tekst"})
    await bench.visma.change_ledger(BAKERY, "change", {"associateNo": customer["associate_no"], "name": "Tapt navn"}, table="Associate")
    await published(bench, company_id, LedgerLinesRetrieved, lambda row: row.text == "Tapt tekst")
    await published(bench, company_id, CustomersRetrieved, lambda row: row.name == "Tapt navn")
    assert await bench.visma.faults_met() == [1, 1]
    await probe(lambda: settled(bench, company_id), within=20)


async def test_what_is_committed_late_behind_newer_rows_is_found_when_the_overlap_has_passed(bench: Any) -> None:
    async with bench.worker(**OFTEN, overlap_minutes=0.1):
        company_id = await bench.create(BAKERY, months=0)
        await bench.of(SyncCompleted, company_id)
        line, other = sorted(await bench.rows("ledger_line", company_id), key=lambda row: (row["voucher_journal_no"], row["audit_no"]))[:2]
        written = datetime.now(UTC)
        await change_text(bench, line, "Først skrevet")
        await published(bench, company_id, LedgerLinesRetrieved, lambda row: row.text == "Først skrevet")
        await change_text(bench, other, "Sent bekreftet", seconds_ago=(datetime.now(UTC) - written).total_seconds() + 1)
        await published(bench, company_id, LedgerLinesRetrieved, lambda row: row.text == "Sent bekreftet")
        await probe(lambda: settled(bench, company_id), within=20)
        await probe(lambda: all_is_settled(bench), within=20)
        await nothing_changed_costs_one_request_and_says_nothing(bench)


async def change_text(bench: Any, line: dict[str, Any], text: str, *, seconds_ago: float = 0) -> None:
    row = {"voucherJournalNo": line["voucher_journal_no"], "auditNo": line["audit_no"], "text": text}
    await bench.visma.change_ledger(BAKERY, "change", row, seconds_ago=seconds_ago)


async def all_is_settled(bench: Any) -> bool:
    """What was written lately has been asked for once more."""
    return bool(await bench.pool.fetchval("SELECT bool_and(settled OR newest IS NULL OR newest < $1) FROM sync.work_item", long_ago()))


def long_ago() -> str:
    return f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%S}"


async def what_visma_no_longer_has_is_removed(bench: Any, company_id: UUID) -> None:
    journal = (await newest(bench, company_id))["voucher_journal_no"]
    voucher = [row for row in await bench.rows("ledger_line", company_id) if row["voucher_journal_no"] == journal]
    for row in voucher:
        await bench.visma.change_ledger(BAKERY, "delete", {"voucherJournalNo": journal, "auditNo": row["audit_no"]})
    customer = (await bench.rows("customer", company_id))[0]
    await bench.visma.change_ledger(BAKERY, "delete", {"associateNo": customer["associate_no"]}, table="Associate")
    for line in voucher:
        await published(
            bench, company_id, LedgerLinesRemoved, lambda row, no=line["audit_no"]: (row.voucher_journal_no, row.audit_no) == (journal, no)
        )
    _, event = await published(bench, company_id, RowsRemoved, lambda row: row["customer_no"] == customer["customer_no"])
    assert (event.data_set, len(event.rows)) == (DataSet.CUSTOMERS, 1)
    await probe(lambda: settled(bench, company_id), within=20)
    assert [row for row in await bench.rows("ledger_line", company_id) if row["voucher_journal_no"] == journal] == []


async def test_once_a_day_everything_is_compared_also_when_nothing_looks_changed(bench: Any) -> None:
    async with bench.worker(**OFTEN, proof_hours=0.0001):
        company_id = await bench.create(BAKERY, months=2)
        await bench.of(SyncCompleted, company_id)
        await bench.pool.execute("UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE audit_no = 1 AND company_id = $1", company_id)
        await bench.of(SyncCompleted, company_id, count=3)
        unbalanced = "SELECT voucher_no FROM sync.ledger_line GROUP BY voucher_journal_no, voucher_no HAVING sum(amount) <> 0"
        assert await bench.pool.fetch(unbalanced) == []


async def settled(bench: Any, company_id: UUID) -> bool:
    """All is proven, and found unchanged since."""
    return bool(
        await bench.pool.fetchval("SELECT cut IS NOT NULL FROM sync.company WHERE company_id = $1 AND completed_at IS NOT NULL", company_id)
    )
