"""The members of each organisation. org-service decides them; the other services keep this copy from its events."""

from typing import Any
from uuid import UUID

from contracts.org import MemberAdded, MemberRemoved, OrganizationRegistered, Role
from eventing.sql import queries
from eventing.work import Connection, Work

MEMBERS = queries(__file__, "members")
TABLES = {"tenancy.organization": ("organization_id", "name"), "tenancy.member": ("organization_id", "user_id", "name", "role")}
"""What follows from messages: all of it. For services that have to say so of each table."""


async def role_of(connection: Connection, organization_id: UUID, user_id: str) -> Role | None:
    """The role of a user in an organisation; None when the user is no member."""
    role = await MEMBERS.role_of(connection, organization_id=organization_id, user_id=user_id)
    return None if role is None else Role(role)


async def on_organization_registered(event: OrganizationRegistered, work: Work) -> None:
    """Keep the organisation."""
    await MEMBERS.add_organization(work.connection, organization_id=event.organization_id, name=event.name)


async def on_member_added(event: MemberAdded, work: Work) -> None:
    """Keep the member, or the member's new role."""
    await MEMBERS.put_member(
        work.connection, organization_id=event.organization_id, user_id=event.user_id, name=event.name, role=event.role.value
    )


async def on_member_removed(event: MemberRemoved, work: Work) -> None:
    """Forget the member: commands of this user are refused from now on."""
    await MEMBERS.remove_member(work.connection, organization_id=event.organization_id, user_id=event.user_id)


KEEPING_MEMBERS: dict[type[Any], Any] = {
    OrganizationRegistered: on_organization_registered,
    MemberAdded: on_member_added,
    MemberRemoved: on_member_removed,
}
"""The handlers a service adds to its own to keep the copy."""
