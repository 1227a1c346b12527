"""The whole client over real HTTP against the stand-in of Business NXT: real ledgers, real refusals, real faults."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from visma_nxt import Asked, Page, Reach, VismaClient, VismaSettings
from visma_nxt.errors import CompanyNotOpened, NotAuthenticated, QueryRejected, ServerFault, UnexpectedAnswer, WrongCompanyAnswered
from visma_nxt.filters import all_of, any_of, eq, gt, gte, in_, lt
from visma_nxt.tables import ASSOCIATE, GENERAL_LEDGER_ACCOUNT, GENERAL_LEDGER_TRANSACTION, ORG_UNIT, ORG_UNITS, TABLES, Table
from visma_nxt.values import date_of
from visma_simulator import scenario
from visma_simulator.app import CONTROL_PATH, GRAPHQL_PATH, TOKEN_PATH, build_app
from visma_simulator.server import running

pytestmark = pytest.mark.servers

CUSTOMER, COMPANY, OTHER_COMPANY = 12345, 7100004, 7100003
LAST_YEAR = eq("year", 2025)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(build_app(scenario.load(lines=6000, today=date(2026, 3, 31)))) as url:
        yield url


class Control:
    """The simulator's control endpoint."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def set(self, what: str, content: Any) -> None:
        (await self._http.post(what, json=content)).raise_for_status()

    async def get(self, what: str) -> Any:
        return (await self._http.get(what)).raise_for_status().json()

    async def clear(self, what: str) -> None:
        (await self._http.delete(what)).raise_for_status()


@pytest.fixture(scope="module")
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url + CONTROL_PATH) as http:
        yield http


@pytest.fixture
async def control(http: httpx.AsyncClient) -> AsyncIterator[Control]:
    control = Control(http)
    await control.clear("/requests")
    await control.set("/limits", {"requests_per_minute": 100_000})
    yield control
    await control.clear("/faults")


def settings(url: str, **changes: Any) -> VismaSettings:
    usual = {
        "token_url": url + TOKEN_PATH,
        "graphql_url": url + GRAPHQL_PATH,
        "client_id": "isv_accountflow",
        "client_secret": "simulator-secret",
        "requests_per_minute": 60_000,
        "burst": 1000,
        "backoff": timedelta(milliseconds=5),
        "retry_attempts": 3,
    }
    return VismaSettings.model_validate(usual | changes)


@pytest.fixture
async def client(url: str, control: Control) -> AsyncIterator[VismaClient]:
    async with VismaClient(settings(url)) as client:
        yield client


async def every_page(client: VismaClient, table: Table, company: int = COMPANY, **arguments: Any) -> list[Page]:
    pages = [await client.rows(table, company, with_total=True, **arguments)]
    while pages[-1].has_more:
        pages.append(await client.rows(table, company, after=pages[-1].last_key, **arguments))
    return pages


@pytest.mark.parametrize("table", [*(each for each in TABLES if each not in ORG_UNITS), ORG_UNIT], ids=lambda table: table.name)
@pytest.mark.parametrize("first", [7, 2000])
async def test_pages_hold_every_row_once_in_key_order(client: VismaClient, table: Table, first: int) -> None:
    where = all_of(LAST_YEAR, eq("period", 2)) if table is GENERAL_LEDGER_TRANSACTION else None
    pages = await every_page(client, table, first=first, where=where)
    keys = [tuple(row[column] for column in table.key) for page in pages for row in page.rows]
    assert pages[0].total == len(keys) > 0
    assert keys == sorted(set(keys))
    assert all(set(row) == set(table.columns) for page in pages for row in page.rows)
    assert all(isinstance(row[amount], Decimal) for page in pages for row in page.rows for amount in table.amounts)
    assert all(date_of(row[day]) is None or row[day] for page in pages for row in page.rows for day in table.dates)


@pytest.mark.parametrize("table", [GENERAL_LEDGER_ACCOUNT, ORG_UNIT], ids=lambda table: table.name)
async def test_a_page_that_lacks_a_row_of_its_total_is_not_believed(client: VismaClient, control: Control, table: Table) -> None:
    await control.set("/faults", {"effect": "drop_row", "operation": f"{table.type_name}Rows", "index": 1, "times": 1})
    with pytest.raises(ServerFault) as refused:
        await client.rows(table, COMPANY, with_total=True, whole=True)
    assert refused.value.code == "TRUNCATED"
    page = await client.rows(table, COMPANY, with_total=True, whole=True)
    assert len(page.rows) == page.total
    assert (await client.rows(table, COMPANY, first=3, with_total=True, whole=True)).has_more


