"""Kafka, PostgreSQL, Visma or Skatteetaten away for twenty seconds, at the start or in the middle: everything goes on by itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.company import AddVismaCompany, Module, PeriodType
from contracts.org import RegisterOrganization, RegisterVismaCustomerIds
from contracts.results import CommandSucceeded
from contracts.sync import RETIRED, DataSet, SyncProgressed
from contracts.visma import VismaCompaniesListed
from demo import proofs
from demo.gateway import Gateway, gateway
from local_stack.ladder import kafka_address
from local_stack.ports import free_port
from local_stack.programs import PROGRAMS, Program, Surroundings
from local_stack.stack import LocalStack
from local_stack.throwaway import throwaway_folder
from testkit.own_servers import OwnKafka, OwnPostgres, module_postgres, protected_kafka
from testkit.proxy import Proxy

pytestmark = [pytest.mark.long, pytest.mark.background]  # the proxies of the module

AWAY_SECONDS = 20
SIMULATORS = ("visma-simulator", "skatteetaten-simulator")
CUSTOMERS = {"kafka": 101, "postgres": 102, "visma-simulator": 103, "skatteetaten-simulator": 104}
SCENARIO = {
    "clients": [{"id": "isv_accountflow", "secret": "simulator-secret"}],
    "customers": [
        {"number": number, "name": f"{name} AS", "companies": [{"number": 7000000 + number, "name": f"{name} AS", "lines": 2500}]}
        for name, number in CUSTOMERS.items()
    ],
}


@dataclass
class Weather:
    """A system whose every server is behind a proxy, and a gateway that is not."""

    proxies: Mapping[str, Proxy]
    stack: LocalStack
    gateway: Gateway

    async def away(self, name: str) -> None:
        """Refuse the server for twenty seconds."""
        await self.proxies[name].refuse()
        await asyncio.sleep(AWAY_SECONDS)
        answers = await self._health()
        await self.proxies[name].restore()
        assert {live for live, _ in answers} == {200}
        assert {ready for _, ready in answers} == {503 if name in ("kafka", "postgres") else 200}

    async def _health(self) -> list[tuple[int, int]]:
        """Status of `/livez` and `/readyz` of each service."""
        async with httpx.AsyncClient(timeout=5) as client:
            ready = [part.ready_url for part in self.stack.parts if part.ready_url and part.ready_url.endswith("/readyz")]
            return [
                ((await client.get(url.replace("/readyz", "/livez"))).status_code, (await client.get(url)).status_code) for url in ready
            ]


@pytest.fixture(scope="module")
async def weather(protected_kafka: OwnKafka, module_postgres: OwnPostgres) -> AsyncIterator[Weather]:
    """A system that was started while all four servers were away for its first twenty seconds."""
    await module_postgres.server.start()
    ports = {name: free_port() for name in SIMULATORS}
    proxies = {
        "kafka": protected_kafka.proxy,
        "postgres": module_postgres.proxy,
        **{name: Proxy(port) for name, port in ports.items()},
    }

    async def clear_up() -> None:
        await asyncio.sleep(AWAY_SECONDS)
        for proxy in proxies.values():
            await proxy.restore()

    with throwaway_folder() as folder, pytest.MonkeyPatch.context() as environment:
        (folder / "ports.json").write_text(json.dumps(ports))
        (folder / "scenario.json").write_text(json.dumps(SCENARIO))
        environment.setenv("ACCOUNTFLOW_KAFKA", kafka_address(protected_kafka.server.administrator))
        environment.setenv("ACCOUNTFLOW_POSTGRES", module_postgres.server.address.dsn)
        programs = [behind(proxies, program, folder / "scenario.json") for program in PROGRAMS]
        clearing = asyncio.create_task(clear_up())
        async with (
            LocalStack(folder, programs=programs, durable=False, ready_within=90) as stack,
            gateway(stack.clients["ui-gateway"], beside=stack.clients["operators"]) as connected,
        ):
            await clearing
            yield Weather(proxies, stack, connected)
        for proxy in proxies.values():
            await proxy.refuse()


def behind(proxies: Mapping[str, Proxy], program: Program, scenario: Path) -> Program:
    """The program, with every server's address replaced by its proxy's."""

    def environment(around: Surroundings) -> Mapping[str, str]:
        urls = {**around.urls, **{name: f"http://{proxies[name].address}" for name in SIMULATORS}}
        databases = {name: through(proxies["postgres"], dsn) for name, dsn in around.databases.items()}
        return {
            **program.environment(replace(around, urls=urls, databases=databases)),
            **({"KAFKA__BOOTSTRAP_SERVERS": proxies["kafka"].address} if program.owns_database else {}),
        }

    more = {
        "visma-simulator": ("--scenario", str(scenario), "--latency-ms", "150"),
        "skatteetaten-simulator": ("--public-url", f"http://{proxies['skatteetaten-simulator'].address}"),
    }
    if program.name in more:
        return replace(program, arguments=lambda around: (*program.arguments(around), *more[program.name]))
    return replace(program, environment=environment)


def through(proxy: Proxy, dsn: str) -> str:
    before, _, after = dsn.rpartition("@")
    return f"{before}@{proxy.address}/{after.partition('/')[2]}"


async def test_services_wait_for_their_servers_at_the_start(weather: Weather) -> None:
    assert {part.name: weather.stack.restarts(part.name) for part in weather.stack.parts if part.name.endswith(("service", "worker"))} == {
        "org-service": 0,
        "company-service": 0,
        "sync-worker": 0,
    }


@pytest.mark.parametrize("server", CUSTOMERS)
async def test_a_server_away_in_the_middle_delays_and_loses_nothing(weather: Weather, server: str) -> None:
    company = await a_company(weather.gateway, CUSTOMERS[server])
    data_set = DataSet.A07_REPORTS if server == "skatteetaten-simulator" else DataSet.LEDGER_LINES

    def is_under_way(progress: Mapping[tuple[UUID, DataSet], SyncProgressed]) -> bool:
        return (company, data_set) in progress and progress[company, data_set].rows > 0

    await weather.gateway.until(lambda screens: is_under_way(screens.progress), f"the first {data_set}")
    await weather.away(server)
    assert company not in weather.gateway.screens.completed or server == "skatteetaten-simulator"
    await weather.gateway.until(lambda screens: company in screens.completed or screens.attention, "completion", within=90)
    assert weather.gateway.screens.attention == []
    completed = weather.gateway.screens.completed[company]
    table = await proofs.rows(weather.stack.databases["sync-worker"], {company: server}, {company: completed})
    assert [row for row in table if not row.proven] == []
    assert {row.totals.data_set for row in table} == set(DataSet) - RETIRED
    assert all(weather.stack.restarts(part.name) == 0 for part in weather.stack.parts)


async def a_company(gateway: Gateway, visma_customer_id: int) -> UUID:
    organization, company, actor = uuid4(), uuid4(), "kari@example.no"
    await succeed(gateway, RegisterOrganization(organization_id=organization, name="Regnskap AS"), actor)
    await succeed(gateway, RegisterVismaCustomerIds(organization_id=organization, visma_customer_ids=f"{visma_customer_id}"), actor)
    listed = await gateway.until(
        lambda screens: next(
            (seen for seen in screens.seen if isinstance(seen, VismaCompaniesListed) and seen.visma_customer_id == visma_customer_id), None
        ),
        "the list of companies",
    )
    form = AddVismaCompany(
        company_id=company,
        organization_id=organization,
        visma_company_id=listed.companies[0].visma_company_id,
        name=listed.companies[0].name,
        organisation_number=listed.companies[0].organisation_number or "",
        period_type=PeriodType.MONTH,
        reconciliation_start=(datetime.now(UTC) - timedelta(days=270)).strftime("%Y-%m-01"),
        responsible_user=actor,
        modules=list(Module),
    )
    await succeed(gateway, form, actor)
    return company


async def succeed(gateway: Gateway, command: RegisterOrganization | RegisterVismaCustomerIds | AddVismaCompany, actor: str) -> None:
    outcome = await gateway.ask(command, actor=actor)
    assert isinstance(outcome, CommandSucceeded), outcome


__all__ = ["module_postgres", "protected_kafka"]
