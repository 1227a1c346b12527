"""What sync-worker does on each message. Nothing here asks Visma or Skatteetaten: handlers queue the work, the workers do it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from contracts.company import CompanyCreated
from contracts.sync import RetrySync
from eventing.errors import NotYet, Refused
from eventing.work import Work
from sync_worker.domain.plan import FIRST_ITEM
from sync_worker.retrieval import announcements
from sync_worker.store import companies, work_items

Wake = Callable[[], None]


async def start_retrieval(created: CompanyCreated, work: Work) -> None:
    """Queue what the plan is made from."""
    if not await companies.add(work, created):
        return
    company = await companies.find(work, created.company_id)
    assert company is not None  # noqa: S101 - it was added above
    await work_items.add(work, company, [FIRST_ITEM])
    await announcements.progressed(work, company, FIRST_ITEM.data_set)


async def retry_sync(command: RetrySync, work: Work) -> Mapping[str, Any]:
    """Take up what needs attention or consent, and what waits for its next attempt."""
    company = await companies.find(work, command.company_id)
    if company is None:
        raise NotYet(
            Refused("unknown_company", "This company is not known here.", hint="Check the company id; a company must be added before.")
        )
    data_sets = await work_items.take_up(work, company.company_id)
    for data_set in data_sets:
        await announcements.progressed(work, company, data_set)
    return {"data_sets": [data_set.value for data_set in data_sets]}


def waking(handler: Callable[[Any, Work], Awaitable[Mapping[str, Any] | None]], *wakes: Wake) -> Callable[[Any, Work], Awaitable[Any]]:
    """``handler``, and then a word to the workers that there is something to do."""

    async def handle(message: Any, work: Work) -> Mapping[str, Any] | None:
        result = await handler(message, work)
        for wake in wakes:
            wake()
        return result

    return handle
