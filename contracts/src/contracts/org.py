"""Owned by org-service: organisations, their members, and the Visma customer IDs each one holds."""

from enum import StrEnum

from pydantic import Field

from contracts.message import Command, Event, Name, OrganizationMessage, UserId, VismaCustomerId


class Role(StrEnum):
    """What a member may do; each role includes the ones after it."""

    ADMINISTRATOR = "administrator"
    ACCOUNTANT = "accountant"
    READER = "reader"


class OrgCommand(OrganizationMessage, Command):
    """Commands to org-service."""

    TOPIC = "org-commands"


class OrgEvent(OrganizationMessage, Event):
    """Facts about organisations, kept for good."""

    TOPIC = "org-events"


class RegisterOrganization(OrgCommand):
    """Create an organisation. The actor becomes its first administrator; the id is made by the sender."""

    TYPE = "no.accountflow.org.RegisterOrganization.v1"
    name: Name
    administrator_name: Name | None = Field(None, description="how to show the actor in member lists; the actor's id when left out")


class AddMember(OrgCommand):
    """Make a user a member, or give a member another role."""

    TYPE = "no.accountflow.org.AddMember.v1"
    user_id: UserId
    name: Name
    role: Role = Role.ACCOUNTANT


class RemoveMember(OrgCommand):
    """End a membership. The last administrator cannot be removed."""

    TYPE = "no.accountflow.org.RemoveMember.v1"
    user_id: UserId


class RegisterVismaCustomerIds(OrgCommand):
    """Register the Visma customer IDs of the organisation: text as pasted (``12345,67890``) or a list. All or none are registered."""

    TYPE = "no.accountflow.org.RegisterVismaCustomerIds.v1"
    visma_customer_ids: str | list[str | int] = Field(
        description="digits, separated by commas; spaces and blanks are tolerated, duplicates folded"
    )


class RemoveVismaCustomerId(OrgCommand):
    """Give up one Visma customer ID; another organisation may then register it.

    Its companies stay, and need consent: nothing more is retrieved for them from Visma until the ID is registered again.
    """

    TYPE = "no.accountflow.org.RemoveVismaCustomerId.v1"
    visma_customer_id: VismaCustomerId


class OrganizationRegistered(OrgEvent):
    """An organisation exists."""

    TYPE = "no.accountflow.org.OrganizationRegistered.v1"
    name: Name
    registered_by: UserId


class MemberAdded(OrgEvent):
    """A user is a member with this role from now on; for an existing member the role has changed."""

    TYPE = "no.accountflow.org.MemberAdded.v1"
    user_id: UserId
    name: Name
    role: Role


class MemberRemoved(OrgEvent):
    """A user is no longer a member."""

    TYPE = "no.accountflow.org.MemberRemoved.v1"
    user_id: UserId


class VismaIdsRegistered(OrgEvent):
    """These Visma customer IDs are new on the organisation."""

    TYPE = "no.accountflow.org.VismaIdsRegistered.v1"
    visma_customer_ids: list[VismaCustomerId]
    registered_by: UserId


class VismaIdsRemoved(OrgEvent):
    """These Visma customer IDs no longer belong to the organisation."""

    TYPE = "no.accountflow.org.VismaIdsRemoved.v1"
    visma_customer_ids: list[VismaCustomerId]
    removed_by: UserId
