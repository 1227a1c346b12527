"""Who may send which command."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.org import MemberAdded, MemberRemoved, OrganizationRegistered, Role
from eventing.errors import NotYet, Refused
from eventing.outbox import Outbox
from eventing.work import Cause
from servicekit.migrations import MigrationSet, migrate
from tenancy.authorisation import requires
from tenancy.members import KEEPING_MEMBERS
from testkit.databases import DatabaseFactory


async def migrate_members(dsn: str) -> None:
    await migrate(dsn, [MigrationSet.of_package("eventing", "eventing"), MigrationSet.of_package("tenancy", "tenancy")])


@pytest.fixture
async def outbox(database: DatabaseFactory) -> AsyncIterator[Outbox]:
    async with asyncpg.create_pool(await database("tenancy", migrate_members), min_size=1, max_size=2) as pool:
        yield Outbox(pool, "/test")


async def done(command: Any, work: Any) -> dict[str, Any]:
    return {"done": True}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
async def test_a_role_includes_the_ones_after_it(outbox: Outbox, role: Role, needed: Role) -> None:
    organization = await an_organization(outbox, kari=role)
    order = list(Role)
    if order.index(role) <= order.index(needed):
        assert await run(outbox, organization, "kari", needed) == {"done": True}
    else:
        with pytest.raises(Refused, match="role_too_low"):
            await run(outbox, organization, "kari", needed)


async def test_a_member_of_one_organisation_is_a_stranger_to_another(outbox: Outbox) -> None:
    await an_organization(outbox, kari=Role.ADMINISTRATOR)
    other = await an_organization(outbox, ola=Role.ADMINISTRATOR)
    with pytest.raises(Refused, match="not_a_member"):
        await run(outbox, other, "kari", Role.READER)
    with pytest.raises(Refused, match="not_a_member"):
        await run(outbox, uuid4(), "kari", Role.READER)


async def test_a_role_changes_and_ends_with_the_events(outbox: Outbox) -> None:
    organization = await an_organization(outbox, kari=Role.READER)
    await keep(outbox, MemberAdded(organization_id=organization, user_id="kari", name="Kari", role=Role.ACCOUNTANT))
    assert await run(outbox, organization, "kari", Role.ACCOUNTANT) == {"done": True}
    await keep(outbox, MemberRemoved(organization_id=organization, user_id="kari"))
    with pytest.raises(Refused, match="not_a_member"):
        await run(outbox, organization, "kari", Role.READER)


async def test_a_copy_lets_the_refusal_wait(outbox: Outbox) -> None:
    with pytest.raises(NotYet) as not_yet:
        await run(outbox, uuid4(), "kari", Role.READER, from_copy=True)
    assert not_yet.value.refused.code == "not_a_member"


async def an_organization(outbox: Outbox, **members: Role) -> UUID:
    organization = uuid4()
    await keep(outbox, OrganizationRegistered(organization_id=organization, name="Regnskap AS", registered_by="x"))
    for user, role in members.items():
        await keep(outbox, MemberAdded(organization_id=organization, user_id=user, name=user, role=role))
    return organization


async def keep(outbox: Outbox, event: Any) -> None:
    async with outbox.work(cause(event.organization_id, "")) as work:
        await KEEPING_MEMBERS[type(event)](event, work)


async def run(outbox: Outbox, organization: UUID, actor: str, needed: Role, *, from_copy: bool = False) -> Any:
    async with outbox.work(cause(organization, actor)) as work:
        return await requires(needed, done, from_copy=from_copy)(None, work)


def cause(organization: UUID, actor: str) -> Cause:
    return Cause(organization_id=organization, correlation_id="c", causation_id=None, actor=actor)
