"""The whole connector on real servers: events and commands in, events and outcomes out, Visma as the simulator plays it."""

from collections import Counter
from typing import Any

import asyncpg
import httpx
import pytest

from contracts.org import VismaIdsRegistered, VismaIdsRemoved
from contracts.results import CommandRejected, CommandSucceeded
from contracts.sync import DataSet
from contracts.visma import (
    ChangeKind,
    DenialReason,
    RefreshVismaCompanies,
    VismaCompaniesListed,
    VismaCompanyAccessChanged,
    VismaConnectorEvent,
    VismaCustomerAccessDenied,
    VismaCustomerConnected,
    VismaDataChanged,
)
from local_stack.ports import free_port
from testkit.probe import probe

pytestmark = pytest.mark.long


def kinds(running: Any) -> list[str]:
    """What the connector has said so far, in order."""
    said = [seen.message for seen in running.gateway.seen if isinstance(seen.message, VismaConnectorEvent)]
    return [type(message).__name__ for message in said]


async def test_a_registered_id_is_connected_and_its_companies_listed(connector: Any) -> None:
    async with connector() as running:
        event_id = await running.register(12345)
        (listed,) = await running.gateway.published(VismaCompaniesListed)

        assert kinds(running) == ["VismaCustomerConnected", "VismaCompaniesListed"]
        assert [(company.visma_company_id, company.name, company.readable) for company in listed.companies] == [
            (7100001, "Lyngen Bakeri AS", True),
            (7100002, "Brattbakken Bygg AS", True),
            (7100003, "Sjøgata Restaurant AS", False),
        ]
        assert all(company.organisation_number for company in listed.companies)
        assert "Connect Application Access" in (listed.companies[2].hint or "")
        attributes = running.attributes(listed)
        assert (attributes.causationid, attributes.correlationid) == (event_id, event_id)
        assert attributes.organizationid == str(running.organization_id)


@pytest.mark.parametrize(
    ("visma_customer_id", "reason"),
    [
        (67890, DenialReason.NOT_ACTIVATED),
        (99999, DenialReason.UNKNOWN_CUSTOMER),
        (55555, DenialReason.NO_COMPANY_OPENED),
        (44444, DenialReason.NO_COMPANY_OPENED),
    ],
)
async def test_each_thing_the_customer_must_mend_has_its_own_reason_and_remedy(
    connector: Any, visma_customer_id: int, reason: DenialReason
) -> None:
    async with connector() as running:
        event_id = await running.register(visma_customer_id)
        (denied,) = await running.gateway.published(VismaCustomerAccessDenied)

        assert (denied.reason, denied.temporary, denied.visma_customer_id) == (reason, False, visma_customer_id)
        assert str(visma_customer_id) in denied.message
        assert denied.hint.startswith("1. ")
        assert running.attributes(denied).causationid == event_id


async def test_an_unreachable_visma_is_told_after_some_attempts_and_the_service_stays_ready(connector: Any, visma: Any) -> None:
    await visma.proxy.refuse()
    async with connector(unreachable_first=0.05, unreachable_longest=0.05) as running:
        event_id = await running.register(12345)
        (denied,) = await running.gateway.published(VismaCustomerAccessDenied)

        assert (denied.reason, denied.temporary) == (DenialReason.VISMA_UNREACHABLE, True)
        assert running.attributes(denied).causationid == event_id
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{running.health}/readyz")).status_code == 200
            metrics = (await http.get(f"{running.health}/metrics")).text
        assert 'visma_connector_probes_total{outcome="visma_unreachable"}' in metrics


