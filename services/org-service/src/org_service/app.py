"""org-service put together."""

from pathlib import Path

from contracts.message import Message
from contracts.org import AddMember, RegisterOrganization, RegisterVismaCustomerIds, RemoveMember, RemoveVismaCustomerId, Role
from eventing.inbox import Handler
from org_service import handlers
from org_service.settings import Settings
from servicekit.service import Parts, Service
from tenancy.authorisation import requires

MIGRATIONS = Path(__file__).parents[2] / "migrations"


async def build(settings: Settings, parts: Parts) -> Service:
    """Commands by what they need: registering an organisation is open to every user, the rest is for its administrators."""
    del settings, parts
    administrators: dict[type[Message], Handler] = {
        AddMember: handlers.add_member,
        RemoveMember: handlers.remove_member,
        RegisterVismaCustomerIds: handlers.register_visma_customer_ids,
        RemoveVismaCustomerId: handlers.remove_visma_customer_id,
    }
    return Service(
        handlers={
            RegisterOrganization: handlers.register_organization,
            **{command: requires(Role.ADMINISTRATOR, handler, from_copy=False) for command, handler in administrators.items()},
        }
    )
