"""The handlers on PostgreSQL: a company is changed, and its work ends."""

import asyncio
from uuid import uuid4

import pytest

from contracts.company import (
    ArchiveCompany,
    ChangeReconciliationStart,
    CompanyArchived,
    CompanyCreated,
    CompanyUpdated,
    ModulesChanged,
    ReconciliationStartChanged,
    SetModules,
    UpdateCompany,
)
from contracts.org import MemberRemoved, Role
from eventing.errors import NotYet, Refused
from testkit.probe import probe

ANNE, READER, BOSS = "anne@regnskap.no", "rune@regnskap.no", "boss@regnskap.no"
COMMANDS = [
    (UpdateCompany, {"name": "Fjord Holding AS"}),
    (ChangeReconciliationStart, {"reconciliation_start": "2025-09-15"}),
    (SetModules, {"modules": ["assets"]}),
    (ArchiveCompany, {}),
]
every_command = pytest.mark.parametrize(("kind", "typed"), COMMANDS, ids=[kind.__name__ for kind, _ in COMMANDS])


@pytest.fixture
async def company(firm):
    """A company of the firm, and how to send it a command; the administrator sends what only administrators may."""
    await firm.add_member(BOSS, Role.ADMINISTRATOR)
    result = await firm.add(modules=["vat", "payroll"])

    async def ask(kind, *, actor=None, company_id=result["company_id"], organization_id=firm.id, **typed):
        command = kind.model_validate({"company_id": company_id, "organization_id": organization_id} | typed)
        return await firm.service.ask(command, actor=actor or (BOSS if kind is ArchiveCompany else ANNE))

    ask.id = result["company_id"]
    return ask


async def refused(asking) -> str:
    with pytest.raises((Refused, NotYet)) as raised:
        await asking
    return (raised.value if isinstance(raised.value, Refused) else raised.value.refused).code


async def test_an_update_is_kept_and_the_event_tells_the_whole_form(firm, desk, company):
    group = uuid4()
    await firm.create_group("Bygg", company_group_id=group)
    result = await company(UpdateCompany, name="Fjord Holding AS", period_type="month", company_groups=[str(group)], comment="")
    assert result == {
        "company_id": company.id,
        "changed": True,
        "fields": ["name", "period_type", "company_groups"],
        "first_period": {"label": "2026-02", "first_day": "2026-02-01", "last_day": "2026-02-28"},
    }
    created, updated = await desk.published(CompanyCreated), await desk.published(CompanyUpdated)
    assert updated[0].model_dump() == created[0].model_dump(exclude={"created_by"}) | {
        "name": "Fjord Holding AS",
        "period_type": "month",
        "company_groups": [group],
        "changed": ["name", "period_type", "company_groups"],
        "updated_by": ANNE,
    }
    assert (await company(UpdateCompany, name="Fjord Holding AS", company_groups=[str(group)]))["changed"] is False
    assert (await company(UpdateCompany, company_groups=[]))["fields"] == ["company_groups"]
    assert (await company(UpdateCompany, company_groups=[]))["changed"] is False
    assert len(await desk.published(CompanyUpdated)) == 2


async def test_a_moved_start_is_shown_aligned_and_said_once(desk, company):
    shown = {"company_id": company.id, "reconciliation_start": "2025-09-01", "aligned": True}
    shown["first_period"] = {"label": "2025-09", "first_day": "2025-09-01", "last_day": "2025-09-30"}
    assert await company(ChangeReconciliationStart, reconciliation_start="2025-09-15") == shown | {"changed": True}
    assert await company(ChangeReconciliationStart, reconciliation_start=" 2025-09-01") == shown | {"changed": False, "aligned": False}
    [moved] = await desk.published(ReconciliationStartChanged)
    assert (moved.before.isoformat(), moved.after.isoformat(), moved.changed_by) == ("2026-02-01", "2025-09-01", ANNE)