async def test_a_service_that_has_stopped_itself_is_not_ready_and_says_why_until_it_is_resumed(connector: Any) -> None:
    async with connector() as running, httpx.AsyncClient() as http:
        database = await asyncpg.connect(running.dsn)

        async def answers(status: int) -> Any:
            response = await http.get(f"{running.health}/readyz")
            assert response.status_code == status, response.text
            return response.json()

        try:
            await probe(lambda: answers(200), within=15)
            await database.execute(
                "INSERT INTO eventing.consumer_pause (kind, by, why) VALUES ('too_many_broken', 'visma-connector', 'most were broken')"
            )
            refused = await probe(lambda: answers(503), within=15)
            assert [name for name, check in refused["checks"].items() if not check["ok"]] == ["consumer"]
            assert refused["checks"]["consumer"]["why"].startswith("paused by visma-connector since ")
            assert refused["checks"]["consumer"]["why"].endswith(": most were broken")
            await database.execute("DELETE FROM eventing.consumer_pause")
            assert (await probe(lambda: answers(200), within=15))["ok"]
        finally:
            await database.close()


async def test_refused_credentials_of_ours_are_temporary_for_the_user(connector: Any) -> None:
    async with connector(visma_settings={"client_secret": "wrong"}) as running:
        await running.register(12345)
        (denied,) = await running.gateway.published(VismaCustomerAccessDenied)

        assert (denied.reason, denied.temporary) == (DenialReason.NOT_AUTHENTICATED, True)
        assert "wrong" not in denied.model_dump_json()


async def test_a_later_activation_is_noticed_by_the_next_probe(connector: Any, visma: Any) -> None:
    async with connector(denied_every=0.1) as running:
        await running.register(67890)
        (denied,) = await running.gateway.published(VismaCustomerAccessDenied)
        assert "isv_accountflow" in denied.hint

        await visma.activate(67890)
        (listed,) = await running.gateway.published(VismaCompaniesListed)

        assert kinds(running) == ["VismaCustomerAccessDenied", "VismaCustomerConnected", "VismaCompaniesListed"]
        assert [(company.visma_company_id, company.readable) for company in listed.companies] == [(7300001, True)]
        assert running.attributes(listed).causationid is None
        assert running.attributes(listed).correlationid != running.attributes(denied).correlationid


async def test_companies_that_are_opened_and_closed_later_are_told(connector: Any, visma: Any) -> None:
    async with connector(connected_every=0.1) as running:
        await running.register(12345)
        await running.gateway.published(VismaCompaniesListed)

        await visma.give_access(7100003, "open")
        (opened,) = await running.gateway.published(VismaCompanyAccessChanged)
        assert (opened.visma_company_id, opened.readable, opened.hint) == (7100003, True, None)

        await visma.give_access(7100001, "listed")
        closed = (await running.gateway.published(VismaCompanyAccessChanged, count=2))[-1]
        assert (closed.visma_company_id, closed.readable) == (7100001, False)
        assert "Connect Application Access" in closed.hint

        await visma.give_access(7100002, "closed")
        vanished = (await running.gateway.published(VismaCompanyAccessChanged, count=3))[-1]
        assert (vanished.visma_company_id, vanished.readable) == (7100002, False)
        assert vanished.hint

        listed = await running.gateway.published(VismaCompaniesListed, count=4)
        assert [[(company.visma_company_id, company.readable) for company in list_.companies] for list_ in listed[1:]] == [
            [(7100001, True), (7100002, True), (7100003, True)],
            [(7100001, False), (7100002, True), (7100003, True)],
            [(7100001, False), (7100003, True)],
        ]


async def test_a_withdrawn_activation_empties_the_list(connector: Any, visma: Any) -> None:
    async with connector() as running:
        # By command, because one of many probes would be in the middle of its questions when it is withdrawn, and tell of half of it.
        refresh = RefreshVismaCompanies(organization_id=running.organization_id)
        await running.register(12345)
        await running.gateway.published(VismaCompaniesListed)
        await visma.activate(12345, activated=False)
        await running.gateway.ask(refresh, actor=running.accountant)
        changes = await running.gateway.published(VismaCompanyAccessChanged, count=2)
        assert kinds(running)[2:] == ["VismaCustomerAccessDenied", "VismaCompaniesListed"] + ["VismaCompanyAccessChanged"] * 2
        assert (await running.gateway.published(VismaCompaniesListed))[-1].companies == []
        assert [(change.visma_company_id, change.readable) for change in changes] == [(7100001, False), (7100002, False)]

        await visma.activate(12345)
        await running.gateway.ask(refresh, actor=running.accountant)
        changes = await running.gateway.published(VismaCompanyAccessChanged, count=4)
        assert [(change.visma_company_id, change.readable) for change in changes[2:]] == [(7100001, True), (7100002, True)]


