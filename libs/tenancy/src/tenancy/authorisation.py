"""Who may send which command: the actor must be a member of the organisation with the role the command needs."""

from collections.abc import Mapping
from typing import Any

from contracts.org import Role
from eventing.errors import NotYet, Refused
from eventing.inbox import Handler
from eventing.work import Work
from tenancy.members import role_of

_INCLUDES = {
    Role.ADMINISTRATOR: {Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.READER},
    Role.ACCOUNTANT: {Role.ACCOUNTANT, Role.READER},
    Role.READER: {Role.READER},
}


def requires(needed: Role, handler: Handler, *, from_copy: bool = True) -> Handler:
    """``handler`` for members who hold ``needed``; everybody else is refused.

    With ``from_copy`` the members are a copy of org-service's, and one who is missing may be on the way: the refusal waits a moment.
    """

    async def authorised(command: Any, work: Work) -> Mapping[str, Any] | None:
        refused = await _refusal(work, needed)
        if refused is not None:
            raise NotYet(refused) if from_copy else refused
        return await handler(command, work)

    return authorised


async def _refusal(work: Work, needed: Role) -> Refused | None:
    role = await role_of(work.connection, work.organization_id, work.actor)
    if role is None:
        # The same answer whether the organisation exists or not: a stranger learns nothing.
        return Refused(
            "not_a_member",
            "You are not a member of this organisation.",
            hint="Ask an administrator of the organisation to add you.",
        )
    if needed not in _INCLUDES[role]:
        return Refused(
            "role_too_low",
            f"This needs the role {needed.value}; yours is {role.value}.",
            hint="Ask an administrator of the organisation to change your role.",
        )
    return None
