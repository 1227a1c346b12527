"""What a company waits for and gets in the end without anybody's command: consent, and what a customer's Visma did not know."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.accounting import CustomersRetrieved
from contracts.company import Module
from contracts.sync import DataSet, SyncCompleted, SyncNeedsAttention, SyncProgressed, SyncStatus
from contracts.visma import VismaCompaniesListed, VismaCompany, VismaCompanyAccessChanged, VismaCustomerConnected

pytestmark = pytest.mark.long

CUSTOMER = 12345
BAKERY, BUILDER, RESTAURANT = 7100001, 7100002, 7100003
UNKNOWN = {"message": "Cannot query field 'x'.", "code": "FIELDS_ON_CORRECT_TYPE", "times": None}
SOON = {"consent_minutes": 0.005, "support_hours": 0.0001}


def event(bench: Any, kind: type[Any], organization_id: UUID, **about: Any) -> Any:
    moment = {name: datetime.now(UTC) for name in ("checked_at", "listed_at") if name in kind.model_fields}
    return kind(organization_id=organization_id, visma_customer_id=CUSTOMER, **about, **moment)


def opened(bench: Any, company: int, organization_id: UUID, *, readable: bool = True) -> VismaCompanyAccessChanged:
    about = {"visma_company_id": company, "readable": readable, "hint": None}
    found: VismaCompanyAccessChanged = event(bench, VismaCompanyAccessChanged, organization_id, **about)
    return found


def listed(bench: Any, companies: dict[int, bool]) -> VismaCompaniesListed:
    said = [
        VismaCompany(visma_company_id=number, name="", organisation_number=None, readable=readable)
        for number, readable in companies.items()
    ]
    found: VismaCompaniesListed = event(bench, VismaCompaniesListed, bench.organization_id, companies=said)
    return found


async def waits_for_consent(bench: Any, company_id: UUID) -> bool:
    rows = await bench.pool.fetch("SELECT DISTINCT status FROM sync.work_item WHERE company_id = $1", company_id)
    return {row["status"] for row in rows} == {"needs_consent"}


async def test_consent_that_is_given_is_heard_of_and_the_company_goes_on(bench: Any) -> None:
    for number in (BAKERY, BUILDER, RESTAURANT):
        await bench.visma.open(number, "closed")
    async with bench.worker():
        companies = {number: await bench.create(number, months=0) for number in (BAKERY, BUILDER, RESTAURANT)}
        for company_id in companies.values():
            [attention] = await bench.of(SyncNeedsAttention, company_id)
            assert (attention.status, attention.reason) == (SyncStatus.NEEDS_CONSENT, "company_not_opened")
            assert "Connect Application Access" in attention.hint
        last = (await bench.of(SyncProgressed, companies[BAKERY]))[-1]
        assert last.status is SyncStatus.NEEDS_CONSENT
        assert last.next_attempt_at > datetime.now(UTC)
        # A stranger's consent, and a company that is only listed, change nothing; each kind of news leads on.
        for number in (BAKERY, BUILDER, RESTAURANT):
            await bench.visma.open(number, "open")
        for news in (
            opened(bench, BAKERY, uuid4()),
            listed(bench, {BAKERY: False, BUILDER: True}),
            opened(bench, BAKERY, bench.organization_id, readable=False),
        ):
            await bench.gateway.event(news, source="/visma-connector")
        await bench.of(SyncCompleted, companies[BUILDER])
        assert await waits_for_consent(bench, companies[BAKERY])
        assert await waits_for_consent(bench, companies[RESTAURANT])
        await bench.gateway.event(opened(bench, BAKERY, bench.organization_id), source="/visma-connector")
        await bench.of(SyncCompleted, companies[BAKERY])
        assert await waits_for_consent(bench, companies[RESTAURANT])
        await bench.gateway.event(event(bench, VismaCustomerConnected, bench.organization_id), source="/visma-connector")
        await bench.of(SyncCompleted, companies[RESTAURANT])
    assert [len(await bench.of(SyncNeedsAttention, company_id)) for company_id in companies.values()] == [1, 1, 1]


async def test_consent_that_nobody_tells_of_is_found_and_was_missed_only_once(bench: Any) -> None:
    number = (await bench.visma.facts(BUILDER))["organisation_number"]
    await bench.visma.fault(effect="no_grant", company=BUILDER, skip=6, times=None)
    bench.skatteetaten.system_users.withdraw(number)
    async with bench.worker(**SOON):
        company_id = await bench.create(BUILDER, months=1, modules=[Module.PAYROLL])
        ledger, payroll = sorted(await bench.of(SyncNeedsAttention, company_id, count=2), key=lambda each: each.reason)
        assert (ledger.reason, payroll.reason) == ("company_not_opened", "needs_consent")
        assert "Altinn" in payroll.hint
        await bench.said(company_id, {DataSet.A07_REPORTS}, tried_thrice)
        await bench.said(company_id, set(DataSet) - {DataSet.A07_REPORTS}, tried_thrice)
        await bench.visma.clear_faults()
        bench.skatteetaten.system_users.grant(number)
        await bench.of(SyncCompleted, company_id)
    assert len(await bench.of(SyncNeedsAttention, company_id, count=2)) == 2


def tried_thrice(found: list[SyncProgressed]) -> bool:
    """And stopped again."""
    stopped = Counter(each.data_set for each in found if each.status in {SyncStatus.NEEDS_CONSENT, SyncStatus.NOT_SUPPORTED})
    return max(stopped.values(), default=0) >= 3


async def test_a_door_that_closes_again_before_all_has_gone_on_is_told_of_again(bench: Any) -> None:
    for closed in ({"skip": 6, "times": 2}, {"skip": 20, "times": 2}):
        await bench.visma.fault(effect="no_grant", company=BUILDER, **closed)
    async with bench.worker(**SOON, workers=1):
        company_id = await bench.create(BUILDER, months=5)
        await bench.of(SyncCompleted, company_id)
    told = await bench.of(SyncNeedsAttention, company_id, count=0)
    assert [(each.status, each.reason) for each in told] == [(SyncStatus.NEEDS_CONSENT, "company_not_opened")] * 2


def is_complete(found: list[SyncProgressed]) -> bool:
    return [each.status for each in found[-1:]] == [SyncStatus.COMPLETE]


async def test_a_complete_company_that_is_closed_and_opened_again_says_so(bench: Any) -> None:
    async with bench.worker(**SOON, freshness_minutes=0.005):
        company_id = await bench.create(BUILDER, months=0)
        await bench.of(SyncCompleted, company_id)
        await bench.visma.open(BUILDER, "closed")
        [attention] = await bench.of(SyncNeedsAttention, company_id)
        assert attention.status is SyncStatus.NEEDS_CONSENT
        await bench.visma.open(BUILDER, "open")
        await bench.said(company_id, {DataSet.ACCOUNT_BALANCES}, is_complete)


async def test_a_table_that_is_hidden_after_it_was_retrieved_needs_consent_alone_and_comes_back(bench: Any) -> None:
    async with bench.worker(**SOON, freshness_minutes=0.005):
        company_id = await bench.create(BUILDER, months=0, modules=[Module.ASSETS])
        await bench.of(SyncCompleted, company_id)
        await bench.visma.fault(effect="error", table="capitalAsset", **UNKNOWN)
        [attention] = await bench.of(SyncNeedsAttention, company_id)
        assert (attention.data_set, attention.status) == (DataSet.CAPITAL_ASSETS, SyncStatus.NEEDS_CONSENT)
        assert "access group" in attention.hint
        await bench.said(company_id, {DataSet.CAPITAL_ASSETS}, tried_thrice)
        await bench.visma.change_ledger(
            BUILDER, "add", {"associateNo": 990001, "customerNo": 990001, "name": "Ny kunde"}, table="Associate"
        )
        await bench.of(CustomersRetrieved, company_id, count=2)
        await bench.visma.clear_faults()
        await bench.of(SyncCompleted, company_id, count=2)
        assert len(await bench.of(SyncNeedsAttention, company_id)) == 1
        await bench.visma.fault(effect="error", table="generalLedgerTransaction", **UNKNOWN)
        _, ledger = await bench.of(SyncNeedsAttention, company_id, count=2)
        assert (ledger.data_set, ledger.status) == (DataSet.ACCOUNT_BALANCES, SyncStatus.NEEDS_CONSENT)
        await bench.visma.clear_faults()
        await bench.said(company_id, {DataSet.ACCOUNT_BALANCES}, is_complete)


async def test_what_a_customers_visma_does_not_know_is_told_once_and_holds_nothing_up(bench: Any) -> None:
    for table in ("capitalAsset", "taxCode"):
        await bench.visma.fault(effect="error", table=table, **UNKNOWN)
    modules = [Module.VAT, Module.ASSETS]
    async with bench.worker(**SOON, freshness_minutes=0.005):
        company_id = await bench.create(BUILDER, months=1, modules=modules)
        [completed] = await bench.of(SyncCompleted, company_id)
        lacking = {each.data_set for each in completed.data_sets if each.status is SyncStatus.NOT_SUPPORTED}
        assert lacking == {DataSet.CAPITAL_ASSETS, DataSet.VAT_CODES, DataSet.VAT_FIGURES}
        await bench.said(company_id, {DataSet.CAPITAL_ASSETS}, tried_thrice)
        told = await bench.of(SyncNeedsAttention, company_id, count=3)
        assert sorted(each.data_set for each in told) == sorted(lacking)
        assert all("tried again every day" in each.hint for each in told)
        await bench.visma.clear_faults()
        for data_set in lacking:
            await bench.said(company_id, {data_set}, is_complete)
    assert await bench.rows("capital_asset", company_id)