async def test_modules_are_exactly_those_that_were_set(desk, company):
    assert (await company(SetModules, modules=["payroll", "vat"]))["changed"] is False
    assert await company(SetModules, modules=["assets", "vat"]) == {"company_id": company.id, "changed": True, "modules": ["assets", "vat"]}
    [changed] = await desk.published(ModulesChanged)
    assert (changed.added, changed.removed, changed.modules) == (["assets"], ["payroll"], ["assets", "vat"])


async def test_two_who_set_the_same_in_one_moment_change_it_once(desk, company):
    async def both_wait() -> bool:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return await desk.outbox.pool.fetchval(waiting) == 2

    async with desk.outbox.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM company.company FOR UPDATE")
        setting = [asyncio.create_task(company(SetModules, modules=["assets"])) for _ in range(2)]
        await probe(both_wait, within=10)
    assert sorted(result["changed"] for result in await asyncio.gather(*setting)) == [False, True]
    assert len(await desk.published(ModulesChanged)) == 1


async def test_a_refused_change_changes_nothing(desk, company):
    assert await refused(company(UpdateCompany, name="Fjord Holding AS", period_type="weekly")) == "invalid_company_form"
    assert await refused(company(UpdateCompany, name="Fjord Holding AS", responsible_user="stranger")) == "invalid_company_form"
    assert await refused(company(ChangeReconciliationStart, reconciliation_start="2026-11-23")) == "invalid_company_form"
    assert await desk.published(CompanyUpdated, ReconciliationStartChanged) == []
    assert await desk.outbox.pool.fetchval("SELECT name FROM company.company") == "Fjord Bygg AS"


async def test_a_company_whose_responsible_user_has_left_can_be_renamed(firm, company):
    await firm.publish(MemberRemoved(organization_id=firm.id, user_id=ANNE))
    assert (await company(UpdateCompany, name="Fjord Holding AS", actor=BOSS))["changed"] is True


@every_command
async def test_a_company_of_another_organisation_is_refused_as_an_unknown_one(firm, desk, company, kind, typed):
    other = await type(firm)(desk).found()
    await other.add_member(BOSS, Role.ADMINISTRATOR)
    before = await desk.outbox.pool.fetchrow("SELECT * FROM company.company")
    said = {await refused(company(kind, company_id=id_, organization_id=other.id, **typed)) for id_ in (company.id, uuid4())}
    assert said == {"unknown_company"}
    assert await desk.outbox.pool.fetchrow("SELECT * FROM company.company") == before


@every_command
async def test_who_may_change_a_company(company, kind, typed):
    assert await refused(company(kind, actor="stranger", **typed)) == "not_a_member"
    assert await refused(company(kind, actor=READER, **typed)) == "role_too_low"
    if kind is ArchiveCompany:
        assert await refused(company(kind, actor=ANNE)) == "role_too_low"
    assert (await company(kind, **typed))["changed"] is True


async def test_an_archived_company_can_only_be_looked_at(desk, company):
    assert (await company(ArchiveCompany))["changed"] is True
    for kind, typed in COMMANDS[:-1]:
        assert await refused(company(kind, **typed)) == "company_archived"
    assert await company(ArchiveCompany) == {"company_id": company.id, "changed": False}
    [archived] = await desk.published(CompanyArchived)
    assert archived.archived_by == BOSS
    assert await desk.outbox.pool.fetchval("SELECT archived_by FROM company.company") == BOSS


async def test_the_visma_company_of_an_archived_one_can_be_added_again_as_a_new_company(firm, desk, company):
    await firm.add(visma_company_id=5002)
    assert await refused(firm.add()) == "already_added"
    await company(ArchiveCompany)
    assert await refused(firm.add(visma_company_id=5002)) == "already_added"
    assert await refused(firm.add(company_id=company.id)) == "company_id_taken"
    again = await firm.add(name="Fjord Bygg 2")
    assert again["company_id"] != company.id
    assert await refused(firm.add()) == "already_added"
    await company(ArchiveCompany)  # once more the old one: the new one stays added
    assert await refused(firm.add()) == "already_added"
    assert await desk.outbox.pool.fetchval("SELECT count(*) FROM company.company") == 3
