"""What org-service does on each command."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from contracts.org import (
    AddMember,
    MemberAdded,
    MemberRemoved,
    OrganizationRegistered,
    RegisterOrganization,
    RegisterVismaCustomerIds,
    RemoveMember,
    RemoveVismaCustomerId,
    Role,
    VismaIdsRegistered,
    VismaIdsRemoved,
)
from contracts.results import FieldError
from eventing.errors import Refused
from eventing.work import Work
from org_service import metrics
from org_service.domain import visma_customer_ids
from org_service.store import visma_customer_ids as claims
from tenancy.members import MEMBERS, on_member_added, on_member_removed

_LOG = structlog.get_logger("org_service")


async def register_organization(command: RegisterOrganization, work: Work) -> None:
    """Create the organisation with the actor as its first administrator. Every user may."""
    new = await MEMBERS.add_organization(work.connection, organization_id=command.organization_id, name=command.name)
    if not new:
        raise Refused("organization_exists", "This organisation is registered already.", hint="Make a new organization_id.")
    registered = OrganizationRegistered(organization_id=command.organization_id, name=command.name, registered_by=work.actor)
    administrator = MemberAdded(
        organization_id=command.organization_id,
        user_id=work.actor,
        name=command.administrator_name or work.actor,
        role=Role.ADMINISTRATOR,
    )
    await on_member_added(administrator, work)
    work.publish(registered, administrator)


async def add_member(command: AddMember, work: Work) -> None:
    """Make the user a member, or change the member's name or role."""
    await MEMBERS.lock_organization(work.connection, organization_id=command.organization_id)
    present = await MEMBERS.find_member(work.connection, organization_id=command.organization_id, user_id=command.user_id)
    if present is not None and (present["name"], present["role"]) == (command.name, command.role):
        return
    if present is not None and command.role is not Role.ADMINISTRATOR:
        await _keep_an_administrator(work, present["role"], field="role")
    added = MemberAdded(organization_id=command.organization_id, user_id=command.user_id, name=command.name, role=command.role)
    await on_member_added(added, work)
    work.publish(added)


async def remove_member(command: RemoveMember, work: Work) -> None:
    """End the membership."""
    await MEMBERS.lock_organization(work.connection, organization_id=command.organization_id)
    present = await MEMBERS.find_member(work.connection, organization_id=command.organization_id, user_id=command.user_id)
    if present is None:
        return
    await _keep_an_administrator(work, present["role"], field="user_id")
    removed = MemberRemoved(organization_id=command.organization_id, user_id=command.user_id)
    await on_member_removed(removed, work)
    work.publish(removed)


async def _keep_an_administrator(work: Work, role: str, *, field: str) -> None:
    if role == Role.ADMINISTRATOR and await MEMBERS.administrators(work.connection, organization_id=work.organization_id) == 1:
        message = "This is the organisation's last administrator."
        hint = "Make somebody else administrator first."
        raise Refused(
            "last_administrator", message, hint=hint, errors=[FieldError(field=field, code="last_administrator", message=message)]
        )


async def register_visma_customer_ids(command: RegisterVismaCustomerIds, work: Work) -> Mapping[str, Any]:
    """Register all of the IDs or none. An ID that the organisation holds already stays as it is."""
    wanted = visma_customer_ids.parse(command.visma_customer_ids)
    new, held = await claims.claim(work, wanted)
    if held:
        holders = {number: str(holder) for number, holder in held.items()}
        work.afterwards(partial(metrics.CLAIMS_REFUSED.inc, len(held)))
        work.afterwards(partial(_LOG.warning, "visma_customer_id.claim_refused", organization_id=str(work.organization_id), held=holders))
        raise _held_by_another(list(held))
    if new:
        work.publish(VismaIdsRegistered(organization_id=work.organization_id, visma_customer_ids=new, registered_by=work.actor))
    return {"visma_customer_ids": wanted, "new": new}


def _held_by_another(numbers: list[int]) -> Refused:
    hint = "Check the number with your system administrator; if it is right, contact support."
    errors = [
        FieldError(
            field=visma_customer_ids.FIELD,
            code="held_by_another_organization",
            message=f"Visma customer ID {number} is registered on another organisation.",
            hint=hint,
        )
        for number in numbers
    ]
    return Refused("visma_customer_id_taken", "A Visma customer ID can belong to one organisation only.", hint=hint, errors=errors)


async def remove_visma_customer_id(command: RemoveVismaCustomerId, work: Work) -> None:
    """Give the ID up. Companies that were added through it stay; nothing more is retrieved for them until it is registered again."""
    if await claims.release(work, command.visma_customer_id):
        work.publish(
            VismaIdsRemoved(organization_id=work.organization_id, visma_customer_ids=[command.visma_customer_id], removed_by=work.actor)
        )
