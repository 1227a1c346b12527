"""Forms to fill in, and company-service on the real servers: whole, behind its topics, or only its handlers on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from company_service.__main__ import PROGRAM
from company_service.app import build
from company_service.settings import Settings
from contracts.company import AddVismaCompany, CreateCompanyGroup
from contracts.org import MemberAdded, OrganizationRegistered, Role, VismaIdsRegistered
from contracts.visma import VismaCompaniesListed, VismaCompany, VismaCompanyAccessChanged, VismaCustomerAccessDenied
from eventing.outbox import Outbox
from eventing.work import Cause
from servicekit.health import Health
from servicekit.migrations import migrate
from servicekit.postgres import postgres_pool
from servicekit.service import Parts, Service, serve
from servicekit.settings import KafkaSettings, PostgresSettings
from testkit.databases import DatabaseFactory
from testkit.gateway import Gateway, gateway
from testkit.topics import OwnTopics

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANNE = "anne@regnskap.no"
READER = "rune@regnskap.no"
FORM = {
    "visma_company_id": 5001,
    "name": "Fjord Bygg AS",
    "organisation_number": "974 761 076",
    "period_type": "quarter",
    "reconciliation_start": "2026-02-17",
    "responsible_user": ANNE,
}


@pytest.fixture(scope="session")
def form() -> Callable[..., AddVismaCompany]:
    """A company form without fault, but for the fields a test fills in otherwise."""

    def fill_in(**typed: Any) -> AddVismaCompany:
        return AddVismaCompany.model_validate({"company_id": uuid4(), "organization_id": uuid4()} | FORM | typed)

    return fill_in


@dataclass
class Firm:
    """An accounting firm with an accountant (`ANNE`) and a reader; what other services say of it is published to company-service."""

    service: Any
    id: UUID = field(default_factory=uuid4)

    async def found(self, *visma_customer_ids: int) -> "Firm":
        await self.publish(OrganizationRegistered(organization_id=self.id, name="Regnskap AS", registered_by="boss"))
        await self.add_member(ANNE)
        await self.add_member(READER, Role.READER)
        await self.register(*visma_customer_ids)
        return self

    async def add_member(self, user: str, role: Role = Role.ACCOUNTANT) -> None:
        await self.publish(MemberAdded(organization_id=self.id, user_id=user, name=user, role=role))

    async def register(self, *visma_customer_ids: int) -> None:
        if visma_customer_ids:
            ids = list(visma_customer_ids)
            await self.publish(VismaIdsRegistered(organization_id=self.id, visma_customer_ids=ids, registered_by="boss"))

    async def list(self, visma_customer_id: int, *companies: int, **details: Any) -> None:
        """Visma lists these companies for the ID, and no others."""
        listed = [
            VismaCompany.model_validate(
                {"visma_company_id": company, "name": f"Client {company}", "organisation_number": None, "readable": True} | details
            )
            for company in companies
        ]
        await self.publish(
            VismaCompaniesListed(organization_id=self.id, visma_customer_id=visma_customer_id, companies=listed, listed_at=NOW)
        )

    async def deny(self, visma_customer_id: int, *, temporary: bool) -> None:
        reason = "visma_unreachable" if temporary else "not_activated"
        denied = {"reason": reason, "message": "no access", "hint": "activate", "temporary": temporary, "checked_at": NOW}
        await self.publish(
            VismaCustomerAccessDenied.model_validate({"organization_id": self.id, "visma_customer_id": visma_customer_id} | denied)
        )

    async def open(self, visma_company_id: int, *, readable: bool, hint: str | None = None) -> None:
        await self.publish(
            VismaCompanyAccessChanged(
                organization_id=self.id,
                visma_customer_id=12345,
                visma_company_id=visma_company_id,
                readable=readable,
                hint=hint,
                checked_at=NOW,
            )
        )

    async def publish(self, event: Any) -> None:
        await self.service.event(event, source="/org-service" if event.TOPIC == "org-events" else "/visma-connector")

    def form(self, **typed: Any) -> AddVismaCompany:
        return AddVismaCompany.model_validate({"company_id": uuid4(), "organization_id": self.id} | FORM | typed)

    async def add(self, *, actor: str = ANNE, **typed: Any) -> Any:
        """Save a form and see what comes of it."""
        return await self.service.ask(self.form(**typed), actor=actor)

    async def create_group(self, name: str, *, actor: str = ANNE, **ids: Any) -> Any:
        command = CreateCompanyGroup.model_validate({"company_group_id": uuid4(), "organization_id": self.id, "name": name} | ids)
        return await self.service.ask(command, actor=actor)


async def migrate_company_service(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


@pytest.fixture
async def dsn(database: DatabaseFactory) -> str:
    """The service's database, migrated and empty."""
    return await database("company_service", migrate_company_service)