async def test_a_refresh_asks_visma_now(connector: Any) -> None:
    async with connector() as running:
        await running.register(12345, 67890)
        await running.gateway.published(VismaCompaniesListed)
        await running.gateway.published(VismaCustomerAccessDenied)

        everything = RefreshVismaCompanies(organization_id=running.organization_id)
        command_id = await running.gateway.command(everything, actor=running.accountant)
        (outcome,) = await running.gateway.outcomes(command_id)
        assert isinstance(outcome, CommandSucceeded)
        assert outcome.result == {"refreshing": [12345, 67890]}
        listed = (await running.gateway.published(VismaCompaniesListed, count=2))[-1]
        denied = (await running.gateway.published(VismaCustomerAccessDenied, count=2))[-1]
        assert running.attributes(listed).causationid == running.attributes(denied).causationid == command_id
        assert len(await running.gateway.published(VismaCustomerConnected)) == 1

        one = RefreshVismaCompanies(organization_id=running.organization_id, visma_customer_id=12345)
        outcome = await running.gateway.ask(one, actor=running.accountant)
        assert outcome.result == {"refreshing": [12345]}


async def test_a_refresh_of_what_the_organisation_does_not_hold_is_refused(connector: Any) -> None:
    async with connector() as running:
        await running.register(12345)
        await running.gateway.published(VismaCompaniesListed)
        refresh = RefreshVismaCompanies(organization_id=running.organization_id, visma_customer_id=67890)

        outcome = await running.gateway.ask(refresh, actor=running.accountant)
        assert isinstance(outcome, CommandRejected)
        assert (outcome.code, [error.field for error in outcome.errors]) == ("visma_customer_id_not_held", ["visma_customer_id"])


async def test_a_refresh_needs_an_accountant(connector: Any) -> None:
    async with connector() as running:
        refresh = RefreshVismaCompanies(organization_id=running.organization_id)
        outcome = await running.gateway.ask(refresh, actor=running.reader)
        assert isinstance(outcome, CommandRejected)
        assert outcome.code == "role_too_low"


async def test_a_refresh_waits_for_the_registration_that_is_on_its_way(connector: Any) -> None:
    async with connector() as running, asyncpg.create_pool(running.dsn, min_size=1, max_size=1) as pool:
        await running.register(55555)
        await running.gateway.published(VismaCustomerAccessDenied)
        refresh = RefreshVismaCompanies(organization_id=running.organization_id, visma_customer_id=12345)
        command_id = await running.gateway.command(refresh, actor=running.accountant)
        await probe(lambda: pool.fetchval("SELECT EXISTS (SELECT 1 FROM eventing.parked)"), within=10)

        await running.register(12345)
        (outcome,) = await running.gateway.outcomes(command_id)
        assert isinstance(outcome, CommandSucceeded), outcome


async def test_a_removed_id_ends_its_connection(connector: Any) -> None:
    async with connector(connected_every=0.1) as running:
        await running.register(12345)
        await running.gateway.published(VismaCompaniesListed)
        event_id = await running.org_event(VismaIdsRemoved, visma_customer_ids=[12345], removed_by="kari")

        await running.gateway.published(VismaCompanyAccessChanged, count=2)
        listed = (await running.gateway.published(VismaCompaniesListed, count=2))[-1]
        assert listed.companies == []
        assert running.attributes(listed).causationid == event_id
        connection = await asyncpg.connect(running.dsn)
        left = await connection.fetchval("SELECT count(*) FROM connector.connection") + await connection.fetchval(
            "SELECT count(*) FROM connector.company"
        )
        await connection.close()
        assert left == 0


