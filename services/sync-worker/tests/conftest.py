"""sync-worker with everything around it real: Kafka, PostgreSQL, and the simulators of Visma and Skatteetaten over HTTP."""

import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import BaseModel, SecretStr

from contracts.company import CompanyCreated, CompanyEvent, PeriodType, VatFrequency
from contracts.org import MemberAdded, OrganizationRegistered, Role
from contracts.sync import DataSet, SyncProgressed
from local_stack.ports import free_port
from servicekit.health import Health
from servicekit.migrations import MigrationSet, migrate
from servicekit.postgres import postgres_pool
from servicekit.service import serve
from servicekit.settings import HealthSettings, KafkaSettings, PostgresSettings
from skatteetaten import A07Settings, MaskinportenSettings, RetrySettings, SkatteetatenSettings
from skatteetaten_simulator import keys
from skatteetaten_simulator import server as skatteetaten_server
from skatteetaten_simulator.world import World as SkatteetatenWorld
from sync_worker.__main__ import PROGRAM
from sync_worker.settings import RetrievalSettings, Settings, VismaForRetrieval
from testkit.databases import DatabaseFactory
from testkit.gateway import Gateway, gateway
from testkit.patience import patient
from testkit.probe import probe
from testkit.topics import OwnTopics
from visma_nxt import BudgetSettings
from visma_simulator import scenario as visma_scenario
from visma_simulator import server as visma_server
from visma_simulator.app import CONTROL_PATH, GRAPHQL_PATH, TOKEN_PATH, build_app
from visma_simulator.limits import Limits

CUSTOMER = 12345
EVERY_ORGANIZATION = "?accountflow.every_organization=on"
BAKERY, BUILDER, RESTAURANT = 7100001, 7100002, 7100003
THIS_YEAR = datetime.now(UTC).year
ACCOUNTANT = "kari"


@dataclass
class Visma:
    """The simulator of Business NXT, and its control endpoint."""

    url: str
    _control: httpx.AsyncClient

    async def fault(self, **rule: Any) -> None:
        (await self._control.post("/faults", json=rule)).raise_for_status()

    async def fault_all(self, rules: list[dict[str, Any]]) -> None:
        (await self._control.post("/faults", json=rules)).raise_for_status()

    async def clear_faults(self) -> None:
        (await self._control.delete("/faults")).raise_for_status()

    async def revoke_tokens(self) -> None:
        (await self._control.delete("/tokens")).raise_for_status()

    async def open(self, company: int, access: str) -> None:
        (await self._control.post("/grants", json={"company": company, "access": access})).raise_for_status()

    async def change_ledger(
        self, company: int, action: str, row: dict[str, Any], table: str = "GeneralLedgerTransaction", seconds_ago: float = 0
    ) -> None:
        said = {"company": company, "action": action, "row": row, "table": table, "seconds_ago": seconds_ago}
        (await self._control.post("/ledger", json=said)).raise_for_status()

    async def clock(self, ahead_seconds: float) -> None:
        (await self._control.post("/clock", json={"ahead_seconds": ahead_seconds})).raise_for_status()

    async def faults_met(self) -> list[int]:
        """How many requests met each rule, in the order in which they were given."""
        return [each["hits"] for each in (await self._control.get("/faults")).json()]

    async def latency(self, ms: int) -> None:
        await self.limit(latency_ms=ms)

    async def limit(self, **limits: Any) -> None:
        (await self._control.post("/limits", json=limits)).raise_for_status()

    async def refused(self) -> int:
        """How many requests were answered with 429, or with the limit of requests in progress."""
        found = (await self._control.get("/limits")).json()
        return sum(each["refused"] for each in [*found["rate"], *found["outstanding"]])

    async def operations(self, company: int) -> Counter[str]:
        """How often each operation was asked for a company, since the last time this was asked."""
        found: list[dict[str, Any]] = (await self._control.get("/requests")).json()["requests"]
        (await self._control.delete("/requests")).raise_for_status()
        return Counter(each["operation"] for each in found if company in each["companies"])

    async def facts(self, company: int) -> dict[str, Any]:
        """How the company is described."""
        found: list[dict[str, Any]] = (await self._control.get("/companies")).json()
        return next(each for each in found if each["number"] == company)

    async def totals(self, company: int) -> list[dict[str, Any]]:
        """Sum and number of lines per account, year and period, straight from the simulator's books."""
        found: list[dict[str, Any]] = (await self._control.get("/companies", params={"company": company})).json()
        return list(found[0]["totals"])


