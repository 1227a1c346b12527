"""Visma as the simulator plays it, on a real port behind a proxy that can be cut, and the connector as a whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from contracts.org import MemberAdded, OrganizationRegistered, Role, VismaIdsRegistered
from eventing.outbox import Outbox
from local_stack.ports import free_port
from servicekit.migrations import MigrationSet, migrate
from servicekit.service import serve
from testkit.gateway import Gateway, gateway
from testkit.proxy import Proxy
from testkit.topics import OwnTopics
from visma_connector.__main__ import PROGRAM
from visma_connector.settings import ProbeSettings, Settings, VismaForProbes, WebhookSettings
from visma_nxt import VismaClient
from visma_simulator.app import GRAPHQL_PATH, TOKEN_PATH, build_app
from visma_simulator.scenario import read
from visma_simulator.server import running

CLIENT_KEY, SECRET = "isv_accountflow", "the-secret-of-the-tests"
SCENARIO = {
    "clients": [{"id": CLIENT_KEY, "secret": SECRET}],
    "customers": [
        {
            "number": 12345,
            "name": "Fjordregnskap AS",
            "companies": [
                {"number": 7100001, "name": "Lyngen Bakeri AS", "lines": 100},
                {"number": 7100002, "name": "Brattbakken Bygg AS", "lines": 100},
                {"number": 7100003, "name": "Sjøgata Restaurant AS", "lines": 100, "access": "listed"},
            ],
        },
        {
            "number": 67890,
            "name": "Uaktivert Regnskap AS",
            "activated": False,
            "companies": [{"number": 7300001, "name": "Venter AS", "lines": 100}],
        },
        {"number": 55555, "name": "Tomme Hyller AS"},
        {
            "number": 44444,
            "name": "Lukkede Dører AS",
            "companies": [{"number": 7400001, "name": "Stengt AS", "lines": 100, "access": "listed"}],
        },
    ],
}


@dataclass(frozen=True)
class Visma:
    """The stand-in: `proxy` is the way there for the connector; the rest goes straight to the control endpoint."""

    url: str
    proxy: Proxy
    control: httpx.AsyncClient
    budget_dsn: str

    def settings(self, **changes: Any) -> VismaForProbes:
        return VismaForProbes.model_validate(
            {
                "token_url": f"http://{self.proxy.address}{TOKEN_PATH}",
                "graphql_url": f"http://{self.proxy.address}{GRAPHQL_PATH}",
                "client_id": CLIENT_KEY,
                "client_secret": SECRET,
                "budget": {"dsn": self.budget_dsn},
                "requests_per_minute": 60_000,
                "retry_attempts": 2,
                "backoff": timedelta(milliseconds=5),
            }
            | changes
        )

    async def activate(self, customer: int, *, activated: bool = True) -> None:
        await self._post("grants", {"customer": customer, "activated": activated})

    async def give_access(self, company: int, access: str) -> None:
        await self._post("grants", {"company": company, "access": access})

    async def fault(self, effect: str, **rule: Any) -> None:
        await self._post("faults", {"effect": effect, **rule})

    async def clear_faults(self) -> None:
        (await self.control.delete("/_control/faults")).raise_for_status()

    async def change(self, company: int, action: str, row: object, table: str = "GeneralLedgerTransaction") -> None:
        await self._post("ledger", {"company": company, "action": action, "row": row, "table": table})

    async def subscribe(self, **subscription: Any) -> None:
        await self._post("webhooks", subscription)

    async def deliveries(self) -> list[tuple[int, list[str]]]:
        """Status and faults of each attempt at a webhook."""
        answer = await self.control.get("/_control/requests")
        return [(each["status"], each["faults"]) for each in answer.json()["requests"] if each["endpoint"] == "webhook"]

    async def asked(self, operation: str = "AvailableCompanies") -> int:
        answer = await self.control.get("/_control/requests")
        return sum(request["operation"] == operation for request in answer.json()["requests"])

    async def _post(self, path: str, content: object) -> None:
        (await self.control.post(f"/_control/{path}", json=content)).raise_for_status()


async def _migrated_budget(dsn: str) -> None:
    await migrate(dsn, [MigrationSet.of_package("budget", "visma_nxt")])


@pytest.fixture
async def visma(database: Callable[..., Awaitable[str]]) -> AsyncIterator[Visma]:
    budget = await database("visma_budget", _migrated_budget)
    scenario = read(SCENARIO, today=date(2026, 3, 31))
    with running(build_app(scenario)) as url:
        async with Proxy(int(url.rpartition(":")[2])) as proxy, httpx.AsyncClient(base_url=url) as control:
            yield Visma(url, proxy, control, budget)


async def _migrated(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


@pytest.fixture
async def dsn(database: Callable[..., Awaitable[str]]) -> str:
    return await database("visma_connector", _migrated)


@pytest.fixture
async def outbox(dsn: str) -> AsyncIterator[Outbox]:
    """For tests of the connector's parts, below its consumer."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=10) as pool:
        yield Outbox(pool, "/visma-connector")


