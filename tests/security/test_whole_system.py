"""The guide walked on a protected system, and then everything that somebody from outside might try; no secret is left anywhere."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from contracts.cloudevents import Attributes, read
from contracts.company import CompanyCreated, CompanyGroupCreated, CreateCompanyGroup
from contracts.message import Command, Message
from contracts.org import AddMember, RegisterOrganization, RemoveMember, Role
from contracts.results import CommandRejected, CommandSucceeded
from contracts.sync import RetrySync
from contracts.visma import RefreshVismaCompanies
from demo.walk import KARI, OLA, STRANGER, Walk
from servicekit.kafka import client_options
from servicekit.settings import KafkaSettings
from testkit import probe

from ..conftest import System, Systems
from . import written

pytestmark = [pytest.mark.long, pytest.mark.background]  # the gateway of the module

PLANTED_OPENLY = "Kanarifugl Regnskap AS"
TROUBLE = [
    {"effect": "status", "status": 500, "endpoint": "token", "times": 1},
    {"effect": "status", "status": 401, "endpoint": "graphql", "times": 1},
    {"effect": "truncate", "endpoint": "graphql", "times": 1},
]


class Outsider:
    """A gateway that says of a command what it likes."""

    def __init__(self, system: System, walk: Walk) -> None:
        self.system = system
        self.organization = walk.organization_id
        self.companies = list(walk.companies)
        self.other = uuid4()

    async def send(
        self,
        command: Command,
        *,
        actor: str,
        organization: UUID,
        id: str | None = None,  # noqa: A002
        repeat: bool = False,
    ) -> CommandSucceeded | CommandRejected:
        """The command's outcome; with ``repeat`` the first one that is marked as such."""
        command_id, settings = id or str(uuid4()), self.system.stack.clients["ui-gateway"]
        attributes = Attributes(
            id=command_id,
            source="/ui-gateway",
            type=command.TYPE,
            time=datetime.now(UTC),
            subject=command.subject,
            organizationid=str(organization),
            correlationid=command_id,
            actor=actor,
        )
        async with AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=True) as producer:
            await producer.send_and_wait(
                settings.topic_prefix + command.TOPIC,
                command.model_dump_json().encode(),
                command.subject.encode(),
                headers=attributes.headers(),
            )

        def outcome(_: object) -> Message | None:
            found = self.of(CommandSucceeded) + self.of(CommandRejected)
            return next((message for message in found if message.command_id == command_id and message.repeat is repeat), None)

        return await self.system.gateway.until(outcome, f"the outcome of {type(command).__name__}")  # type: ignore[return-value]

    def of(self, kind: type) -> list:
        """Every message of a kind so far."""
        records = self.system.gateway.records
        return [kind.model_validate_json(record.value) for record in records if read(record.headers).type == kind.TYPE]


@pytest.fixture(scope="module")
async def outsider(systems: Systems) -> AsyncIterator[Outsider]:
    """Fjordregnskap has walked the guide; the stranger administers another organisation."""
    async with systems() as system:
        walk = system.walk()
        await walk.register()
        await walk.add_companies(await walk.drop_down())
        await system.gateway.until(lambda screens: set(walk.companies) <= set(screens.completed), "completion", within=100)
        outsider = Outsider(system, walk)
        register = RegisterOrganization(organization_id=outsider.other, name=PLANTED_OPENLY)
        assert isinstance(await outsider.send(register, actor=STRANGER, organization=outsider.other), CommandSucceeded)
        yield outsider


async def test_a_member_of_one_organisation_does_not_command_the_company_of_another(outsider: Outsider) -> None:
    command = RetrySync(company_id=outsider.companies[0], organization_id=outsider.organization)
    honest = await outsider.send(command, actor=STRANGER, organization=outsider.organization)
    assert isinstance(honest, CommandRejected)
    assert honest.code == "not_a_member"
    claimed = command.model_copy(update={"organization_id": outsider.other})
    forged = await outsider.send(claimed, actor=STRANGER, organization=outsider.other)
    assert isinstance(forged, CommandRejected)
    assert forged.code == "unknown_company"
    allowed = await outsider.send(command, actor=OLA, organization=outsider.organization)
    assert isinstance(allowed, CommandSucceeded)


