"""org-service as a gateway meets it."""

import asyncio
from uuid import UUID, uuid4

from contracts.message import Command
from contracts.org import (
    AddMember,
    MemberAdded,
    MemberRemoved,
    OrganizationRegistered,
    OrgEvent,
    RegisterOrganization,
    RegisterVismaCustomerIds,
    RemoveMember,
    RemoveVismaCustomerId,
    Role,
    VismaIdsRegistered,
    VismaIdsRemoved,
)
from contracts.results import CommandRejected, CommandSucceeded
from testkit.gateway import Gateway

KARI, OLA, PER = "kari@a.no", "ola@a.no", "per@b.no"


async def test_from_nothing_to_registered_ids(outside: Gateway) -> None:
    organization = await an_organization(outside, KARI)
    await succeed(outside, AddMember(organization_id=organization, user_id=OLA, name="Ola", role=Role.READER), KARI)
    outcome = await succeed(outside, ids(organization, "12345, 67890,12345"), KARI)
    assert outcome.result == {"visma_customer_ids": [12345, 67890], "new": [12345, 67890]}
    (registered,) = await outside.published(VismaIdsRegistered)
    assert registered.visma_customer_ids == [12345, 67890]
    members = await outside.published(MemberAdded, count=2)
    assert [(member.user_id, member.role) for member in members] == [(KARI, Role.ADMINISTRATOR), (OLA, Role.READER)]
    events = [seen.attributes for seen in outside.seen if isinstance(seen.message, OrgEvent)]
    assert [event.sequence for event in events] == [1, 2, 3, 4]
    assert {event.subject for event in events} == {str(organization)}


async def test_an_id_belongs_to_one_organisation_and_a_refused_claim_takes_nothing(outside: Gateway) -> None:
    ours, theirs = await an_organization(outside, KARI), await an_organization(outside, PER)
    await succeed(outside, ids(ours, "12345"), KARI)
    refused = await refuse(outside, ids(theirs, "777,12345"), PER)
    assert refused.code == "visma_customer_id_taken"
    assert [(error.field, error.code) for error in refused.errors] == [("visma_customer_ids", "held_by_another_organization")]
    assert str(ours) not in refused.model_dump_json()
    await succeed(outside, ids(ours, "777"), KARI)


async def test_of_many_who_claim_one_id_at_the_same_moment_exactly_one_wins(outside: Gateway) -> None:
    organizations = [await an_organization(outside, KARI) for _ in range(6)]
    sent = await asyncio.gather(*(outside.command(ids(organization, "4711"), actor=KARI) for organization in organizations))
    outcomes = [(await outside.outcomes(command))[0] for command in sent]
    assert sum(isinstance(outcome, CommandSucceeded) for outcome in outcomes) == 1


async def test_registering_again_changes_nothing_and_removing_frees_the_id(outside: Gateway) -> None:
    ours, theirs = await an_organization(outside, KARI), await an_organization(outside, PER)
    await succeed(outside, ids(ours, "12345"), KARI)
    assert (await succeed(outside, ids(ours, "12345"), KARI)).result["new"] == []
    await succeed(outside, RemoveVismaCustomerId(organization_id=ours, visma_customer_id=12345), KARI)
    await succeed(outside, RemoveVismaCustomerId(organization_id=ours, visma_customer_id=12345), KARI)
    assert len(await outside.published(VismaIdsRemoved)) == 1
    await succeed(outside, ids(theirs, "12345"), PER)


async def test_only_administrators_decide_and_strangers_learn_nothing(outside: Gateway) -> None:
    organization = await an_organization(outside, KARI)
    await succeed(outside, AddMember(organization_id=organization, user_id=OLA, name="Ola"), KARI)
    assert (await refuse(outside, ids(organization, "1"), OLA)).code == "role_too_low"
    to_a_stranger = await refuse(outside, ids(organization, "1"), PER)
    of_nothing = await refuse(outside, ids(uuid4(), "1"), PER)
    assert (to_a_stranger.code, to_a_stranger.message) == (of_nothing.code, of_nothing.message) == ("not_a_member", to_a_stranger.message)


async def test_a_member_who_was_removed_may_do_nothing_any_more(outside: Gateway) -> None:
    organization = await an_organization(outside, KARI)
    await succeed(outside, AddMember(organization_id=organization, user_id=OLA, name="Ola", role=Role.ADMINISTRATOR), KARI)
    await succeed(outside, RemoveMember(organization_id=organization, user_id=OLA), KARI)
    assert (await outside.published(MemberRemoved))[0].user_id == OLA
    assert (await refuse(outside, ids(organization, "1"), OLA)).code == "not_a_member"


async def test_the_last_administrator_stays(outside: Gateway) -> None:
    organization = await an_organization(outside, KARI)
    assert (await refuse(outside, RemoveMember(organization_id=organization, user_id=KARI), KARI)).code == "last_administrator"
    demoted = AddMember(organization_id=organization, user_id=KARI, name="Kari", role=Role.READER)
    assert (await refuse(outside, demoted, KARI)).code == "last_administrator"


async def test_an_organisation_cannot_be_registered_over_another(outside: Gateway) -> None:
    organization = await an_organization(outside, KARI)
    takeover = RegisterOrganization(organization_id=organization, name="Mine now")
    assert (await refuse(outside, takeover, PER)).code == "organization_exists"
    assert len(await outside.published(OrganizationRegistered)) == 1
    assert (await refuse(outside, ids(organization, "1"), PER)).code == "not_a_member"


async def an_organization(outside: Gateway, administrator: str) -> UUID:
    organization = uuid4()
    await succeed(outside, RegisterOrganization(organization_id=organization, name="Regnskap AS"), administrator)
    return organization


def ids(organization: UUID, typed: str) -> RegisterVismaCustomerIds:
    return RegisterVismaCustomerIds(organization_id=organization, visma_customer_ids=typed)


async def succeed(outside: Gateway, command: Command, actor: str) -> CommandSucceeded:
    outcome = await outside.ask(command, actor=actor)
    assert isinstance(outcome, CommandSucceeded), outcome
    return outcome


async def refuse(outside: Gateway, command: Command, actor: str) -> CommandRejected:
    outcome = await outside.ask(command, actor=actor)
    assert isinstance(outcome, CommandRejected), outcome
    return outcome
