"""The handlers on PostgreSQL: what a form is judged against, and who wins."""

import asyncio
from datetime import date
from uuid import uuid4

import pytest

from contracts.org import MemberRemoved, VismaIdsRemoved
from contracts.visma import VismaCustomerConnected
from eventing.errors import NotYet, Refused


async def code(asking) -> str:
    """What came of a command: "done", or the code of its only error, with a question mark when it would be waited for."""
    try:
        await asking
    except NotYet as not_yet:
        return _only(not_yet.refused) + "?"
    except Refused as refused:
        return _only(refused)
    return "done"


def _only(refused: Refused) -> str:
    codes = [error.code for error in refused.errors] or [refused.code]
    return " and ".join(codes)


async def test_a_company_is_kept_as_settled(firm, desk):
    group = uuid4()
    await firm.create_group("Bygg", company_group_id=group)
    result = await firm.add(comment="x", modules=["vat", "payroll"], company_groups=[str(group)], financial_year_start_month=3)
    row = await desk.outbox.pool.fetchrow(
        "SELECT c.*, g.company_group_id FROM company.company c JOIN company.company_in_group g USING (company_id)"
    )
    assert str(row["company_id"]) == result["company_id"]
    assert (row["visma_customer_id"], row["visma_company_id"], row["organisation_number"]) == (12345, 5001, "974761076")
    assert (row["modules"], row["company_group_id"], row["created_by"]) == (["vat", "payroll"], group, "anne@regnskap.no")
    assert (row["period_type"], row["reconciliation_start"]) == ("quarter", date(2026, 2, 1))
    assert result["first_period"] == {"label": "2026-02", "first_day": "2026-02-01", "last_day": "2026-02-28"}


async def test_exactly_one_of_many_who_add_the_same_company_at_once_wins(firm, desk):
    async def save(number: int) -> str:
        await released.wait()
        return await code(firm.add(name=f"Firm {number}"))

    released = asyncio.Event()
    saving = [asyncio.create_task(save(number)) for number in range(24)]
    released.set()
    assert sorted(await asyncio.gather(*saving)) == ["already_added"] * 23 + ["done"]
    assert await desk.outbox.pool.fetchval("SELECT count(*) FROM company.company") == 1


async def test_the_loser_learns_the_name_the_winner_gave(firm):
    await firm.add(name="Fjord Holding AS")
    with pytest.raises(Refused, match="already, as Fjord Holding AS"):
        await firm.add(name="Other")


async def test_a_company_that_was_never_listed(firm):
    assert await code(firm.add(visma_company_id=7777)) == "not_listed?"


async def test_a_new_list_replaces_the_one_before(firm):
    await firm.list(12345, 5002, 5004)
    assert await code(firm.add(visma_company_id=5001)) == "not_listed?"
    assert await code(firm.add(visma_company_id=5004)) == "done"
    await firm.list(12345, 5001)
    assert await code(firm.add(visma_company_id=5001)) == "done"


async def test_a_list_of_another_id_leaves_this_one_alone(firm):
    await firm.register(67890)
    await firm.list(67890, 6001)
    assert await code(firm.add(visma_company_id=6001)) == "done"
    assert await code(firm.add(visma_company_id=5001)) == "done"


async def test_an_added_company_stays_added_while_it_is_away_and_when_it_comes_back(firm):
    await firm.add()
    await firm.list(12345)
    assert await code(firm.add()) == "already_added"
    await firm.list(12345, 5001)
    assert await code(firm.add()) == "already_added"


async def test_a_company_that_moves_to_another_id_is_added_through_that_one(firm, desk):
    await firm.register(67890)
    await firm.list(67890, 5001)
    await firm.list(12345, 5002)
    assert await code(firm.add(visma_company_id=5001)) == "done"
    assert await desk.outbox.pool.fetchval("SELECT visma_customer_id FROM company.company") == 67890


async def test_denied_access_empties_the_list_until_the_id_is_connected_again(firm):
    await firm.deny(12345, temporary=False)
    assert await code(firm.add()) == "not_listed?"
    await firm.publish(VismaCustomerConnected(organization_id=firm.id, visma_customer_id=12345, checked_at="2026-11-22T12:00:00Z"))
    assert await code(firm.add()) == "done"


async def test_while_visma_is_only_away_the_list_holds(firm):
    await firm.deny(12345, temporary=True)
    assert await code(firm.add()) == "done"