async def test_the_same_registration_twice_is_one(connector: Any, visma: Any) -> None:
    async with connector() as running:
        await running.register(12345)
        await running.gateway.published(VismaCompaniesListed)
        numbers = running.gateway._sequences
        numbers.subtract(list(numbers))  # the same number again: the same event, delivered again
        await running.register(12345)
        await running.org_event(VismaIdsRegistered, visma_customer_ids=[12345], registered_by="kari")  # a new event, the same ID
        await running.register(99999)  # same key: when this one is answered, the others have been handled
        await running.gateway.published(VismaCustomerAccessDenied)

        assert kinds(running) == ["VismaCustomerConnected", "VismaCompaniesListed", "VismaCustomerAccessDenied"]
        assert await visma.asked() == 2


async def test_nothing_is_taken_away_while_visma_is_away(connector: Any, visma: Any) -> None:
    async with connector(connected_every=0.1, unreachable_first=0.05, unreachable_longest=0.1, unreachable_after=3) as running:
        await running.register(12345)
        await running.gateway.published(VismaCompaniesListed)
        await visma.proxy.refuse()
        (denied,) = await running.gateway.published(VismaCustomerAccessDenied)
        assert denied.reason is DenialReason.VISMA_UNREACHABLE

        connection = await asyncpg.connect(running.dsn)
        failures = "SELECT failures FROM connector.connection WHERE failures >= 6"
        await probe(lambda: connection.fetchval(failures), within=10)
        await connection.close()
        await visma.proxy.restore()
        await running.gateway.published(VismaCustomerConnected, count=2)

        assert kinds(running) == ["VismaCustomerConnected", "VismaCompaniesListed", "VismaCustomerAccessDenied", "VismaCustomerConnected"]


async def test_one_company_that_visma_cannot_tell_about_stays_as_it_was(connector: Any, visma: Any) -> None:
    async with connector(connected_every=0.1, denied_every=0.1) as running:
        await running.register(12345)
        await running.gateway.published(VismaCompaniesListed)
        await visma.fault("status", status=503, company=7100001, operation="Readability", times=None)
        asked = await visma.asked("Readability")
        await probe(lambda: _asked_more_than(visma, asked + 12), within=10)
        await visma.give_access(7100003, "open")
        (opened,) = await running.gateway.published(VismaCompanyAccessChanged)

        assert opened.visma_company_id == 7100003
        assert [company.readable for company in (await running.gateway.published(VismaCompaniesListed))[-1].companies] == [True] * 3


async def _asked_more_than(visma: Any, requests: int) -> bool:
    return await visma.asked("Readability") > requests


async def test_what_changes_in_visma_is_told_whatever_happens_on_the_way(connector: Any, visma: Any) -> None:
    port = free_port()
    line = {"accountNo": 1920, "year": 2026, "period": 1, "postedAmountDomestic": "100.05", "voucherDate": 20260131}
    async with connector(webhook={"secret": "the-key", "port": port, "gather": 0.5}) as running:
        await running.register(12345)
        await running.gateway.published(VismaCompaniesListed)
        await visma.subscribe(url=f"http://127.0.0.1:{port}/webhooks/visma", key="the-key", attempts=1)
        for place, effect in enumerate(("lost", "forged", "reordered", "doubled")):
            await visma.fault(effect, skip=place)
        await visma.change(7100001, "add", [line] * 20)
        await visma.change(7100003, "add", line)  # is not opened for us

        told = [(await running.gateway.published(VismaDataChanged))[0]]
        assert (told[0].organization_id, told[0].visma_customer_id) == (running.organization_id, 12345)
        assert {change.kind for change in told[0].changes} == {ChangeKind.INSERTED}
        assert DataSet.LEDGER_LINES in {change.data_set for change in told[0].changes}
        assert running.attributes(told[0]).organizationid == str(running.organization_id)

        await probe(lambda: delivered(visma, 22), within=10)
        deliveries = [(status, *faults) for status, faults in await visma.deliveries()]
        assert Counter(deliveries) == {(0, "Lost"): 1, (401, "Forged"): 1, (202, "Reordered"): 1, (202, "Doubled"): 2, (202,): 17}
        told = await running.gateway.published(VismaDataChanged, count=1)
        assert {event.visma_company_id for event in told} == {7100001}
        assert len(told) < 5


async def delivered(visma: Any, attempts: int) -> bool:
    return len(await visma.deliveries()) >= attempts