async def test_vismas_sums_are_those_of_the_rows(client: VismaClient) -> None:
    pages = await every_page(client, GENERAL_LEDGER_TRANSACTION, where=LAST_YEAR)
    by, sums = ["accountNo", "period"], ["postedAmountDomestic"]
    groups = await client.grouped(GENERAL_LEDGER_TRANSACTION, COMPANY, by=by, sums=sums, count="auditNo", where=LAST_YEAR)
    expected: dict[Any, Decimal] = {}
    counts: Counter[Any] = Counter()
    for row in (row for page in pages for row in page.rows):
        key = row["accountNo"], row["period"]
        expected[key] = expected.get(key, Decimal(0)) + row["postedAmountDomestic"]
        counts[key] += 1
    assert {(each["accountNo"], each["period"]): each["postedAmountDomestic"] for each in groups} == expected
    assert {(each["accountNo"], each["period"]): each["count"] for each in groups} == counts
    assert sum(expected.values()) == 0


async def test_marks_tell_of_every_change(client: VismaClient, control: Control) -> None:
    asked = [Asked(GENERAL_LEDGER_TRANSACTION, LAST_YEAR, ("year", "period")), Asked(GENERAL_LEDGER_ACCOUNT), Asked(ASSOCIATE)]
    [before, [accounts], [associates]] = await client.marks(COMPANY, asked)
    counted = await client.grouped(
        GENERAL_LEDGER_TRANSACTION,
        COMPANY,
        by=["year", "period"],
        sums=["postedAmountDomestic"],
        count="auditNo",
        where=LAST_YEAR,
        with_newest=True,
    )
    assert [(*mark.group, mark.rows, mark.newest) for mark in before] == [
        (each["year"], each["period"], each["count"], each["newest"]) for each in counted
    ]
    page = await client.rows(GENERAL_LEDGER_ACCOUNT, COMPANY, with_total=True, with_newest=True)
    assert (page.total, page.newest) == (accounts.rows, accounts.newest)
    changed = {"company": COMPANY, "action": "change", "table": "GeneralLedgerAccount", "row": {"accountNo": 1500, "name": "Debitorer"}}
    await control.set("/ledger", changed)
    [after, [renamed], [untouched]] = await client.marks(COMPANY, asked)
    assert (after, untouched) == (before, associates)
    assert renamed.rows == accounts.rows
    assert renamed.newest is not None
    assert accounts.newest is None or renamed.newest > accounts.newest


async def test_sums_under_several_conditions_at_once_are_those_asked_for_one_by_one(client: VismaClient) -> None:
    asked: dict[str, Any] = {"by": ["taxCode"], "sums": ["postedAmountDomestic"], "count": "auditNo"}
    wheres = [all_of(LAST_YEAR, eq("period", period)) for period in (1, 2, 99)]
    together = await client.grouped_each(GENERAL_LEDGER_TRANSACTION, COMPANY, wheres=wheres, **asked)
    assert together == [await client.grouped(GENERAL_LEDGER_TRANSACTION, COMPANY, where=where, **asked) for where in wheres]
    assert [bool(groups) for groups in together] == [True, True, False]


async def test_filters_select(client: VismaClient) -> None:
    where = all_of(gte("accountNo", 1500), lt("accountNo", 3000), any_of(in_("accountNo", [1500, 2400]), gt("accountNo", 2900)))
    page = await client.rows(GENERAL_LEDGER_ACCOUNT, COMPANY, where=where)
    numbers = {row["accountNo"] for row in page.rows}
    assert {1500, 2400} <= numbers
    assert all(number in (1500, 2400) or 2900 < number < 3000 for number in numbers)


async def test_companies_and_their_information(client: VismaClient) -> None:
    companies = await client.available_companies(CUSTOMER)
    assert len(companies) == 4
    assert len({company.organisation_number for company in companies}) == 4
    for company in companies:
        information = await client.company_information(company.company_no)
        assert information.organisation_number == company.organisation_number


async def test_a_known_company_is_recognised_and_another_refused(client: VismaClient, control: Control) -> None:
    number = (await client.company_information(COMPANY)).organisation_number
    await client.rows(ASSOCIATE, COMPANY, organisation_number=number)
    await control.set("/faults", {"effect": "wrong_company", "answer": OTHER_COMPANY, "times": 2})
    with pytest.raises(WrongCompanyAnswered):
        await client.rows(ASSOCIATE, COMPANY, organisation_number=number)
    with pytest.raises(WrongCompanyAnswered):
        await client.grouped(
            GENERAL_LEDGER_TRANSACTION,
            COMPANY,
            by=["accountNo"],
            sums=["postedAmountDomestic"],
            count="auditNo",
            organisation_number=number,
        )


