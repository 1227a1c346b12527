"""Two services that speak to each other, on the real servers, and opsctl beside them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
import structlog
from aiokafka import AIOKafkaProducer
from click.testing import Result
from pydantic import SecretStr
from typer.testing import CliRunner

from company_service.__main__ import PROGRAM as COMPANY_SERVICE
from contracts import topics as contracts
from contracts.org import AddMember, RegisterOrganization, Role
from local_stack import provision
from opsctl.cli import cli
from org_service.__main__ import PROGRAM as ORG_SERVICE
from servicekit.migrations import migrate
from servicekit.scratch import scratch_dsn
from servicekit.service import Program, serve
from servicekit.settings import KafkaSettings, PostgresSettings
from testkit.databases import Templates
from testkit.gateway import Gateway, gateway
from testkit.topics import MOST_PARTITIONS, OwnTopics

KARI = "kari@fjordregnskap.example"
TROLL = "troll"


@dataclass(frozen=True)
class Answer:
    """What opsctl said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [orjson.loads(line) for line in self.out.splitlines()]


@dataclass
class Installation:
    """org-service and company-service, a gateway, and opsctl with the settings to find them."""

    topics: OwnTopics
    databases: dict[str, str]
    outside: Gateway
    environment: dict[str, str]
    running: dict[str, tuple[asyncio.Event, "asyncio.Task[bool]"]] = field(default_factory=dict)

    async def opsctl(self, *arguments: str, **environment: str) -> Answer:
        """Run a command as an operator would, in a thread of its own; as JSON it is read with `Answer.json`."""
        result: Result = await asyncio.to_thread(CliRunner().invoke, cli, arguments, env={**self.environment, **environment})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    async def start(self, program: Program) -> None:
        stop = asyncio.Event()
        settings = program.settings(
            kafka=KafkaSettings(bootstrap_servers=self.topics.bootstrap_servers, topic_prefix=self.topics.prefix),
            postgres=PostgresSettings(dsn=SecretStr(self.databases[program.name])),
        )
        self.running[program.name] = stop, asyncio.create_task(serve(program, settings, stop))

    async def stop(self, name: str) -> None:
        stop, serving = self.running.pop(name)
        stop.set()
        assert await serving

    async def found_organization(self, *members: str) -> UUID:
        """A new organisation with these members beside Kari; ends when the outcome is there."""
        organization = uuid4()
        registered = RegisterOrganization(organization_id=organization, name="Fjordregnskap", administrator_name="Kari")
        await self.outside.ask(registered, actor=KARI, within=60)
        for member in members:
            await self.outside.ask(add_member(organization, member), actor=KARI, within=60)
        return organization

    async def produce(self, topic: str, *records: tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]) -> None:
        """Write records as they stand: key, value, headers."""
        async with AIOKafkaProducer(bootstrap_servers=self.topics.bootstrap_servers, linger_ms=5) as producer:
            sent = [await producer.send(self.topics(topic), value, key, headers=headers) for key, value, headers in records]
            await asyncio.gather(*sent)

    async def execute(self, service: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run SQL in a service's database."""
        connection = await asyncpg.connect(self.databases[service])
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()


def add_member(organization: UUID, user: str) -> AddMember:
    return AddMember(organization_id=organization, user_id=f"{user}@fjordregnskap.example", name=user, role=Role.ACCOUNTANT)


Installations = Callable[[], AbstractAsyncContextManager[Installation]]


@pytest.fixture(scope="session")
def installations(kafka: str, database_templates: Templates) -> Installations:
    """``async with installations() as installation``: one of the test's own, gone afterwards."""

    @asynccontextmanager
    async def install() -> AsyncIterator[Installation]:
        async with AsyncExitStack() as exits:
            _log_beside(exits)
            topics = OwnTopics(kafka, f"o{uuid4().hex[:8]}.")
            declared = contracts.load()
            await provision.create_topics(kafka, declared, prefix=topics.prefix, most_partitions=MOST_PARTITIONS)
            exits.push_async_callback(provision.delete_topics, kafka, [topics(topic.name) for topic in declared])
            databases = {}
            for program, migrated in ((ORG_SERVICE, migrate_org_service), (COMPANY_SERVICE, migrate_company_service)):
                databases[program.name] = await database_templates.clone(program.name.replace("-", "_"), migrated)
                exits.push_async_callback(database_templates.drop, databases[program.name])
                exits.push_async_callback(database_templates.drop, scratch_dsn(databases[program.name]))
            outside = await exits.enter_async_context(gateway(topics))
            installation = Installation(topics, databases, outside, environment(topics, databases))
            exits.push_async_callback(_stop_all, installation)
            for program in (ORG_SERVICE, COMPANY_SERVICE):
                await installation.start(program)
            await installation.found_organization()  # both have joined their groups when it is answered
            yield installation

    return install


@pytest.fixture(scope="module")
async def installation(installations: Installations) -> AsyncIterator[Installation]:
    """The one that a module's tests share which only look, each at an organisation of its own. They are marked `background`."""
    async with installations() as shared:
        yield shared


def environment(topics: OwnTopics, databases: dict[str, str]) -> dict[str, str]:
    kafka = {"OPSCTL__KAFKA__BOOTSTRAP_SERVERS": topics.bootstrap_servers, "OPSCTL__KAFKA__TOPIC_PREFIX": topics.prefix}
    return kafka | {f"OPSCTL__SERVICES__{name.upper().replace('-', '_')}__POSTGRES__DSN": dsn for name, dsn in databases.items()}


async def migrate_org_service(dsn: str) -> None:
    await migrate(dsn, ORG_SERVICE.migration_sets())


async def migrate_company_service(dsn: str) -> None:
    await migrate(dsn, COMPANY_SERVICE.migration_sets())


def _log_beside(exits: AsyncExitStack) -> None:
    """The services print where the process prints, and while opsctl runs in this process that is its answer."""
    exits.callback(structlog.configure, **structlog.get_config())
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr), cache_logger_on_first_use=False)


async def _stop_all(installation: Installation) -> None:
    for name in list(installation.running):
        await installation.stop(name)
