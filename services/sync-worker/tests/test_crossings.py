"""Two organisations with the same numbers in their books, and whatever may happen to them: nothing of one is with the other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from contracts.company import Module, ModulesChanged, ReconciliationStartChanged
from contracts.sync import DataSet, PauseSync, RefetchPeriods, RepublishPeriods, ResumeSync, SyncCompleted
from contracts.visma import ChangeKind, DataSetChange, VismaDataChanged
from local_stack import provision
from local_stack.postgres import PostgresAddress
from opsctl.cli import cli
from testkit.probe import probe

from .conftest import BAKERY, BUILDER, CUSTOMER, RESTAURANT, months_back

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

OF_ORGANIZATIONS = "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'sync' AND column_name = 'organization_id'"
ALL = [Module.PAYROLL, Module.VAT, Module.ASSETS]
CHANGED = [6900, 1920]
"""Accounts of the lines that are changed, of which the last change may not have been looked at yet."""
Step = Callable[[Any, UUID], Awaitable[None]]


def command(kind: type[Any], **about: Any) -> Step:
    async def give(bench: Any, company_id: UUID) -> None:
        said = kind(company_id=company_id, organization_id=bench.created[company_id].organization_id, **about)
        bench.organization_id = said.organization_id
        await bench.gateway.command(said, actor="kari")

    return give


def event(kind: type[Any], **about: Any) -> Step:
    async def publish(bench: Any, company_id: UUID) -> None:
        bench.organization_id = bench.created[company_id].organization_id
        await bench.change(kind, company_id, **about)

    return publish


async def a_line_is_changed_and_told(bench: Any, company_id: UUID) -> None:
    company = bench.created[company_id]
    for line, amount in ((1, "77.70"), (2, "-77.70")):
        key = {"voucherJournalNo": 990001, "auditNo": line}
        await bench.visma.change_ledger(company.visma_company_id, "change", {**key, "postedAmountDomestic": amount})
    changed = VismaDataChanged(
        organization_id=company.organization_id,
        visma_customer_id=CUSTOMER,
        visma_company_id=company.visma_company_id,
        changes=[DataSetChange(data_set=DataSet.LEDGER_LINES, kind=ChangeKind.UPDATED)],
        noticed_at=datetime.now(UTC),
    )
    await bench.gateway.event(changed, source="/visma-connector")


STEPS: dict[str, Step] = {
    "more modules": event(ModulesChanged, added=ALL, removed=[], modules=ALL),
    "fewer modules": event(ModulesChanged, added=[], removed=ALL, modules=[]),
    "earlier start": event(ReconciliationStartChanged, before=1, after=3),
    "later start": event(ReconciliationStartChanged, before=1, after=0),
    "pause": command(PauseSync),
    "resume": command(ResumeSync),
    "refetched": command(RefetchPeriods, data_sets=[DataSet.LEDGER_LINES]),
    "published again": command(RepublishPeriods),
    "changed and told": a_line_is_changed_and_told,
}


@pytest.fixture
async def role(postgres: PostgresAddress) -> AsyncIterator[str]:
    """The name of an operator. Ask for it before the database, in which it must have no rights left when it goes."""
    name = f"operator_{uuid4().hex[:8]}"
    yield name
    connection = await postgres.connect()
    await connection.execute(f"DROP ROLE {name}")
    await connection.close()


@pytest.fixture
async def operator(role: str, bench: Any, postgres: PostgresAddress) -> str:
    """Who may look at everything with opsctl."""
    address = postgres.database(bench.dsn.rpartition("/")[2], role, "secret")
    await provision.admit_operator(postgres, address, owner=bench.dsn)
    return address


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(
    numbers=st.permutations([BAKERY, BUILDER, RESTAURANT]),
    steps=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from([0, 1])), min_size=4, max_size=8),
)
async def test_nothing_crosses_whatever_happens(
    role: str, bench: Any, operator: str, numbers: list[int], steps: list[tuple[str, int]]
) -> None:
    """Each example adds two organisations to those that are there, and to their Visma companies."""
    del role
    async with bench.worker():
        companies = [await somebody_retrieves(bench, number) for number in numbers[:2]]
        for name, which in steps:
            await STEPS[name](bench, companies[which])
        for company_id in companies:
            await STEPS["resume"](bench, company_id)
        await probe(lambda: at_rest(bench, companies), within=60, every=0.1)
        for company_id in companies:
            await bench.of(SyncCompleted, company_id)
    whose = {company_id: created.organization_id for company_id, created in bench.created.items()}
    for row in await bench.pool.fetch(OF_ORGANIZATIONS):
        found = await bench.pool.fetch(f"SELECT DISTINCT company_id, organization_id FROM sync.{row['table_name']}")
        assert {tuple(each) for each in found} <= set(whose.items()), row["table_name"]
    for published in bench.gateway.seen:
        told = published.message.model_dump_json()
        for company_id, organization_id in whose.items():
            if str(company_id) in told:
                others = set(map(str, whose.values())) - {str(organization_id)}
                assert str(organization_id) in told or published.attributes.organization_id == organization_id
                assert not [each for each in others if each in told]
    for company_id in companies:
        await is_in_its_own_books(bench, company_id)
        status, answer = await attested(operator, whose[company_id])
        assert (status, answer["holds"]) == (0, True)


async def somebody_retrieves(bench: Any, number: int) -> UUID:
    bench.organization_id = uuid4()
    await bench.hire()
    day = months_back(0)
    about = {"year": day.year, "period": day.month, "voucherNo": 990001, "voucherJournalNo": 990001, "voucherDate": int(f"{day:%Y%m%d}")}
    if number not in {each.visma_company_id for each in bench.created.values()}:
        for line, account, amount in ((1, CHANGED[0], "100.10"), (2, CHANGED[1], "-100.10")):
            await bench.visma.change_ledger(number, "add", {**about, "auditNo": line, "accountNo": account, "postedAmountDomestic": amount})
    company_id: UUID = await bench.create(number, months=1, modules=[Module.PAYROLL])
    return company_id


async def at_rest(bench: Any, companies: list[UUID]) -> bool:
    """Everything is complete, and nothing waits to be published again."""
    asked = """
    SELECT bool_and(i.status = 'complete') AND count(DISTINCT i.company_id) = 2 AND NOT EXISTS (SELECT FROM sync.republication)
    FROM sync.work_item i WHERE i.company_id = ANY($1)"""
    return bool(await bench.pool.fetchval(asked, companies))


async def is_in_its_own_books(bench: Any, company_id: UUID) -> None:
    """The landed lines are those of its own Visma company: other companies have the same accounts and vouchers with other amounts."""
    stated = {
        (each["accountNo"], each["year"], each["period"]): (each["lines"], Decimal(each["sum"]))
        for each in await bench.visma.totals(bench.created[company_id].visma_company_id)
    }
    landed = await bench.pool.fetch(
        "SELECT account_no, year, period, count(*), sum(amount) FROM sync.ledger_line"
        " WHERE company_id = $1 AND account_no <> ALL($2) GROUP BY 1, 2, 3",
        company_id,
        CHANGED,
    )
    assert landed
    assert {tuple(row)[:3]: tuple(row)[3:] for row in landed}.items() <= stated.items()


async def attested(operator: str, organization_id: UUID) -> tuple[int, dict[str, Any]]:
    environment = {"OPSCTL__KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "OPSCTL__SERVICES__SYNC_WORKER__POSTGRES__DSN": operator}
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["attest", str(organization_id), "--no-stream", "--json"], env=environment)
    return result.exit_code, orjson.loads(result.stdout)
