"""One trace leads from each command to the last page: four services, their simulators, and nothing of a person on the way."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

import company_service.__main__
import org_service.__main__
import sync_worker.__main__
import visma_connector.__main__
from contracts.company import AddVismaCompany
from contracts.org import RegisterOrganization, RegisterVismaCustomerIds
from contracts.results import CommandSucceeded
from contracts.sync import SyncCompleted
from contracts.visma import VismaCompaniesListed
from servicekit.migrations import MigrationSet, migrate
from servicekit.service import Program, serve
from skatteetaten_simulator import keys
from skatteetaten_simulator import server as skatteetaten
from testkit.databases import DatabaseFactory
from testkit.gateway import Gateway, gateway
from testkit.patience import patient
from testkit.topics import OwnTopics
from testkit.tracing import Spans
from visma_simulator import scenario
from visma_simulator import server as visma
from visma_simulator.app import GRAPHQL_PATH, TOKEN_PATH, build_app

pytestmark = pytest.mark.long

PROGRAMS: tuple[Program, ...] = (
    org_service.__main__.PROGRAM,
    company_service.__main__.PROGRAM,
    visma_connector.__main__.PROGRAM,
    sync_worker.__main__.PROGRAM,
)
KARI, SECRET = "kari@fjordregnskap.example", "the-secret-of-the-test"
THIS_YEAR = datetime.now(UTC).year
BAKERY = {"number": 7100001, "name": "Lyngen Bakeri AS", "lines": 300, "first_year": THIS_YEAR}
SCENARIO = {
    "clients": [{"id": "isv_accountflow", "secret": SECRET}],
    "customers": [{"number": 12345, "name": "Fjordregnskap AS", "companies": [BAKERY]}],
}


@dataclass(frozen=True)
class Firm:
    """The four services in this process, and the gateway of an accounting firm, whose commands carry trace contexts."""

    gateway: Gateway
    id: Any

    async def command(self, command: Any) -> str:
        """Send a command, see it succeed; gives the id of its trace."""
        trace_id = uuid4().hex
        sent = await self.gateway.command(command, actor=KARI, traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
        (outcome,) = await self.gateway.outcomes(sent)
        assert isinstance(outcome, CommandSucceeded), outcome
        return trace_id


@pytest.fixture
async def firm(topics: OwnTopics, database: DatabaseFactory, spans: Spans) -> AsyncIterator[Firm]:
    stop, key = asyncio.Event(), keys.new_key()
    async with AsyncExitStack() as exits:
        url = exits.enter_context(visma.running(build_app(scenario.read(SCENARIO))))
        client = keys.RegisteredClient("accountflow-test", "test-1", key.public_key())
        world = await exits.enter_async_context(skatteetaten.running([client]))
        budget = await database("visma_budget", _migrate_budget)
        own = {
            "visma": {
                "budget": {"dsn": budget},
                "token_url": url + TOKEN_PATH,
                "graphql_url": url + GRAPHQL_PATH,
                "client_id": "isv_accountflow",
                "client_secret": SECRET,
                "page_size": 50,
                "burst": 1,
                "requests_per_minute": 240,  # slower than eight workers ask, however busy the machine is
            },
            "skatteetaten": {
                "maskinporten": {
                    "issuer": world.addresses.issuer,
                    "token_url": world.addresses.token_url,
                    "client_id": "accountflow-test",
                    "key_id": "test-1",
                    "private_key": keys.pem(key).decode(),
                },
                "a07": {"base_url": world.addresses.a07_base_url},
            },
        }
        for program in PROGRAMS:
            dsn = await database(program.name.replace("-", "_"), lambda dsn, program=program: _migrate(dsn, program))
            kafka = {"bootstrap_servers": topics.bootstrap_servers, "topic_prefix": topics.prefix}
            settings = program.settings(
                kafka=kafka, postgres={"dsn": dsn}, **{name: group for name, group in own.items() if name in program.settings.model_fields}
            )
            exits.push_async_callback(asyncio.wait_for, asyncio.create_task(serve(program, settings, stop)), 30)
        exits.callback(stop.set)
        yield Firm(await exits.enter_async_context(gateway(topics)), uuid4())


async def _migrate_budget(dsn: str) -> None:
    await migrate(dsn, [MigrationSet.of_package("budget", "visma_nxt")])


async def _migrate(dsn: str, program: Program) -> None:
    await migrate(dsn, program.migration_sets())


async def test_one_trace_leads_from_a_command_to_the_last_page(firm: Firm, spans: Spans) -> None:
    await firm.command(RegisterOrganization(organization_id=firm.id, name="Fjordregnskap AS"))
    registered = await firm.command(RegisterVismaCustomerIds(organization_id=firm.id, visma_customer_ids="12345"))
    (listed,) = await firm.gateway.published(VismaCompaniesListed)
    (company,) = listed.companies
    added = await firm.command(
        AddVismaCompany(
            company_id=uuid4(),
            organization_id=firm.id,
            visma_company_id=company.visma_company_id,
            name=company.name,
            organisation_number=company.organisation_number or "",
            period_type="quarter",
            reconciliation_start=f"{THIS_YEAR}-01-01",
            responsible_user=KARI,
            vat_frequency="toMaaned",
            modules=["payroll"],
        )
    )
    await firm.gateway.published(SyncCompleted, within=60)

    probed = await _trace(spans, registered, "process visma-connector-events")
    assert _way(probed, _named(probed, "process visma-connector-events")) == [
        "process org-commands",
        "send org-events",
        "process org-events",
        "probe",
        "send visma-connector-events",
        "process visma-connector-events",
    ]
    trace = await _trace(spans, added, "send sync-events", until=SyncCompleted.TYPE)
    last = next(span for span in trace.values() if (span.attributes or {}).get("cloudevents.event_type") == SyncCompleted.TYPE)
    way = _way(trace, last)
    assert way[:5] == ["process company-commands", "send company-events", "process company-events", "retrieve accounting_periods", way[4]]
    assert re.fullmatch(r"retrieve \w+", way[4])
    assert way[5:] == ["send sync-events"]
    requests = [span for span in trace.values() if span.kind is SpanKind.CLIENT]
    pages = [span for span in requests if _way(trace, span)[-3:] == ["retrieve ledger_lines", "query GeneralLedgerTransactionRows", "POST"]]
    assert len(pages) >= 300 / 50
    assert any(_way(trace, span)[-2:] == ["retrieve a07_reports", "GET /v1/{organisation_number}/{month}"] for span in requests)
    assert any(event.name == "rate limit" for span in trace.values() for event in span.events)

    told = "".join(span.to_json() for span in spans())
    for private in (KARI, SECRET, company.name, company.organisation_number or "?", "Bearer", "eyJ"):
        assert private not in told


async def _trace(spans: Spans, trace_id: str, name: str, *, until: str | None = None) -> dict[str, ReadableSpan]:
    """The spans of a trace by their ids, as soon as the one that is looked for has ended."""
    async with asyncio.timeout(patient(20)):
        while True:
            found = {_id(span): span for span in spans() if span.context and format_trace_id(span.context.trace_id) == trace_id}
            if any(span.name == name and until in {None, (span.attributes or {}).get("cloudevents.event_type")} for span in found.values()):
                return found
            await asyncio.sleep(0.05)


def _named(trace: dict[str, ReadableSpan], name: str) -> ReadableSpan:
    return next(span for span in trace.values() if span.name == name)


def _way(trace: dict[str, ReadableSpan], span: ReadableSpan) -> list[str]:
    """The names from the first span, whose parent is the gateway's, to this one."""
    names = [span.name]
    while span.parent is not None and format_span_id(span.parent.span_id) in trace:
        span = trace[format_span_id(span.parent.span_id)]
        names.insert(0, span.name)
    assert span.parent is not None
    assert format_span_id(span.parent.span_id) == "00f067aa0ba902b7"
    return names


def _id(span: ReadableSpan) -> str:
    assert span.context is not None
    return format_span_id(span.context.span_id)
