"""Each data set is proven at a moment of its own; one question more tells whether all of them still hold, which makes them one picture."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from contracts.accounting import CustomersRetrieved, OpeningBalancesRetrieved
from contracts.company import Module
from contracts.sync import (
    RETIRED,
    ConsistentCutVerified,
    DataSet,
    RepublishPeriods,
    SyncCompleted,
    SyncNeedsAttention,
    SyncPlanned,
)
from testkit.probe import probe

from .conftest import THIS_YEAR

pytestmark = pytest.mark.long

BAKERY = 7100001
OFTEN = {"freshness_minutes": 0.005}
UNKNOWN = {"message": "Cannot query field 'x'.", "code": "FIELDS_ON_CORRECT_TYPE", "times": None}
OF_ANOTHER_MOMENT = {DataSet.A07_REPORTS: "other_source", DataSet.UNPOSTED_VOUCHERS: "own_moment"}


async def moment(bench: Any, company_id: UUID) -> Any:
    """As of when all was last found unchanged."""
    return await bench.pool.fetchval("SELECT cut_as_of FROM sync.company WHERE company_id = $1", company_id)


async def looked_later(bench: Any, company_id: UUID, than: Any) -> bool:
    now = await moment(bench, company_id)
    return now is not None and now > than


def order(bench: Any, company_id: UUID, *kinds: type[Any]) -> list[type[Any]]:
    """In which order messages of these kinds came."""
    return [type(each.message) for each in bench.gateway.seen if isinstance(each.message, kinds) and each.message.company_id == company_id]


def reasons(cut: ConsistentCutVerified) -> dict[DataSet, str]:
    assert all(each.message for each in cut.not_included)
    return {each.data_set: each.reason for each in cut.not_included}


async def test_what_is_complete_is_as_of_one_moment_a_look_later_without_waiting_for_its_time(bench: Any) -> None:
    async with bench.worker():
        company_id = await bench.create(BAKERY, months=2, modules=tuple(Module))
        [cut] = await bench.of(ConsistentCutVerified, company_id)
        [completed], [planned] = await bench.of(SyncCompleted, company_id), await bench.of(SyncPlanned, company_id)
        assert (await bench.visma.operations(BAKERY))["Marks"] == 1
    assert order(bench, company_id, SyncCompleted, ConsistentCutVerified) == [SyncCompleted, ConsistentCutVerified]
    assert cut.as_of > completed.completed_at
    assert cut.periods == next(each.periods for each in planned.data_sets if each.data_set is DataSet.LEDGER_LINES)
    assert set(cut.data_sets) == set(DataSet) - RETIRED - set(OF_ANOTHER_MOMENT)
    assert reasons(cut) == OF_ANOTHER_MOMENT


async def test_later_looks_move_the_moment_and_say_nothing_and_it_is_told_again_when_asked_for(bench: Any) -> None:
    await bench.hire()
    async with bench.worker(**OFTEN):
        company_id = await bench.create(BAKERY, months=0)
        [cut] = await bench.of(ConsistentCutVerified, company_id)
        await probe(lambda: looked_later(bench, company_id, cut.as_of), within=20)
        then = await moment(bench, company_id)
        await probe(lambda: looked_later(bench, company_id, then), within=20)
        command = RepublishPeriods(company_id=company_id, organization_id=bench.organization_id)
        await bench.gateway.ask(command, actor="kari")
        first, again = await bench.of(ConsistentCutVerified, company_id, count=2)
    assert first == cut
    assert again.as_of >= then
    assert again.model_copy(update={"as_of": cut.as_of}) == cut


async def test_what_changed_after_its_proof_is_read_first_and_the_moment_is_a_later_one(bench: Any) -> None:
    await bench.visma.fault(effect="status", status=503, operation="Marks", times=None)
    async with bench.worker(retry_longest_seconds=0.3):
        company_id = await bench.create(BAKERY, months=0)
        await bench.of(SyncCompleted, company_id)
        await probe(lambda: _was_asked(bench), within=20)
        assert await moment(bench, company_id) is None
        customer = (await bench.rows("customer", company_id))[0]
        await bench.visma.change_ledger(BAKERY, "change", {"associateNo": customer["associate_no"], "name": "Nytt navn"}, table="Associate")
        await bench.visma.clear_faults()
        [cut] = await bench.of(ConsistentCutVerified, company_id)
        completed = await bench.of(SyncCompleted, company_id, count=2)
        assert [row.name for row in (await bench.of(CustomersRetrieved, company_id, count=2))[1].rows] == ["Nytt navn"]
    assert order(bench, company_id, SyncCompleted, ConsistentCutVerified) == [SyncCompleted, SyncCompleted, ConsistentCutVerified]
    assert cut.as_of > completed[1].completed_at


async def _was_asked(bench: Any) -> bool:
    return (await bench.visma.faults_met())[0] > 0


async def test_what_is_posted_before_the_start_is_not_in_the_picture_before_the_opening_balances_are_taken_anew(bench: Any) -> None:
    async with bench.worker(**OFTEN):
        company_id = await bench.create(BAKERY, months=0)
        [before] = await bench.of(ConsistentCutVerified, company_id)
        assert DataSet.OPENING_BALANCES in before.data_sets
        said = len(await bench.of(OpeningBalancesRetrieved, company_id))
        key = {"voucherJournalNo": 990001, "auditNo": 1}
        posted = key | {"year": THIS_YEAR - 1, "period": 6, "voucherNo": 990001, "voucherDate": (THIS_YEAR - 1) * 10_000 + 615}
        await bench.visma.change_ledger(BAKERY, "add", posted | {"accountNo": 1921, "postedAmountDomestic": "100.10"})
        *_, added = await bench.of(OpeningBalancesRetrieved, company_id, count=said + 1)
        assert [(row.account_no, row.lines, row.balance) for row in added.rows] == [(1921, 1, Decimal("100.10"))]
        _, after = await bench.of(ConsistentCutVerified, company_id, count=2)
        assert after.as_of > before.as_of
        await bench.visma.operations(BAKERY)
        await bench.visma.change_ledger(BAKERY, "delete", key)
        *_, gone = await bench.of(OpeningBalancesRetrieved, company_id, count=said + 2)
        assert [(row.account_no, row.lines, row.balance) for row in gone.rows] == [(1921, 0, 0)]
        await bench.of(ConsistentCutVerified, company_id, count=3)
        assert (await bench.visma.operations(BAKERY))["GeneralLedgerTransactionGroups"] == 2  # the sums before the start, then all of them
    last = order(bench, company_id, OpeningBalancesRetrieved, SyncCompleted, ConsistentCutVerified)
    assert last[-3:] == [OpeningBalancesRetrieved, SyncCompleted, ConsistentCutVerified]


async def test_what_is_not_in_the_picture_is_named_with_its_reason(bench: Any) -> None:
    await bench.visma.fault(effect="error", table="capitalAsset", **UNKNOWN)
    async with bench.worker(**OFTEN):
        company_id = await bench.create(BAKERY, months=0, modules=[Module.ASSETS, Module.VAT])
        [cut] = await bench.of(ConsistentCutVerified, company_id)
        assert reasons(cut) == {DataSet.CAPITAL_ASSETS: "not_supported", DataSet.UNPOSTED_VOUCHERS: "own_moment"}
        assert DataSet.CAPITAL_ASSETS not in cut.data_sets
        await bench.visma.fault(effect="error", table="taxCode", **UNKNOWN)
        await bench.of(SyncNeedsAttention, company_id, count=2)
        _, cut = await bench.of(ConsistentCutVerified, company_id, count=2)
    assert reasons(cut) == {
        DataSet.CAPITAL_ASSETS: "not_supported",
        DataSet.VAT_CODES: "table_hidden",
        DataSet.VAT_FIGURES: "not_compared",
        DataSet.UNPOSTED_VOUCHERS: "own_moment",
    }
    assert {DataSet.VAT_TERMS, DataSet.LEDGER_LINES, DataSet.ACCOUNT_BALANCES} <= set(cut.data_sets)
