"""More ways in which a company changes, each compared with one that was always so. Run it by `make certify`."""

from typing import Any

import pytest

from contracts.company import CompanyUpdated, Module, ModulesChanged, PeriodType, ReconciliationStartChanged
from contracts.sync import SyncCompleted, SyncPlanned
from testkit.probe import probe

from .test_company_changes import BUILDER, KEPT, MODULES, is_as, is_under_way, landed

pytestmark = pytest.mark.long


async def test_a_later_start_keeps_what_lies_before_and_counts_it_no_more(bench: Any) -> None:
    async with bench.worker():
        always = await bench.create(BUILDER, months=1, modules=MODULES)
        await bench.of(SyncCompleted, always)
        moved = await bench.create(BUILDER, months=5, modules=MODULES, period_type=PeriodType.MONTH)
        await bench.of(SyncCompleted, moved)
        before = await landed(bench, moved, [*KEPT])
        await bench.change(ReconciliationStartChanged, moved, before=5, after=1)
        await is_as(bench, moved, always, plans=2)
        after = await landed(bench, moved, [*KEPT])
        assert {table: len(rows) for table, rows in after.items()} == {table: len(rows) for table, rows in before.items()}
        assert all(before[table] == after[table] for table in KEPT if table != "vat_term")
        await bench.change(ReconciliationStartChanged, moved, before=1, after=5)
        [first, _, third] = await bench.of(SyncCompleted, moved, count=3)
        assert third.data_sets == first.data_sets
    assert await landed(bench, moved, [*KEPT]) == before


async def test_a_start_that_moves_in_the_middle_ends_as_if_it_had_always_been_there(bench: Any) -> None:
    bench.visma_settings = {"page_size": 20}
    async with bench.worker():
        always = await bench.create(BUILDER, months=5, modules=MODULES)
        await bench.of(SyncCompleted, always)
        await bench.visma.latency(20)
        moved = await bench.create(BUILDER, months=3, modules=MODULES)
        await probe(lambda: is_under_way(bench, moved), within=20, every=0.01)
        await bench.change(ReconciliationStartChanged, moved, before=3, after=5)
        await bench.of(SyncPlanned, moved, count=2)
        await bench.visma.latency(0)
        await bench.of(SyncCompleted, moved)
    [completed], [as_completed] = await bench.of(SyncCompleted, moved), await bench.of(SyncCompleted, always)
    assert completed.data_sets == as_completed.data_sets
    assert await landed(bench, moved) == await landed(bench, always)


async def test_other_periods_are_proven_and_what_landed_stays(bench: Any) -> None:
    async with bench.worker():
        quarterly = await bench.create(BUILDER, months=4, period_type=PeriodType.QUARTER)
        await bench.of(SyncCompleted, quarterly)
        changing = await bench.create(BUILDER, months=4)
        await bench.of(SyncCompleted, changing)
        await bench.change(CompanyUpdated, changing, period_type=PeriodType.QUARTER, changed=["period_type"])
        await is_as(bench, changing, quarterly, plans=2)
        await bench.change(CompanyUpdated, changing, period_type=PeriodType.QUARTER, name="Brattbakken Bygg 2", changed=["name"])
        await bench.change(ModulesChanged, changing, added=(Module.VAT,), removed=(), modules=(Module.VAT,))
        await bench.of(SyncCompleted, changing, count=3)
    assert len(await bench.of(SyncPlanned, changing)) == 3  # the name is no reason for a plan
    assert {row["version"] for row in await bench.rows("ledger_line", changing)} == {1}
