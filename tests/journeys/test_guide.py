"""The guide from its first step to proven ledgers, all services, nothing mocked."""

import asyncio
import os
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
import pytest

from contracts.accounting import LedgerLinesRetrieved
from contracts.cloudevents import read
from contracts.org import RegisterOrganization, RegisterVismaCustomerIds, RemoveVismaCustomerId
from contracts.results import CommandRejected, CommandSucceeded
from contracts.sync import RETIRED, DataSet, PeriodVerified, RetrySync, SyncProgressed, SyncStatus
from demo import proofs
from demo.walk import KARI, STRANGER
from testkit.probe import probe

from ..conftest import System, Systems

pytestmark = [pytest.mark.long, pytest.mark.background]  # the gateway of the module

SERVICES = {"org-service", "company-service", "visma-connector", "sync-worker"}
SIDE_BY_SIDE = 8  # the worker retrieves as many pages at a time, and any of those may land first
EXAMPLE = Path(__file__).parents[2] / "examples" / "gateway.py"


@pytest.fixture(scope="module")
async def system(systems: Systems):
    async with systems() as running:
        yield running


async def test_the_whole_guide_ends_in_proofs_that_the_simulator_confirms(system: System) -> None:
    walk = system.walk()
    await walk.register()
    listed = await walk.drop_down()
    await walk.refused_forms(listed[0])
    await walk.add_companies(listed)
    completed = await system.gateway.until(
        lambda screens: screens.completed if set(walk.companies) <= set(screens.completed) else None, "completion", within=90
    )
    assert system.gateway.screens.attention == []
    table = await proofs.rows(system.stack.databases["sync-worker"], walk.companies, completed)
    assert [row for row in table if not row.proven] == []
    assert {row.totals.data_set for row in table} == set(DataSet) - RETIRED

    published: dict[tuple[str, int, int, int], Decimal] = defaultdict(Decimal)
    for record in system.gateway.records:
        if read(record.headers).type == LedgerLinesRetrieved.TYPE:
            event = LedgerLinesRetrieved.model_validate_json(record.value)
            for line in event.rows:
                published[walk.companies[event.company_id], line.year, line.period, line.account_no] += line.amount
    stated = await totals_of_the_simulator(system, {company.visma_company_id: company.name for company in listed})
    periods = {(name, year, period) for name, year, period, _ in published}
    assert {place: amount for place, amount in stated.items() if place[:3] in periods} == published

    for company in walk.companies:
        began = list(dict.fromkeys(event.period.first_day for event in progress_of(system, company) if event.period))
        newest_first = sorted(began, reverse=True)
        assert all(newest_first.index(period) < place + SIDE_BY_SIDE for place, period in enumerate(began)), began
        verified = [event for event in system.gateway.screens.seen if isinstance(event, PeriodVerified) and event.company_id == company]
        assert {event.period.first_day for event in verified} == set(began)
    assert all(progress.status is SyncStatus.COMPLETE and progress.percent == 100 for progress in system.gateway.screens.progress.values())
    assert {data_set for _, data_set in system.gateway.screens.progress} == set(DataSet) - RETIRED


async def test_operators_can_tell_the_whole_story(system: System) -> None:
    listed = await opsctl(system, "tail", "company-commands", "--type", "AddVismaCompany", "--json")
    command = next(line for line in map(orjson.loads, listed.splitlines()) if line["data"]["organisation_number"] != "123456789")
    story = orjson.loads(await opsctl(system, "why", command["id"], "--json"))
    assert (story["state"], story["waiting"]) == ("answered", [])
    steps = {step["type"].rsplit(".", 2)[-2]: step for step in story["steps"]}
    assert story["steps"][0]["type"].endswith("AddVismaCompany.v1")
    assert {"CommandSucceeded", "CompanyCreated", "SyncPlanned", "LedgerLinesRetrieved", "PeriodVerified", "SyncCompleted"} <= set(steps)
    rows = sum(
        totals.rows
        for totals in system.gateway.screens.completed[UUID(command["key"])].data_sets
        if totals.data_set is DataSet.LEDGER_LINES
    )
    assert steps["LedgerLinesRetrieved"]["rows"] == rows
    groups = orjson.loads(await opsctl(system, "groups", "--json"))["groups"]
    assert {group["group"] for group in groups} == SERVICES
    diagnosis = orjson.loads(await opsctl(system, "doctor", "--json"))
    assert {check["where"] for check in diagnosis["checks"]} >= SERVICES | {"Kafka"}
    organization = next(message["organization_id"] for message in map(orjson.loads, listed.splitlines()))
    attested = orjson.loads(await opsctl(system, "attest", organization, "--json"))
    told = {held["place"]: held["count"] for held in attested["held"] if held["place"].startswith("topic ")}
    assert (attested["holds"], attested["not_looked_at"], len(told)) == (True, [], 7)
    assert {place for place, count in told.items() if not count} <= {"topic visma-changes"}


async def test_the_same_command_again_has_the_same_outcome_and_no_second_effect(system: System) -> None:
    organization = system.walk().organization_id
    command = RegisterVismaCustomerIds(organization_id=organization, visma_customer_ids="12345")
    first = await system.gateway.ask(command, actor="kari@fjordregnskap.example")
    assert first.result["new"] == []  # type: ignore[union-attr]


async def test_the_example_gateway_of_the_readme_works(system: System) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLE),
        env=os.environ | system.stack.assignments(),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    assert b"OrganizationRegistered.v1" in printed
    assert b"CommandSucceeded.v1" in printed
    assert len(EXAMPLE.read_text("utf-8").splitlines()) < 60


