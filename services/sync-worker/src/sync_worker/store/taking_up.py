"""What rests or waits is queued again: at its time, by news, or because somebody asks."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from contracts.sync import DataSet
from eventing.outbox import Outbox
from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.periods import YearAndPeriod
from sync_worker.domain.plan import Planned, Source
from sync_worker.store.companies import COMPANIES
from sync_worker.store.work_items import add_turns, cause_columns, measure

_TAKING_UP = queries(__file__, "taking_up")


async def prove_when_all_is_read(work: Work, company_id: UUID) -> None:
    """Let no period wait for its proof when nothing of the ledger is left to read. Call it when this work holds the company."""
    await _TAKING_UP.prove_when_all_is_read(work.connection, company_id=company_id, now=work.now)


async def bring_back(outbox: Outbox, source: Source) -> int:
    """Queue the items again that rest and whose time has come; gives how many."""
    count: int = await _TAKING_UP.bring_back(outbox.pool, source=source.value, now=outbox.clock())
    return count


async def follow_again(work: Work, company_id: UUID) -> None:
    """Visma may be asked for the company again: look for news at once, and measure what is left from now on."""
    await hasten(work, company_id)
    await measure(work, company_id)
    await COMPANIES.open_doors(work.connection, company_id=company_id, sources=[Source.VISMA.value])


async def hasten(work: Work, company_id: UUID) -> None:
    """Look for news of a company now instead of at its time."""
    await _TAKING_UP.hasten(work.connection, company_id=company_id, now=work.now)


async def refetch(work: Work, company_id: UUID, parts: Iterable[Planned]) -> list[DataSet]:
    """Scan items from their start, for the cause of this work, and prove everything again; gives the data sets that are taken up."""
    chosen = [(each.data_set.value, each.label) for each in parts]
    about = {"data_sets": [data_set for data_set, _ in chosen], "labels": [label for _, label in chosen]}
    rows = _TAKING_UP.refetch(work.connection, company_id=company_id, now=work.now, **about, **cause_columns(work))
    return await _taken_up(work, company_id, {DataSet(row["data_set"]) async for row in rows})


async def prove_ledger_again(work: Work, company_id: UUID, changed: Collection[YearAndPeriod], *, opening: bool) -> None:
    """Prove the items again that hold one of these accounting periods, and retrieve the opening balances anew if asked."""
    await _TAKING_UP.prove_ledger_again(work.connection, company_id=company_id, now=work.now, **_numbers(changed))
    if opening:
        await _TAKING_UP.take_opening_again(work.connection, company_id=company_id, now=work.now)


async def scan_ledger_again(work: Work, company_id: UUID, changed: Collection[YearAndPeriod]) -> None:
    """Retrieve the proven items anew that hold one of these accounting periods, and compare the balances once more."""
    await _TAKING_UP.scan_ledger_again(work.connection, company_id=company_id, now=work.now, **_numbers(changed))
    await _TAKING_UP.take_balances_again(work.connection, company_id=company_id, now=work.now)


async def take_up(work: Work, company_id: UUID) -> list[DataSet]:
    """Make everything that waits due now, for the cause of this work; gives the data sets concerned."""
    rows = _TAKING_UP.take_up(work.connection, company_id=company_id, now=work.now, **cause_columns(work))
    return await _taken_up(work, company_id, {DataSet(row["data_set"]) async for row in rows})


async def consent_given(
    work: Work, *, visma_company_ids: Sequence[int] = (), visma_customer_id: int | None = None
) -> dict[UUID, list[DataSet]]:
    """Go on with what waits for consent of these companies of the organisation that is worked for; gives what is taken up by company."""
    about = {"visma_company_ids": visma_company_ids, "visma_customer_id": visma_customer_id, "organization_id": work.organization_id}
    found: dict[UUID, list[DataSet]] = {}
    async for row in _TAKING_UP.consent_given(work.connection, now=work.now, **about, **cause_columns(work)):
        found.setdefault(row["company_id"], []).append(DataSet(row["data_set"]))
    for company_id in found:
        await add_turns(work, company_id, [Source.VISMA])
        await measure(work, company_id)
    return found


async def _taken_up(work: Work, company_id: UUID, found: Collection[DataSet]) -> list[DataSet]:
    await add_turns(work, company_id, Source)
    # Whoever asked is told when a door is closed still.
    await COMPANIES.open_doors(work.connection, company_id=company_id, sources=[each.value for each in Source])
    return [data_set for data_set in DataSet if data_set in found]


def _numbers(ledger_periods: Iterable[YearAndPeriod]) -> dict[str, list[int]]:
    years_and_periods = list(ledger_periods)
    return {"years": [year for year, _ in years_and_periods], "periods": [number for _, number in years_and_periods]}