@dataclass
class Desk:
    """The service's handlers on its database, each message in a transaction of its own and nothing in between."""

    outbox: Outbox
    service: Service

    async def event(self, event: Any, *, source: str) -> None:
        del source
        await self._run(event, "")

    async def ask(self, command: Any, *, actor: str) -> Any:
        """What the handler returns; what it raises is raised here."""
        return await self._run(command, actor)

    async def published(self, *kinds: type[Any]) -> list[Any]:
        """What was published of these kinds, in order."""
        rows = await self.outbox.pool.fetch("SELECT value, header_names, header_values FROM eventing.outbox ORDER BY id")
        types = {kind.TYPE.encode(): kind for kind in kinds}
        found = [(dict(zip(row["header_names"], row["header_values"], strict=True))["ce_type"], row["value"]) for row in rows]
        return [types[name].model_validate_json(value) for name, value in found if name in types]

    async def _run(self, message: Any, actor: str) -> Any:
        cause = Cause(organization_id=message.organization_id, correlation_id="c", causation_id="c", actor=actor)
        async with self.outbox.work(cause) as work:
            return await self.service.handlers[type(message)](message, work)


def settings_for(dsn: str, *, bootstrap_servers: str = "127.0.0.1:1", topic_prefix: str = "", **own: Any) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap_servers, topic_prefix=topic_prefix),
        postgres=PostgresSettings(dsn=SecretStr(dsn)),
        **own,
    )


@pytest.fixture
async def desk(dsn: str, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """The handlers at noon of 22 November 2026. A parameter gives the service other settings."""
    settings = settings_for(dsn, **getattr(request, "param", {}))
    pool = await postgres_pool(settings.postgres, application="desk", health=Health())
    async with AsyncExitStack() as exits:
        exits.push_async_callback(pool.close)
        outbox = Outbox(pool, "/company-service", clock=lambda: NOW)
        yield Desk(outbox, await build(settings, Parts(pool, outbox, Health(), exits)))


@pytest.fixture
async def outside(dsn: str, topics: OwnTopics) -> AsyncIterator[Gateway]:
    """The topics as seen from outside, with company-service running behind them."""
    stop = asyncio.Event()
    settings = settings_for(dsn, bootstrap_servers=topics.bootstrap_servers, topic_prefix=topics.prefix)
    serving = asyncio.create_task(serve(PROGRAM, settings, stop))
    try:
        async with gateway(topics) as opened:
            yield opened
    finally:
        stop.set()
        assert await serving


@pytest.fixture
async def firm(desk: Desk) -> Firm:
    """At the desk: a firm whose Visma customer ID 12345 lists the companies 5001, 5002 and 5003."""
    firm = await Firm(desk).found(12345)
    await firm.list(12345, 5001, 5002, 5003)
    return firm


@pytest.fixture
async def connected_firm(outside: Gateway) -> Firm:
    """The same behind the topics."""
    firm = await Firm(outside).found(12345)
    await firm.list(12345, 5001, 5002, 5003)
    return firm
