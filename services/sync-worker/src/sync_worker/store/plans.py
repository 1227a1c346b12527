"""The items of a company against its plan: held back until there is a new one, then brought into line with it."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from contracts.sync import DataSet
from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.domain.plan import FIRST_ITEM, PlannedItem
from sync_worker.domain.replanning import Fate, Known, question_of, replanned, since_of
from sync_worker.store import taking_up, work_items

_PLANS = queries(__file__, "plans")
_FIRST = FIRST_ITEM.data_set.value


async def begin_again(work: Work, company: Company) -> None:
    """Queue what the plan is made from, and hold everything else back until it is made; what waited for a person is tried again then."""
    await _PLANS.lock(work.connection, company_id=company.company_id)
    await work_items.add(work, company, [FIRST_ITEM])
    await _PLANS.again(work.connection, _rows(work, company, [FIRST_ITEM]))
    await taking_up.take_up(work, company.company_id)
    await _PLANS.hold_back(work.connection, company_id=company.company_id, first_data_set=_FIRST)


async def put(work: Work, company: Company, planned: Sequence[PlannedItem]) -> None:
    """Bring the items into line with a plan: what is new is added, what is asked for differently is taken again, the rest stays."""
    rows = _PLANS.known(work.connection, company_id=company.company_id, first_data_set=_FIRST)
    known = [Known(DataSet(row["data_set"]), row["period_label"], row["status"], row["question"], row["since"]) async for row in rows]
    result = replanned(company, known, planned)
    await work_items.add(work, company, planned)
    await work_items.measure(work, company.company_id)
    statements = {Fate.STAYS: _PLANS.stays, Fate.AGAIN: _PLANS.again, Fate.EXTENDED: _PLANS.extended, Fate.NARROWED: _PLANS.narrowed}
    for fate, statement in statements.items():
        await statement(work.connection, _rows(work, company, [item for its, item in result.there if its is fate]))
    await _PLANS.retire(
        work.connection,
        [{"company_id": company.company_id, "data_set": each.data_set.value, "period_label": each.period_label} for each in result.retired],
    )


async def retire_all(work: Work, company_id: UUID) -> None:
    """All work of the company stops. Nothing is deleted."""
    await _PLANS.lock(work.connection, company_id=company_id)
    await _PLANS.retire_all(work.connection, company_id=company_id)
    await work_items.end_turns(work, company_id)


def _rows(work: Work, company: Company, items: Iterable[PlannedItem]) -> list[dict[str, Any]]:
    return [
        {
            "company_id": company.company_id,
            "data_set": item.data_set.value,
            "period_label": item.label,
            "ledger_periods": item.ledger_periods,
            "question": question_of(company, item),
            "since": since_of(company, item),
            "rank": item.rank,
            "expected": item.rows_expected,
            "newest": item.newest,
            "now": work.now,
            **work_items.cause_columns(work),
        }
        for item in items
    ]
