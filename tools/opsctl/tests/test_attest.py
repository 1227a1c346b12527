"""`attest` over the databases of all services: what of an organisation is with another is found, whichever of the two is asked about."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from typer.testing import CliRunner

from company_service.__main__ import PROGRAM as COMPANY_SERVICE
from contracts.cloudevents import Headers
from eventing.record import Record
from local_stack import provision
from local_stack.postgres import PostgresAddress
from opsctl.attest import crosses
from opsctl.cli import cli
from org_service.__main__ import PROGRAM as ORG_SERVICE
from servicekit.migrations import migrate
from servicekit.service import Program
from sync_worker.__main__ import PROGRAM as SYNC_WORKER
from testkit.databases import Templates
from visma_connector.__main__ import PROGRAM as VISMA_CONNECTOR

pytestmark = pytest.mark.servers

PROGRAMS: dict[str, Program] = {program.name: program for program in (ORG_SERVICE, COMPANY_SERVICE, VISMA_CONNECTOR, SYNC_WORKER)}
OURS, THEIRS = UUID(int=1), UUID(int=2)
BAKERY, BUILDER, GROUP = UUID(int=11), UUID(int=22), UUID(int=222)

FORM = "'Bakeri', '', '999888777', 'month', 1, '2026-01-01', 'kari', 'two_monthly', '{}', 'kari', now()"
MEMBERS = f"""
INSERT INTO tenancy.organization VALUES ('{OURS}', 'Fjord'), ('{THEIRS}', 'Fjell');
INSERT INTO tenancy.member VALUES ('{OURS}', 'kari', 'Kari', 'accountant'), ('{THEIRS}', 'ola', 'Ola', 'reader');
"""
ROWS = {
    "org-service": f"INSERT INTO org.visma_customer_id VALUES (12345, '{OURS}', 'kari', now()), (67890, '{THEIRS}', 'ola', now());",
    "company-service": f"""
        INSERT INTO company.visma_customer VALUES ('{OURS}', 12345, true, true), ('{THEIRS}', 67890, true, true);
        INSERT INTO company.company
        VALUES ('{BAKERY}', '{OURS}', 12345, 7100001, {FORM}), ('{BUILDER}', '{THEIRS}', 67890, 7100001, {FORM});
        INSERT INTO company.company_group VALUES ('{GROUP}', '{THEIRS}', 'Bygg', 'bygg', 'ola', now());
        INSERT INTO company.company_in_group VALUES ('{BUILDER}', '{GROUP}');
        INSERT INTO company.listed_company VALUES ('{OURS}', 7100001, 12345, 'Bakeri', NULL, true, NULL, true, '{BAKERY}');
    """,
    "visma-connector": f"""
        INSERT INTO connector.connection (organization_id, visma_customer_id, due_at, asks, correlation_id)
        VALUES ('{OURS}', 12345, now(), 1, 'c'), ('{THEIRS}', 67890, now(), 1, 'c');
        INSERT INTO connector.company VALUES ('{OURS}', 12345, 7100001, 'Bakeri', NULL, true, NULL);
        INSERT INTO connector.data_change VALUES ('{OURS}', 12345, 7100001, 'customers', 'updated', now());
        INSERT INTO connector.delivery VALUES ('{OURS}', 'd', now());
    """,
    "sync-worker": f"""
        INSERT INTO sync.company (company_id, organization_id, visma_customer_id, visma_company_id, organisation_number, period_type,
                                  financial_year_start_month, reconciliation_start, modules, created_at)
        VALUES ('{BAKERY}', '{OURS}', 12345, 7100001, '999888777', 'month', 1, '2026-01-01', '{{}}', now()),
               ('{BUILDER}', '{THEIRS}', 67890, 7100001, '999888777', 'month', 1, '2026-01-01', '{{}}', now());
    """,
}


def waiting(topic: str, key: UUID, *, of: UUID, says: UUID) -> str:
    return (
        "INSERT INTO eventing.outbox (topic, key, header_names, header_values, value) VALUES"
        f" ('{topic}', '{key}', '{{ce_organizationid}}', ARRAY['{of}'::bytea], '{{\"organization_id\": \"{says}\"}}')"
    )


@dataclass(frozen=True)
class Crossing:
    """A statement that puts something of one organisation with the other, what takes it back, and where it is found."""

    service: str
    planted: str
    undone: str
    found: frozenset[tuple[str, str]]


def crossing(service: str, planted: str, undone: str, *places: str) -> Crossing:
    return Crossing(service, planted, undone, frozenset((service, place) for place in places))


UNSENT = "DELETE FROM eventing.outbox"
CROSSINGS = {
    "an event of an organisation about another": crossing(
        "org-service", waiting("org-events", OURS, of=OURS, says=THEIRS), UNSENT, "eventing.outbox"
    ),
    "an event under another's key": crossing(
        "visma-connector", waiting("visma-changes", OURS, of=THEIRS, says=THEIRS), UNSENT, "eventing.outbox"
    ),
    "an event about another's company": crossing(
        "company-service", waiting("company-events", BUILDER, of=OURS, says=OURS), UNSENT, "eventing.outbox"
    ),
    "a company in another's group": crossing(
        "company-service",
        f"INSERT INTO company.company_in_group VALUES ('{BAKERY}', '{GROUP}')",
        f"DELETE FROM company.company_in_group WHERE company_id = '{BAKERY}'",
        "company.company_in_group",
    ),
    "a company from another's list": crossing(
        "company-service",
        f"UPDATE company.listed_company SET added_as = '{BUILDER}'",
        f"UPDATE company.listed_company SET added_as = '{BAKERY}'",
        "company.listed_company",
    ),
    "an ID registered twice": crossing(
        "company-service",
        f"INSERT INTO company.visma_customer VALUES ('{THEIRS}', 12345, true, true)",
        f"DELETE FROM company.visma_customer WHERE organization_id = '{THEIRS}' AND visma_customer_id = 12345",
        "company.visma_customer",
    ),
    "an item of another's company": crossing(
        "sync-worker",
        "INSERT INTO sync.work_item (organization_id, company_id, source, data_set, rank, next_attempt_at, correlation_id)"
        f" VALUES ('{THEIRS}', '{BAKERY}', 'visma', 'customers', 1, now(), 'c')",
        "DELETE FROM sync.work_item",
        "sync.work_item",
    ),
}


@dataclass
class Databases:
    """Two organisations in the databases of all services, and an operator who may look at them."""

    owners: dict[str, str]
    operators: dict[str, str]

    async def execute(self, service: str, statement: str) -> None:
        connection = await asyncpg.connect(self.owners[service])
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def attest(self, organization: UUID, *services: str) -> tuple[int, Any]:
        environment = {"OPSCTL__KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
        for service in services or self.operators:
            environment[f"OPSCTL__SERVICES__{service.upper().replace('-', '_')}__POSTGRES__DSN"] = self.operators[service]
        command = ["attest", str(organization), "--no-stream", "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, cli, command, env=environment)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.exit_code, orjson.loads(result.stdout)

    async def off(self, organization: UUID) -> set[tuple[str, str]]:
        """Where something is off, if the exit status says so, too."""
        status, answer = await self.attest(organization)
        found = {(each["service"], each["place"]) for each in answer["held"] if each["crossing"]}
        assert status == bool(found) == (not answer["holds"])
        return found


@pytest.fixture(scope="module")
async def databases(database_templates: Templates, postgres: PostgresAddress) -> AsyncIterator[Databases]:
    role = f"operator_{uuid4().hex[:8]}"
    found = Databases({}, {})
    for name, program in PROGRAMS.items():

        async def migrated(dsn: str, program: Program = program) -> None:
            await migrate(dsn, program.migration_sets())

        found.owners[name] = dsn = await database_templates.clone(name.replace("-", "_"), migrated)
        found.operators[name] = postgres.database(dsn.rpartition("/")[2], role, "secret")
        await provision.admit_operator(postgres, found.operators[name], owner=dsn)
        await found.execute(name, MEMBERS + ROWS[name])
    yield found
    for dsn in found.owners.values():
        await database_templates.drop(dsn)
    connection = await postgres.connect()
    await connection.execute(f"DROP ROLE {role}")
    await connection.close()


async def test_rows_of_every_service_are_stated(databases: Databases) -> None:
    status, answer = await databases.attest(OURS)
    assert (status, answer["not_looked_at"], answer["companies"]) == (0, [], [str(BAKERY)])
    counts = {(each["service"], each["place"]): each["count"] for each in answer["held"]}
    for service, program in PROGRAMS.items():
        connection = await asyncpg.connect(databases.owners[service])
        rows = await connection.fetch(
            "SELECT table_schema || '.' || table_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE column_name = 'organization_id' AND table_type = 'BASE TABLE'"
            " AND table_schema IN ('tenancy', $1)",
            program.schema,
        )
        await connection.close()
        assert {place for name, place in counts if name == service} >= {"eventing.outbox", *(row[0] for row in rows)}
        assert counts[service, "tenancy.member"] == 1
    assert counts["org-service", "org.visma_customer_id"] == counts["visma-connector", "connector.data_change"] == 1
    assert counts["company-service", "company.company"] == counts["sync-worker", "sync.company"] == 1


@pytest.mark.parametrize("name", CROSSINGS)
async def test_what_crosses_is_found_from_both_sides(databases: Databases, name: str) -> None:
    planted = CROSSINGS[name]
    await databases.execute(planted.service, planted.planted)
    try:
        assert await databases.off(OURS) == planted.found
        assert await databases.off(THEIRS) == planted.found
    finally:
        await databases.execute(planted.service, planted.undone)
    assert await databases.off(OURS) == await databases.off(THEIRS) == set()


async def test_a_visma_customer_that_two_are_connected_to_is_found(databases: Databases) -> None:
    await databases.execute(
        "visma-connector",
        "INSERT INTO connector.connection (organization_id, visma_customer_id, due_at, asks, correlation_id)"
        f" VALUES ('{THEIRS}', 12345, now(), 1, 'c')",
    )
    of_ours = {("visma-connector", f"connector.{table}") for table in ("connection", "company", "data_change")}
    assert await databases.off(OURS) == of_ours
    assert await databases.off(THEIRS) == {("visma-connector", "connector.connection")}
    await databases.execute(
        "visma-connector", f"DELETE FROM connector.connection WHERE organization_id = '{THEIRS}' AND asks = 1 AND visma_customer_id = 12345"
    )


async def test_a_claim_of_nobody_is_found(databases: Databases) -> None:
    stranger = uuid4()
    await databases.execute("org-service", f"INSERT INTO org.visma_customer_id VALUES (1, '{stranger}', 'per', now())")
    assert await databases.off(stranger) == {("org-service", "org.visma_customer_id")}


async def test_a_company_that_is_with_another_organisation_in_another_service_is_found(databases: Databases) -> None:
    move = f"UPDATE company.company SET organization_id = '{{}}' WHERE company_id = '{BAKERY}'"
    await databases.execute("company-service", move.format(THEIRS).replace("SET", "SET visma_company_id = 7100002,"))
    assert ("sync-worker", "companies that are with another organisation in company-service") in await databases.off(OURS)
    assert ("company-service", "company.company") in await databases.off(THEIRS)
    await databases.execute("company-service", move.format(OURS))


async def test_services_that_the_settings_do_not_name_are_named(databases: Databases) -> None:
    status, answer = await databases.attest(OURS, "sync-worker", "org-service")
    assert (status, answer["not_looked_at"]) == (0, ["company-service", "visma-connector"])


@pytest.mark.parametrize("table", ["org.visma_customer_id", "company.company", "connector.connection", "sync.company"])
async def test_operators_read_figures_and_no_rows(databases: Databases, table: str) -> None:
    [service] = [program.name for program in PROGRAMS.values() if program.schema == table.partition(".")[0]]
    connection = await asyncpg.connect(databases.operators[service])
    try:
        for statement in (f"SELECT * FROM {table}", "SELECT * FROM tenancy.member", "CREATE TABLE operators.mine ()"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


def told(key: UUID, *, of: UUID, says: str) -> Record:
    headers: Headers = [("ce_organizationid", str(of).encode())]
    return Record("company-events", 0, 0, 0, str(key).encode(), headers, says.replace("'", '"').encode())


ABOUT = f"{{'organization_id': '{OURS}', 'company_id': '{BAKERY}'}}"
TOLD = {
    "ours": (told(BAKERY, of=OURS, says=ABOUT), False),
    "of the organisation itself": (told(OURS, of=OURS, says=f"{{'organization_id': '{OURS}'}}"), False),
    "theirs": (told(BUILDER, of=THEIRS, says=f"{{'organization_id': '{THEIRS}', 'company_id': '{BUILDER}'}}"), None),
    "their header": (told(BAKERY, of=THEIRS, says=ABOUT), True),
    "their content": (told(BAKERY, of=OURS, says=ABOUT.replace(str(OURS), str(THEIRS))), True),
    "their company": (told(BUILDER, of=OURS, says=ABOUT.replace(str(BAKERY), str(BUILDER))), True),
    "their key": (told(BUILDER, of=OURS, says=ABOUT), True),
    "our key": (told(BAKERY, of=THEIRS, says=f"{{'organization_id': '{THEIRS}', 'company_id': '{BUILDER}'}}"), True),
    "our organisation as key": (told(OURS, of=THEIRS, says=f"{{'organization_id': '{THEIRS}'}}"), True),
    "no content": (told(BAKERY, of=OURS, says=""), True),
    "not text": (told(BAKERY, of=OURS, says=f"{{'organization_id': ['{OURS}'], 'company_id': {{}}}}"), True),
}


@pytest.mark.parametrize("what", TOLD)
def test_what_a_message_says_of_itself_is_held_against_its_key_and_content(what: str) -> None:
    record, verdict = TOLD[what]
    assert crosses(record, str(OURS), {str(BAKERY)}) is verdict