@pytest.mark.parametrize(
    ("customer", "reach", "hint"),
    [
        (CUSTOMER, Reach.CONNECTED, ""),
        (67890, Reach.NOT_ACTIVATED, "activate the integration in Business NXT with our client key"),
        (55555, Reach.NO_COMPANY_OPENED, "Connect Application Access"),
        (99999, Reach.WRONG_ID, "Check the Visma customer ID"),
    ],
)
async def test_what_a_customer_id_is_worth(client: VismaClient, customer: int, reach: Reach, hint: str) -> None:
    probe = await client.probe(customer)
    assert (probe.customer_no, probe.reach) == (customer, reach)
    assert hint in (probe.hint or "")
    assert (probe.hint is None) == (reach is Reach.CONNECTED)
    assert [each.readable for each in probe.companies] == [True] * (4 if reach is Reach.CONNECTED else 0)


async def test_visma_away_says_nothing_about_rights(client: VismaClient, control: Control) -> None:
    await control.set("/faults", {"effect": "status", "status": 503, "times": None})
    probe = await client.probe(CUSTOMER)
    assert (probe.reach, probe.companies) == (Reach.UNREACHABLE, ())
    assert probe.hint


async def test_a_company_that_is_closed_to_us(client: VismaClient, control: Control) -> None:
    await control.set("/grants", {"company": COMPANY, "access": "listed"})
    try:
        with pytest.raises(CompanyNotOpened) as caught:
            await client.rows(ASSOCIATE, COMPANY)
        probe = await client.probe(CUSTOMER)
    finally:
        await control.set("/grants", {"company": COMPANY, "access": "open"})
    assert caught.value.company_no == COMPANY
    assert caught.value.trace_id
    assert probe.reach is Reach.CONNECTED
    [closed] = [each for each in probe.companies if not each.readable]
    assert closed.company.company_no == COMPANY
    assert isinstance(closed.obstacle, CompanyNotOpened)


async def test_no_listed_company_is_open(client: VismaClient, control: Control) -> None:
    await control.set("/faults", {"effect": "no_grant", "operation": "Readability", "times": 4})
    probe = await client.probe(CUSTOMER)
    assert probe.reach is Reach.NO_COMPANY_OPENED
    assert [each.readable for each in probe.companies] == [False] * 4


async def test_one_company_out_of_order_leaves_its_rights_unknown(client: VismaClient, control: Control) -> None:
    rule = {"effect": "status", "status": 502, "company": COMPANY, "times": None}
    await control.set("/faults", rule)
    probe = await client.probe(CUSTOMER)
    assert probe.reach is Reach.CONNECTED
    assert Counter(each.readable for each in probe.companies) == {True: 3, None: 1}


async def test_a_column_that_does_not_exist(client: VismaClient) -> None:
    table = Table(name="taxCode", key=("taxCode",), columns=("taxCode", "postingDate"))
    with pytest.raises(QueryRejected, match="postingDate") as caught:
        await client.rows(table, COMPANY)
    assert caught.value.code == "FIELDS_ON_CORRECT_TYPE"


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "status", "status": 401},
        {"effect": "status", "status": 429},
        {"effect": "status", "status": 429, "retry_after": 0},
        {"effect": "status", "status": 502},
        {"effect": "truncate"},
        {"effect": "drop"},
        {"effect": "drip", "ms": 1},
        {"effect": "error", "message": "Company 1 has 60 requests in progress.", "code": "OUTSTANDING_LIMIT_EXCEEDED"},
        {"effect": "status", "status": 503, "endpoint": "token"},
    ],
    ids=str,
)
async def test_pages_are_whole_in_bad_weather(url: str, control: Control, client: VismaClient, fault: dict[str, Any]) -> None:
    calm = await every_page(client, GENERAL_LEDGER_TRANSACTION, first=50, where=LAST_YEAR)
    await control.set("/faults", [fault | {"skip": skip} for skip in (0, 2)])
    async with VismaClient(settings(url, retry_attempts=9)) as stormy:
        pages = await every_page(stormy, GENERAL_LEDGER_TRANSACTION, first=50, where=LAST_YEAR)
    assert [page.rows for page in pages] == [page.rows for page in calm]
    expected = [1, 0] if fault.get("endpoint") == "token" else [1, 1]
    assert [rule["hits"] for rule in await control.get("/faults")] == expected


async def test_an_unknown_error_beside_rows(client: VismaClient, control: Control) -> None:
    await control.set("/faults", {"effect": "error", "table": "associate"})
    with pytest.raises(UnexpectedAnswer, match="while executing"):
        await client.rows(ASSOCIATE, COMPANY)
    assert [each["operation"] for each in (await control.get("/requests"))["requests"]] == [None, "AssociateRows"]


async def test_a_wrong_secret(url: str) -> None:
    async with VismaClient(settings(url, client_secret="another")) as client:
        with pytest.raises(NotAuthenticated) as caught:
            await client.probe(CUSTOMER)
    assert caught.value.code == "invalid_client"


async def test_revoked_tokens_are_replaced(client: VismaClient, control: Control) -> None:
    await client.company_information(COMPANY)
    await control.clear("/tokens")
    assert (await client.company_information(COMPANY)).organisation_number