async def test_what_is_posted_in_visma_arrives_long_before_the_next_look(system: System) -> None:
    everything = {"accountflow.every_organization": "on"}
    worker = await asyncpg.connect(system.stack.databases["sync-worker"], server_settings=everything)
    try:
        number, year, period = await worker.fetchrow(_NEWEST_PERIOD, system.walk().organization_id)
        line = {"accountNo": 1920, "year": year, "period": period, "postedAmountDomestic": "0.00", "text": "Posted and notified"}
        async with httpx.AsyncClient(base_url=system.stack.urls["visma-simulator"]) as simulator:
            (await simulator.post("/_control/ledger", json={"company": number, "action": "add", "row": line})).raise_for_status()
        await probe(lambda: worker.fetchval("SELECT true FROM sync.ledger_line WHERE text = $1", line["text"]), within=60)
    finally:
        await worker.close()


async def test_an_id_that_another_organisation_takes_over_brings_nothing_more_until_it_is_back(system: System) -> None:
    ours, theirs = system.walk().organization_id, uuid4()
    gateway, ids = system.gateway, {"visma_customer_ids": "12345"}
    succeeded(await gateway.ask(RegisterOrganization(organization_id=theirs, name="Overtakeren AS"), actor=STRANGER))
    succeeded(await gateway.ask(RemoveVismaCustomerId(organization_id=ours, visma_customer_id=12345), actor=KARI))
    succeeded(await gateway.ask(RegisterVismaCustomerIds(organization_id=theirs, **ids), actor=STRANGER))
    stopped = await gateway.until(
        lambda screens: screens.attention if len({each.company_id for each in screens.attention}) == 3 else None, "what needs consent"
    )
    assert {(each.status, each.reason) for each in stopped} == {(SyncStatus.NEEDS_CONSENT, "visma_customer_id_given_up")}
    everything = {"accountflow.every_organization": "on"}
    worker = await asyncpg.connect(system.stack.databases["sync-worker"], server_settings=everything)
    try:
        number, year, period = await worker.fetchrow(_NEWEST_PERIOD, ours)
        line = {"accountNo": 1920, "year": year, "period": period, "postedAmountDomestic": "0.00", "text": "Posted by another"}
        async with httpx.AsyncClient(base_url=system.stack.urls["visma-simulator"]) as simulator:
            (await simulator.post("/_control/ledger", json={"company": number, "action": "add", "row": line})).raise_for_status()
        refused = await gateway.ask(RetrySync(company_id=stopped[0].company_id, organization_id=ours), actor=KARI)
        assert isinstance(refused, CommandRejected)
        assert refused.code == "visma_customer_id_given_up"
        landed = "SELECT true FROM sync.ledger_line WHERE text = $1"
        assert await worker.fetchval(landed, line["text"]) is None
        succeeded(await gateway.ask(RemoveVismaCustomerId(organization_id=theirs, visma_customer_id=12345), actor=STRANGER))
        succeeded(await gateway.ask(RegisterVismaCustomerIds(organization_id=ours, **ids), actor=KARI))
        await probe(lambda: worker.fetchval(landed, line["text"]), within=60)
    finally:
        await worker.close()


def succeeded(outcome: CommandSucceeded | CommandRejected) -> None:
    assert isinstance(outcome, CommandSucceeded), outcome


async def test_every_service_is_rebuilt_from_its_topics_and_equals_the_live_one(system: System) -> None:
    asked = [opsctl(system, "prove-replay", service, "--shadow", "--json") for service in sorted(SERVICES)]
    answers = [orjson.loads(printed) for printed in await asyncio.gather(*asked)]
    assert {answer["service"]: (answer["state"], answer["error"]) for answer in answers} == dict.fromkeys(SERVICES, ("done", None))
    whole = {answer["service"] for answer in answers if answer["summary"]["not_compared"] == []}
    assert whole == {"org-service", "company-service"}
    rows = {name: counted["rows"] for answer in answers for name, counted in answer["summary"]["tables"].items()}
    assert rows["company.company"] == rows["sync.company"] > 0
    assert rows["connector.connection"] > 0


_NEWEST_PERIOD = """
SELECT c.visma_company_id, l.year, l.period FROM sync.ledger_line l JOIN sync.company c USING (company_id)
WHERE c.organization_id = $1 ORDER BY l.voucher_date DESC LIMIT 1
"""


async def opsctl(system: System, *arguments: str) -> bytes:
    """What opsctl prints, with the settings that `make up` writes for it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "opsctl", *arguments, env={**os.environ, **system.stack.operator()}, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed
    return printed


def progress_of(system: System, company: UUID) -> list[SyncProgressed]:
    """Every report of progress with the ledger lines of a company, in order."""
    reports = [
        SyncProgressed.model_validate_json(record.value)
        for record in system.gateway.records
        if read(record.headers).type == SyncProgressed.TYPE
    ]
    return [report for report in reports if report.company_id == company and report.data_set is DataSet.LEDGER_LINES]


async def totals_of_the_simulator(system: System, names: dict[int, str]) -> dict[tuple[str, int, int, int], Decimal]:
    """What the simulator's own books say, per company, year, period and account."""
    found: dict[tuple[str, int, int, int], Decimal] = {}
    async with httpx.AsyncClient(base_url=system.stack.urls["visma-simulator"]) as client:
        for number, name in names.items():
            (facts,) = (await client.get("/_control/companies", params={"company": number})).json()
            for total in facts["totals"]:
                found[name, total["year"], total["period"], total["accountNo"]] = Decimal(str(total["sum"]))
    return found