async def test_a_forged_organisation_is_refused_before_anything_is_looked_up(outsider: Outsider) -> None:
    group = CreateCompanyGroup(company_group_id=uuid4(), organization_id=outsider.organization, name="Fremmed")
    refused = await outsider.send(group, actor=STRANGER, organization=outsider.other)
    assert isinstance(refused, CommandRejected)
    assert refused.code == "organization_mismatch"
    assert not any(event.company_group_id == group.company_group_id for event in outsider.of(CompanyGroupCreated))


async def test_a_command_of_a_member_who_was_removed_has_no_second_effect_and_no_new_one(outsider: Outsider) -> None:
    member = "inga@fjordregnskap.example"
    add = AddMember(organization_id=outsider.organization, user_id=member, name="Inga", role=Role.ACCOUNTANT)
    assert isinstance(await outsider.send(add, actor=KARI, organization=outsider.organization), CommandSucceeded)
    group, command_id = CreateCompanyGroup(company_group_id=uuid4(), organization_id=outsider.organization, name="Inga sin"), str(uuid4())
    first = await outsider.send(group, actor=member, organization=outsider.organization, id=command_id)
    assert isinstance(first, CommandSucceeded)
    remove = RemoveMember(organization_id=outsider.organization, user_id=member)
    assert isinstance(await outsider.send(remove, actor=KARI, organization=outsider.organization), CommandSucceeded)

    again = await outsider.send(group, actor=member, organization=outsider.organization, id=command_id, repeat=True)
    assert isinstance(again, CommandSucceeded)
    assert again.result == first.result
    assert [event.company_group_id for event in outsider.of(CompanyGroupCreated)].count(group.company_group_id) == 1

    # The removal comes to company-service on another topic than the command: it is retried until it has.
    for _ in range(20):
        anew = CreateCompanyGroup(company_group_id=uuid4(), organization_id=outsider.organization, name=f"Inga sin {uuid4().hex[:6]}")
        outcome = await outsider.send(anew, actor=member, organization=outsider.organization)
        if isinstance(outcome, CommandRejected):
            break
    assert isinstance(outcome, CommandRejected)
    assert outcome.code == "not_a_member"


async def test_no_secret_stands_in_anything_the_system_has_written(
    outsider: Outsider, kafka_administrator: KafkaSettings, run_folder: Path
) -> None:
    stack = outsider.system.stack
    async with httpx.AsyncClient(base_url=stack.urls["visma-simulator"]) as simulator:
        (await simulator.post("/_control/faults", json=TROUBLE)).raise_for_status()
        (await simulator.delete("/_control/tokens")).raise_for_status()
        refresh = RefreshVismaCompanies(organization_id=outsider.organization)
        assert isinstance(await outsider.send(refresh, actor=KARI, organization=outsider.organization), CommandSucceeded)

        async def met() -> bool:
            return all(rule["hits"] for rule in (await simulator.get("/_control/faults")).json())

        await probe(met, within=60)
    content = await written.everything(stack, kafka_administrator, run_folder)
    secrets = written.planted(stack, kafka_administrator)
    assert written.leaks(content, secrets) == []

    # Nor does a person of whom payroll reports tell, whose workplace does.
    employers = written.employers(created.organisation_number for created in outsider.of(CompanyCreated))
    people = written.people(employers)
    assert len(people) > len(employers) > 0
    assert written.leaks(content, people) == []
    workplaces = {unit.name: unit.organisation_number.encode() for each in employers for unit in each.workplaces}
    told = {leak.rpartition(" in ")[2].split()[0] for leak in written.leaks(content, workplaces)}
    assert told == {"topic", "table"}

    # The search would have found them: what was written openly is found in each kind of place.
    places = {leak.rpartition(" in ")[2].split()[0] for leak in written.leaks(content, {"name": PLANTED_OPENLY.encode()})}
    assert places == {"topic", "table"}
    assert written.leaks({"log": b"Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}, {}) != []
    assert {place.split()[0] for place in content} == {"log", "topic", "table", "answer"}
    assert all(b"service.ready" in content[f"log {service}.log"] for service in stack.operator_databases)
    assert len(secrets) > 30