@dataclass
class Bench:
    """One database, one set of topics, the outside world, and as many workers as a test starts."""

    dsn: str
    pool: asyncpg.Pool
    topics: OwnTopics
    gateway: Gateway
    visma: Visma
    skatteetaten: SkatteetatenWorld
    key: str
    budget_dsn: str
    organization_id: UUID = field(default_factory=uuid4)
    visma_settings: dict[str, Any] = field(default_factory=dict)
    a07_settings: dict[str, Any] = field(default_factory=dict)
    created: dict[UUID, CompanyCreated] = field(default_factory=dict)

    def settings(self, **retrieval: Any) -> Settings:
        addresses = self.skatteetaten.addresses
        return Settings(
            kafka=KafkaSettings(bootstrap_servers=self.topics.bootstrap_servers, topic_prefix=self.topics.prefix),
            postgres=PostgresSettings(dsn=self.dsn),
            visma=VismaForRetrieval(
                **{
                    "budget": BudgetSettings(dsn=self.budget_dsn),
                    "token_url": self.visma.url + TOKEN_PATH,
                    "graphql_url": self.visma.url + GRAPHQL_PATH,
                    "client_id": "isv_accountflow",
                    "client_secret": "simulator-secret",
                    "requests_per_minute": 60_000,
                    "page_size": 200,
                    "retry_attempts": 2,
                    "backoff": timedelta(milliseconds=20),
                }
                | self.visma_settings
            ),
            skatteetaten=SkatteetatenSettings(
                maskinporten=MaskinportenSettings(
                    issuer=addresses.issuer,
                    token_url=addresses.token_url,
                    client_id="accountflow-test",
                    key_id="test-1",
                    private_key=self.key,
                ),
                a07=A07Settings(base_url=addresses.a07_base_url, **self.a07_settings),
                retry=RetrySettings(attempts=2, first_wait=timedelta(milliseconds=20)),
            ),
            retrieval=RetrievalSettings(**{"lease_seconds": 5, "retry_first_seconds": 0.1, "poll_seconds": 0.05} | retrieval),
        )

    @asynccontextmanager
    async def worker(self, **retrieval: Any) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """The real service in this process. It retrieves before it has joined its consumer group, which the call given waits for; it is
        stopped when it has."""
        stop = asyncio.Event()
        settings = self.settings(**retrieval).model_copy(update={"health": HealthSettings(port=free_port())})
        serving = asyncio.create_task(serve(PROGRAM, settings, stop))

        async def joined() -> None:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.health.port}") as health:
                await probe(lambda: _is_ready(health), within=60, despite=(httpx.HTTPError,))

        try:
            yield joined
            await joined()
        finally:
            stop.set()
            assert await serving

    @asynccontextmanager
    async def process(self, name: str = "worker-1", **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """The program as a member with a name of its own, killed at the end if it has not ended before."""
        own = {"PATH": os.environ["PATH"], "KAFKA__GROUP_INSTANCE_ID": name}
        variables = environment(self.settings(lease_seconds=1)) | own | more
        with tempfile.TemporaryFile("w+") as log:
            program = await asyncio.create_subprocess_exec(sys.executable, "-m", "sync_worker", env=variables, stdout=log, stderr=log)
            try:
                yield program
            finally:
                if program.returncode is None:
                    program.kill()
                await program.wait()
                log.seek(0)
                sys.stdout.write(log.read())  # shown when the test fails

    async def create(self, visma_company_id: int = BAKERY, **form: Any) -> UUID:
        """Publish a company as the company service does."""
        facts = await self.visma.facts(visma_company_id)
        created = company_created(
            organization_id=self.organization_id,
            visma_company_id=visma_company_id,
            name=facts["name"],
            organisation_number=form.pop("organisation_number", facts["organisation_number"]),
            period_type=form.pop("period_type", PeriodType.MONTH),
            financial_year_start_month=facts["fiscal_year_start_month"],
            reconciliation_start=months_back(form.pop("months", 5)),
            modules=list(form.pop("modules", ())),
        )
        assert not form
        self.created[created.company_id] = created
        await self.gateway.event(created, source="/company-service")
        return created.company_id

    async def change(self, kind: type[CompanyEvent], company_id: UUID, **fields: Any) -> None:
        """Publish another event about a company as the company service does. Start dates are given in months back from this one."""
        known = {"company_id": company_id, "organization_id": self.organization_id}
        if created := self.created.get(company_id):
            known = created.model_dump()
        starts = {name: months_back(value) for name, value in fields.items() if name in {"before", "after"}}
        by = dict.fromkeys(("changed_by", "updated_by", "archived_by"), ACCOUNTANT)
        await self.gateway.event(kind.model_validate(known | by | fields | starts), source="/company-service")

    async def hire(self, role: Role = Role.ACCOUNTANT, user: str = ACCOUNTANT) -> None:
        """Make a user a member, as the organisation service does."""
        added = MemberAdded(organization_id=self.organization_id, user_id=user, name=user.title(), role=role)
        await self.gateway.event(
            OrganizationRegistered(organization_id=self.organization_id, name="Fjordregnskap AS", registered_by=ACCOUNTANT),
            source="/org-service",
        )
        await self.gateway.event(added, source="/org-service")

    async def of(self, kind: type[Any], company_id: UUID, *, count: int = 1, within: float = 40) -> list[Any]:
        """The messages of a kind about a company; waits for ``count``."""
        async with asyncio.timeout(patient(within)):
            wanted = count
            while True:
                found = [each for each in await self.gateway.published(kind, count=wanted, within=within) if each.company_id == company_id]
                if len(found) >= count:
                    return found
                wanted = len(await self.gateway.published(kind, count=0)) + 1

    async def said(self, company_id: UUID, data_sets: Collection[DataSet], enough: Callable[[list[SyncProgressed]], bool]) -> None:
        """Wait until what is said of data sets is enough."""
        seen = 0
        while True:
            found = await self.of(SyncProgressed, company_id, count=seen + 1)
            if enough([each for each in found if each.data_set in data_sets]):
                return
            seen = len(found)

    async def rows(self, table: str, company_id: UUID) -> list[dict[str, Any]]:
        """The landed rows, without what differs from run to run."""
        changing = {"company_id", "organization_id", "scan", "changed_at", "snapshot_at", "report"}
        found = await self.pool.fetch(f"SELECT * FROM sync.{table} WHERE company_id = $1", company_id)
        rows = [{name: value for name, value in row.items() if name not in changing} for row in found]
        return sorted(rows, key=repr)


def company_created(**different: Any) -> CompanyCreated:
    """A company as the company service tells of it, the bakery but for what is ``different``."""
    about = {
        "company_id": uuid4(),
        "organization_id": UUID(int=1),
        "visma_customer_id": CUSTOMER,
        "visma_company_id": BAKERY,
        "name": "Lyngen Bakeri AS",
        "comment": "",
        "organisation_number": "999888777",
        "period_type": PeriodType.MONTH,
        "financial_year_start_month": 1,
        "reconciliation_start": date(2026, 1, 1),
        "responsible_user": ACCOUNTANT,
        "vat_frequency": VatFrequency.TWO_MONTHLY,
        "company_groups": [],
        "modules": [],
        "created_by": ACCOUNTANT,
    }
    return CompanyCreated(**about | different)


def environment(settings: BaseModel, prefix: str = "") -> dict[str, str]:
    """Settings as a process reads them, those that were chosen."""
    found: dict[str, str] = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        full = f"{prefix}{name}".upper()
        match value:
            case BaseModel():
                found |= environment(value, f"{full}__")
            case SecretStr():
                found[full] = value.get_secret_value()
            case timedelta():
                found[full] = f"PT{value.total_seconds()}S"
            case _:
                found[full] = str(value)
    return found


def months_back(count: int) -> date:
    """The first day of the month so many months ago."""
    today = datetime.now(ZoneInfo("Europe/Oslo")).date()  # as the plan counts
    month = today.year * 12 + today.month - 1 - count
    return date(month // 12, month % 12 + 1, 1)


async def _is_ready(health: httpx.AsyncClient) -> bool:
    return (await health.get("/readyz")).is_success


async def _migrate(dsn: str) -> None:
    await migrate(dsn, PROGRAM.migration_sets())


async def _migrate_budget(dsn: str) -> None:
    await migrate(dsn, [MigrationSet.of_package("budget", "visma_nxt")])


@pytest.fixture(scope="session")
def client_key() -> RSAPrivateKey:
    return keys.new_key()


@pytest.fixture
def visma_url() -> Iterator[str]:
    companies = [
        {"number": BAKERY, "name": "Lyngen Bakeri AS", "lines": 1200, "first_year": THIS_YEAR - 1},
        {"number": BUILDER, "name": "Brattbakken Bygg AS", "lines": 600, "first_year": THIS_YEAR - 1},
        {"number": RESTAURANT, "name": "Sjøgata Restaurant AS", "lines": 900, "first_year": THIS_YEAR - 1, "fiscal_year_start_month": 7},
    ]
    described = {
        "clients": [{"id": "isv_accountflow", "secret": "simulator-secret"}],
        "customers": [{"number": CUSTOMER, "name": "Fjordregnskap AS", "companies": companies}],
    }
    app = build_app(visma_scenario.read(described), Limits(requests_per_minute=1_000_000))
    with visma_server.running(app) as url:
        yield url


@pytest.fixture
async def skatteetaten(client_key: RSAPrivateKey) -> AsyncIterator[SkatteetatenWorld]:
    client = keys.RegisteredClient("accountflow-test", "test-1", client_key.public_key())
    async with skatteetaten_server.running([client]) as world:
        yield world


@pytest.fixture
async def pool(database: DatabaseFactory) -> AsyncIterator[asyncpg.Pool]:
    """A database alone, as the workers see it."""
    dsn = await database("sync_worker", _migrate)
    async with await postgres_pool(PostgresSettings(dsn=dsn), application="test", health=Health()) as pool:
        yield pool


@pytest.fixture
async def bench(
    topics: OwnTopics, database: DatabaseFactory, visma_url: str, skatteetaten: SkatteetatenWorld, client_key: RSAPrivateKey
) -> AsyncIterator[Bench]:
    dsn, budget = await database("sync_worker", _migrate), await database("visma_budget", _migrate_budget)
    pool = await postgres_pool(PostgresSettings(dsn=dsn + EVERY_ORGANIZATION, pool_max=4), application="test", health=Health())
    async with (
        pool,
        gateway(topics) as outside,
        httpx.AsyncClient(base_url=visma_url + CONTROL_PATH) as control,
    ):
        yield Bench(dsn, pool, topics, outside, Visma(visma_url, control), skatteetaten, keys.pem(client_key).decode(), budget)
