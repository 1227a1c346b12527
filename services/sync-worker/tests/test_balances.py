"""The whole ledger as of one moment, against the simulator's own books."""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from contracts.accounting import OpeningBalancesRetrieved
from contracts.results import CommandSucceeded
from contracts.sync import AccountBalancesVerified, DataSet, PeriodVerified, RetrySync, SyncCompleted
from testkit.probe import probe

pytestmark = pytest.mark.long

BUILDER = 7100002
LINES = "GeneralLedgerTransactionRows"


async def test_every_account_opens_moves_and_closes_as_in_the_books(bench: Any) -> None:
    async with bench.worker():
        company_id = await bench.create(BUILDER)
        await bench.of(SyncCompleted, company_id)
        [verified] = await bench.of(AccountBalancesVerified, company_id)
        opening = [row for event in await bench.of(OpeningBalancesRetrieved, company_id) for row in event.rows]
    books: dict[int, Decimal] = defaultdict(Decimal)
    for each in await bench.visma.totals(BUILDER):
        books[each["accountNo"]] += Decimal(each["sum"])
    assert {each.account_no: each.closing for each in verified.accounts} == dict(books)
    assert all(each.opening + each.movements == each.closing for each in verified.accounts)
    assert sum(row.balance for row in opening) == sum(each.opening for each in verified.accounts) == 0
    assert any(each.opening for each in verified.accounts)
    assert any(each.movements for each in verified.accounts)


async def test_what_is_posted_to_a_period_after_its_proof_is_retrieved_before_the_end(bench: Any) -> None:
    await bench.hire()
    await bench.visma.fault(
        effect="change_amount", operation=LINES, by="0.01", index=0, times=3
    )  # one period: the first reading, the repair and the second reading
    async with bench.worker(workers=1):
        company_id = await bench.create(BUILDER)
        await probe(lambda: ledger_waits_for_a_person(bench), within=30)
        proven = await bench.pool.fetchval("SELECT period_label FROM sync.proof WHERE data_set = 'ledger_lines' ORDER BY proven_at LIMIT 1")
        line = await bench.pool.fetchrow(
            "SELECT l.* FROM sync.ledger_line l JOIN sync.work_item i ON i.company_id = l.company_id AND i.period_label = $1"
            " WHERE i.ledger_periods @> jsonb_build_array(jsonb_build_array(l.year, l.period)) LIMIT 1",
            proven,
        )
        for number, sum_of_line in ((9001, "250.00"), (9002, "-250.00")):
            posted = {"voucherJournalNo": 900_000, "auditNo": number, "accountNo": line["account_no"], "voucherNo": 1, "voucherType": 1}
            posted |= {"year": line["year"], "period": line["period"], "postedAmountDomestic": sum_of_line, "voucherDate": 20260101}
            await bench.visma.change_ledger(BUILDER, "add", posted)
        outcome = await bench.gateway.ask(RetrySync(company_id=company_id, organization_id=bench.organization_id), actor="kari")
        assert isinstance(outcome, CommandSucceeded)
        await bench.of(SyncCompleted, company_id)
        verified = [each for each in await bench.of(PeriodVerified, company_id) if each.period.label == proven]
    assert [later.lines - earlier.lines for earlier, later in pairwise(verified)] == [2]
    assert await bench.pool.fetchval("SELECT count(*) FROM sync.ledger_line WHERE voucher_journal_no = 900000") == 2


async def ledger_waits_for_a_person(bench: Any) -> bool:
    rows = await bench.pool.fetch(
        "SELECT status, count(*) AS items FROM sync.work_item WHERE data_set = $1 GROUP BY 1", DataSet.LEDGER_LINES
    )
    found = {row["status"]: row["items"] for row in rows}
    return found.get("needs_attention") == 1 and set(found) == {"needs_attention", "complete"}
