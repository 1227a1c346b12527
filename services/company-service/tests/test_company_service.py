"""The whole service behind its topics."""

from uuid import UUID, uuid4

import asyncpg

from contracts.company import CompanyCreated, CompanyGroupCreated
from contracts.results import CommandRejected, CommandSucceeded
from testkit import probe

ANNE = "anne@regnskap.no"


def errors_of(outcome) -> dict[str, str]:
    assert isinstance(outcome, CommandRejected), outcome
    return {error.field: error.code for error in outcome.errors}


async def waiting(dsn: str, form) -> bool:
    """Whether the form was judged, and waits for facts that may arrive."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT EXISTS (SELECT 1 FROM eventing.parked WHERE key = $1)", str(form.company_id).encode())
    finally:
        await connection.close()


async def test_a_saved_form_becomes_a_company(connected_firm, outside):
    group = uuid4()
    assert isinstance(await connected_firm.create_group("Bygg", company_group_id=group), CommandSucceeded)
    form = connected_firm.form(
        comment="quarterly", vat_frequency="aar", company_groups=[str(group)], modules=["payroll", "assets"], financial_year_start_month=3
    )
    command = await outside.command(form, actor=ANNE)
    [outcome] = await outside.outcomes(command)
    assert outcome.result == {
        "company_id": str(form.company_id),
        "reconciliation_start": "2026-02-01",
        "aligned": True,
        "first_period": {"label": "2026-02", "first_day": "2026-02-01", "last_day": "2026-02-28"},
    }
    assert await outside.published(CompanyCreated) == [
        CompanyCreated(
            company_id=form.company_id,
            organization_id=connected_firm.id,
            visma_customer_id=12345,
            visma_company_id=5001,
            name="Fjord Bygg AS",
            comment="quarterly",
            organisation_number="974761076",
            period_type="quarter",
            financial_year_start_month=3,
            reconciliation_start="2026-02-01",
            responsible_user=ANNE,
            vat_frequency="aar",
            company_groups=[group],
            modules=["payroll", "assets"],
            created_by=ANNE,
        )
    ]
    [created] = [seen.attributes for seen in outside.seen if isinstance(seen.message, CompanyCreated)]
    assert (created.causationid, created.correlationid, created.subject, created.sequence) == (command, command, str(form.company_id), 1)


async def test_a_form_with_many_wrong_fields_names_them_all(connected_firm, outside):
    outcome = await connected_firm.add(
        visma_company_id=7777,
        name="Fjord\x00",
        organisation_number="123456789",
        period_type="weekly",
        reconciliation_start="2999-01-01",
        responsible_user="stranger",
        company_groups=[str(uuid4())],
        modules=["vat", "stock\x00"],
    )
    assert errors_of(outcome) == {
        "visma_company_id": "not_listed",
        "name": "control_character",
        "organisation_number": "wrong_check_digit",
        "period_type": "not_a_choice",
        "reconciliation_start": "in_the_future",
        "responsible_user": "not_a_member",
        "company_groups.0": "unknown_company_group",
        "modules.1": "not_a_choice",
    }
    assert all(error.message and error.hint for error in outcome.errors)
    assert await outside.published(CompanyCreated, count=0) == []


async def test_many_who_pick_the_same_company_from_the_drop_down(connected_firm, outside):
    forms = [connected_firm.form(name=f"Fjord {number}") for number in range(20)]
    commands = [await outside.command(form, actor=ANNE) for form in forms]
    outcomes = [(await outside.outcomes(command))[0] for command in commands]
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, CommandSucceeded)]
    [created] = await outside.published(CompanyCreated)
    assert created.company_id == UUID(winner.result["company_id"])
    losers = [outcome for outcome in outcomes if outcome is not winner]
    assert {outcome.code for outcome in losers} == {"already_added"}
    assert all(created.name in outcome.message for outcome in losers)


async def test_the_same_command_again_has_no_second_effect(connected_firm, outside):
    form = connected_firm.form()
    command = await outside.command(form, actor=ANNE)
    [first] = await outside.outcomes(command)
    await outside.command(form, actor=ANNE, id=command)
    assert await outside.outcomes(command, count=2) == [first, first.model_copy(update={"repeat": True})]
    assert len(await outside.published(CompanyCreated)) == 1


async def test_a_user_faster_than_the_events_of_others_is_not_refused(connected_firm, outside, dsn):
    group = uuid4()
    form = connected_firm.form(visma_company_id=6001, responsible_user="kari", company_groups=[str(group)])
    command = await outside.command(form, actor="kari")
    await probe(lambda: waiting(dsn, form), within=10)
    await connected_firm.add_member("kari")
    await connected_firm.list(12345, 6001)
    await connected_firm.create_group("Bygg", company_group_id=group)
    [outcome] = await outside.outcomes(command)
    assert isinstance(outcome, CommandSucceeded), outcome


async def test_refusals_that_waited_are_final(connected_firm, outside):
    await connected_firm.list(12345, 5002, 5004)
    assert isinstance(await connected_firm.add(visma_company_id=5004), CommandSucceeded)  # so the list has been replaced
    commands = {
        "vanished": await outside.command(connected_firm.form(visma_company_id=5001), actor=ANNE),
        "stranger": await outside.command(connected_firm.form(), actor="stranger"),
        "reader": await outside.command(connected_firm.form(), actor="rune@regnskap.no"),
    }
    outcomes = {name: (await outside.outcomes(command))[0] for name, command in commands.items()}
    assert {name: outcome.code for name, outcome in outcomes.items()} == {
        "vanished": "invalid_company_form",
        "stranger": "not_a_member",
        "reader": "role_too_low",
    }
    assert errors_of(outcomes["vanished"]) == {"visma_company_id": "not_listed"}


async def test_a_group_name_is_given_once(connected_firm, outside):
    outcomes = [await connected_firm.create_group(name) for name in ("Bygg", " BYGG ")]
    assert isinstance(outcomes[0], CommandSucceeded)
    assert errors_of(outcomes[1]) == {"name": "name_taken"}
    assert [group.name for group in await outside.published(CompanyGroupCreated)] == ["Bygg"]
