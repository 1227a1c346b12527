"""When Visma says that something has changed, the right company of the right organisation is looked at now."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.company import CompanyCreated, PeriodType, VatFrequency
from contracts.sync import DataSet
from contracts.visma import ChangeKind, DataSetChange, VismaDataChanged
from eventing.outbox import Outbox
from eventing.work import Cause
from servicekit.health import Health
from servicekit.migrations import migrate
from servicekit.postgres import postgres_pool
from servicekit.settings import PostgresSettings
from sync_worker.__main__ import PROGRAM
from sync_worker.domain.plan import PlannedItem, Source
from sync_worker.handlers import look_at_once
from sync_worker.store import companies, work_items
from testkit.databases import DatabaseFactory

pytestmark = pytest.mark.servers

OURS, OTHERS = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
TOMORROW, YESTERDAY = NOW + timedelta(days=1), NOW - timedelta(days=1)


@pytest.fixture
async def outbox(database: DatabaseFactory) -> AsyncIterator[Outbox]:
    async def migrated(dsn: str) -> None:
        await migrate(dsn, PROGRAM.migration_sets())

    dsn = await database("sync_worker", migrated)
    async with await postgres_pool(PostgresSettings(dsn=dsn), application="test", health=Health()) as pool:
        yield Outbox(pool, "/sync-worker", clock=lambda: NOW)


async def company(
    outbox: Outbox, organization_id: UUID, *, visma_company_id: int = 7100001, refresh_at: datetime | None = TOMORROW
) -> UUID:
    """A company that is complete and looked at again then."""
    created = CompanyCreated(
        company_id=uuid4(),
        organization_id=organization_id,
        visma_customer_id=12345,
        visma_company_id=visma_company_id,
        name="Lyngen Bakeri AS",
        comment="",
        organisation_number="999888777",
        period_type=PeriodType.MONTH,
        financial_year_start_month=1,
        reconciliation_start=date(2026, 1, 1),
        responsible_user="kari",
        vat_frequency=VatFrequency.TWO_MONTHLY,
        company_groups=[],
        modules=[],
        created_by="kari",
    )
    async with outbox.work(Cause(organization_id=organization_id, correlation_id="c", causation_id=None)) as work:
        await companies.add(work, created)
        known = await companies.find(work, created.company_id)
        assert known is not None
        await work_items.add(work, known, [PlannedItem(data_set=DataSet.ACCOUNT_BALANCES, rank=1)])
        await work.connection.execute(
            "UPDATE sync.work_item SET status = 'complete', refresh_at = $2 WHERE company_id = $1", created.company_id, refresh_at
        )
    return created.company_id


async def tell(outbox: Outbox, *, organization_id: UUID = OURS, visma_company_id: int = 7100001) -> None:
    changed = VismaDataChanged(
        organization_id=organization_id,
        visma_customer_id=12345,
        visma_company_id=visma_company_id,
        changes=[DataSetChange(data_set=DataSet.LEDGER_LINES, kind=ChangeKind.INSERTED)],
        noticed_at=NOW,
    )
    async with outbox.work(Cause(organization_id=organization_id, correlation_id="c", causation_id="e")) as work:
        await look_at_once(changed, work)


async def next_look(outbox: Outbox, company_id: UUID) -> datetime | None:
    moment: datetime | None = await outbox.pool.fetchval("SELECT refresh_at FROM sync.work_item WHERE company_id = $1", company_id)
    return moment


@pytest.mark.parametrize(
    ("before", "after"), [(TOMORROW, NOW), (YESTERDAY, YESTERDAY), (None, NOW)], ids=["later", "overdue", "being looked at"]
)
async def test_a_company_is_looked_at_now_instead_of_later(outbox: Outbox, before: datetime | None, after: datetime | None) -> None:
    bakery = await company(outbox, OURS, refresh_at=before)
    await tell(outbox)
    assert await next_look(outbox, bakery) == after


async def test_told_while_it_is_being_looked_at_it_is_looked_at_once_more(outbox: Outbox) -> None:
    bakery = await company(outbox, OURS, refresh_at=YESTERDAY)
    assert await work_items.bring_back(outbox, Source.VISMA) == 1
    item = await work_items.claim(outbox, Source.VISMA, timedelta(minutes=1), most=1)
    assert item is not None
    await tell(outbox)
    async with outbox.work(item.cause) as work:
        await work_items.rest(work, item, until=TOMORROW)
    assert await next_look(outbox, bakery) == NOW


async def test_the_same_visma_company_of_another_organisation_is_not_touched(outbox: Outbox) -> None:
    ours, theirs = await company(outbox, OURS), await company(outbox, OTHERS)
    neighbour = await company(outbox, OURS, visma_company_id=7100002)
    await tell(outbox, organization_id=OTHERS)
    assert [await next_look(outbox, each) for each in (theirs, ours, neighbour)] == [NOW, TOMORROW, TOMORROW]


async def test_a_company_that_nobody_has_added_is_passed_over(outbox: Outbox) -> None:
    bakery = await company(outbox, OURS)
    await tell(outbox, visma_company_id=7999999)
    assert await next_look(outbox, bakery) == TOMORROW