async def test_an_id_that_was_given_up_lists_nothing(firm):
    await firm.publish(VismaIdsRemoved(organization_id=firm.id, visma_customer_ids=[12345], removed_by="boss"))
    assert await code(firm.add()) == "not_listed?"
    await firm.register(12345)
    assert await code(firm.add()) == "done"


async def test_a_list_may_arrive_before_the_registration_of_its_id(firm):
    await firm.list(67890, 6001)
    assert await code(firm.add(visma_company_id=6001)) == "not_listed?"
    await firm.register(67890)
    assert await code(firm.add(visma_company_id=6001)) == "done"


async def test_a_listed_company_can_be_closed_and_opened(firm):
    await firm.open(5001, readable=False, hint="Open it in Connect Application Access.")
    with pytest.raises(NotYet) as not_yet:
        await firm.add()
    assert (not_yet.value.refused.errors[0].code, not_yet.value.refused.hint) == ("not_opened", "Open it in Connect Application Access.")
    await firm.open(5001, readable=True)
    assert await code(firm.add()) == "done"


async def test_one_organisation_does_not_see_the_list_members_groups_or_companies_of_another(firm, desk):
    other = await type(firm)(desk).found(99999)
    group = uuid4()
    await firm.create_group("Bygg", company_group_id=group)
    await firm.add_member("ours@regnskap.no")
    assert await code(other.add()) == "not_listed?"
    await other.list(99999, 5001)
    assert await code(other.add(company_groups=[str(group)])) == "unknown_company_group?"
    assert await code(other.add(responsible_user="ours@regnskap.no")) == "not_a_member?"
    assert await code(firm.add()) == "done"
    assert await code(other.add()) == "done"


async def test_a_company_id_belongs_to_one_company(firm, desk):
    company = uuid4()
    assert await code(firm.add(company_id=company)) == "done"
    assert await code(firm.add(company_id=company, visma_company_id=5002)) == "company_id_taken"
    assert await code(firm.add(company_id=company)) == "already_added"
    other = await type(firm)(desk).found(99999)
    await other.list(99999, 5001)
    assert await code(other.add(company_id=company)) == "company_id_taken"


async def test_a_removed_member_is_neither_responsible_nor_allowed(firm):
    await firm.add_member("kari@regnskap.no")
    assert await code(firm.add(responsible_user="kari@regnskap.no", actor="kari@regnskap.no")) == "done"
    await firm.publish(MemberRemoved(organization_id=firm.id, user_id="kari@regnskap.no"))
    assert await code(firm.add(visma_company_id=5002, responsible_user="kari@regnskap.no")) == "not_a_member?"
    assert await code(firm.add(visma_company_id=5002, actor="kari@regnskap.no")) == "not_a_member?"


async def test_a_responsible_user_no_database_can_hold(firm):
    assert await code(firm.add(responsible_user="an\x00ne")) == "not_a_member?"


async def test_production_refuses_synthetic_numbers(firm):
    assert await code(firm.add(organisation_number="310478717")) == "wrong_first_digit"


@pytest.mark.parametrize("desk", [{"allow_synthetic_organisation_numbers": True}], indirect=True)
async def test_elsewhere_synthetic_numbers_are_accepted(firm):
    assert await code(firm.add(organisation_number="310478717")) == "done"


async def test_a_group_name_is_unique_in_its_organisation_whatever_the_case(firm, desk):
    assert await code(firm.create_group("Åsane bygg")) == "done"
    assert await code(firm.create_group(" ÅSANE  BYGG")) == "name_taken"
    assert await code((await type(firm)(desk).found()).create_group("åsane bygg")) == "done"


async def test_exactly_one_of_many_groups_of_one_name_is_created(firm):
    creating = [asyncio.create_task(code(firm.create_group(name))) for name in ("Bygg", "BYGG", "bygg", "bYGG") * 3]
    assert sorted(await asyncio.gather(*creating)) == ["done"] + ["name_taken"] * 11


async def test_a_group_id_belongs_to_one_group(firm):
    group = uuid4()
    await firm.create_group("Bygg", company_group_id=group)
    assert await code(firm.create_group("Anlegg", company_group_id=group)) == "company_group_id_taken"


@pytest.mark.parametrize(("actor", "refusal"), [("stranger", "not_a_member"), ("rune@regnskap.no", "role_too_low")])
async def test_only_accountants_add_and_create(firm, actor, refusal):
    assert await code(firm.add(actor=actor)) == f"{refusal}?"
    assert await code(firm.create_group("Bygg", actor=actor)) == f"{refusal}?"
