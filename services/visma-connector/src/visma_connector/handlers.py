"""What visma-connector does on each command and event. Visma itself is asked elsewhere: a handler only says that a probe is due."""

from collections.abc import Mapping
from typing import Any

from contracts.org import VismaIdsRegistered, VismaIdsRemoved
from contracts.results import FieldError
from contracts.visma import RefreshVismaCompanies
from eventing.errors import NotYet, Refused
from eventing.work import Work
from visma_connector.domain.news import news_of_end
from visma_connector.store import connections


async def begin_connections(event: VismaIdsRegistered, work: Work) -> None:
    """Probe the new IDs at once."""
    await connections.begin(work, event.visma_customer_ids)


async def end_connections(event: VismaIdsRemoved, work: Work) -> None:
    """Nothing is reached through the IDs any more; a probe that is under way will be dropped."""
    for connection in await connections.end(work, event.visma_customer_ids):
        work.publish(*news_of_end(connection, now=work.now))


async def refresh_companies(command: RefreshVismaCompanies, work: Work) -> Mapping[str, Any]:
    """Probe one ID of the organisation now, or at all of them. The events of the probe carry the command's correlation."""
    refreshing = await connections.ask(work, command.visma_customer_id)
    if not refreshing:
        raise NotYet(_not_held(command.visma_customer_id))
    return {"refreshing": refreshing}


def _not_held(visma_customer_id: int | None) -> Refused:
    hint = "Enter the Visma customer ID on the organisation first."
    if visma_customer_id is None:
        return Refused("no_visma_customer_id", "The organisation has no Visma customer ID.", hint=hint)
    message = f"The organisation has no Visma customer ID {visma_customer_id}."
    error = FieldError(field="visma_customer_id", code="visma_customer_id_not_held", message=message, hint=hint)
    return Refused("visma_customer_id_not_held", message, hint=hint, errors=[error])