@pytest.fixture
async def client(visma: Visma) -> AsyncIterator[VismaClient]:
    async with VismaClient(visma.settings()) as client:
        yield client


@dataclass(frozen=True)
class Connector:
    """A running connector with one organisation, seen from outside."""

    gateway: Gateway
    organization_id: UUID
    health: str
    dsn: str
    accountant: str = "kari"
    reader: str = "ola"

    async def org_event(self, kind: type[Any], **data: Any) -> str:
        return await self.gateway.event(kind(organization_id=self.organization_id, **data), source="/org-service")

    async def register(self, *visma_customer_ids: int) -> str:
        """As org-service says it; returns the event's id."""
        return await self.org_event(VismaIdsRegistered, visma_customer_ids=list(visma_customer_ids), registered_by="kari")

    def attributes(self, message: object) -> Any:
        """The CloudEvents attributes that a published message came with."""
        return next(seen.attributes for seen in self.gateway.seen if seen.message is message)


Start = Callable[..., Any]


@pytest.fixture
def connector(visma: Visma, topics: OwnTopics, dsn: str) -> Start:
    """`async with connector(connected_every=…, visma={…}) as running`: started, with one accountant and one reader.

    Nothing is probed again by itself unless the test sets a pause.
    """

    @asynccontextmanager
    async def start(
        *, visma_settings: dict[str, Any] | None = None, webhook: dict[str, Any] | None = None, **probe: float
    ) -> AsyncIterator[Connector]:
        pauses = {"connected_every": 3600.0, "denied_every": 3600.0, "unreachable_first": 3600.0, "unreachable_longest": 3600.0}
        settings = Settings(
            kafka={"bootstrap_servers": topics.bootstrap_servers, "topic_prefix": topics.prefix},
            postgres={"dsn": dsn},
            health={"port": free_port()},
            visma=visma.settings(**visma_settings or {}),
            probe=ProbeSettings.model_validate({"notice_within": 0.02} | pauses | probe),
            webhook=WebhookSettings.model_validate(webhook or {}),
        )
        stop = asyncio.Event()
        async with AsyncExitStack() as exits:
            serving = asyncio.create_task(serve(PROGRAM, settings, stop))
            exits.push_async_callback(asyncio.wait_for, serving, 20)
            exits.callback(stop.set)
            outside = await exits.enter_async_context(gateway(topics))
            running = Connector(outside, uuid4(), f"http://127.0.0.1:{settings.health.port}", dsn)
            await running.org_event(OrganizationRegistered, name="Fjordregnskap AS", registered_by="kari")
            await running.org_event(MemberAdded, user_id=running.accountant, name="Kari", role=Role.ACCOUNTANT)
            await running.org_event(MemberAdded, user_id=running.reader, name="Ola", role=Role.READER)
            yield running
        assert serving.result() is True, "a part of the service failed"

    return start
