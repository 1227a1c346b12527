"""Answers of every shape, and what the client makes of them."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from visma_nxt import Company, Page, VismaClient, VismaSettings
from visma_nxt.errors import CompanyNotOpened, CustomerNotActivated, UnexpectedAnswer, WrongCompanyAnswered
from visma_nxt.filters import eq, lte
from visma_nxt.tables import GENERAL_LEDGER_TRANSACTION, TAX_CODE

pytestmark = pytest.mark.servers

COMPANY = 7100001
LINE = dict.fromkeys(GENERAL_LEDGER_TRANSACTION.columns) | {"voucherJournalNo": 7, "auditNo": 3, "voucherDate": 20260131}


def line(amount: str) -> bytes:
    """A ledger line with an amount as it is written."""
    [name] = {"postedAmountDomestic"} & GENERAL_LEDGER_TRANSACTION.amounts
    items = {"items": [LINE | {name: orjson.Fragment(amount)}]}
    information = {"items": [{"companyNo": "NO 999 888 777 MVA"}]}
    return orjson.dumps({"data": {"useCompany": {"companyInformation": information, "generalLedgerTransaction": items}}})


def codes(*numbers: int, total: int | None = None) -> dict[str, Any]:
    items = [dict.fromkeys(TAX_CODE.columns) | {"taxCode": number, "description": "Utgående avgift"} for number in numbers]
    return {"taxCode": {"items": items} | ({} if total is None else {"totalCount": total})}


async def page(visma: Any, settings: VismaSettings, reply: Any, **arguments: Any) -> Page:
    visma.graphql.append(reply)
    async with VismaClient(settings) as client:
        return await client.rows(TAX_CODE, COMPANY, **arguments)


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        ("-9007199254740993.10", "-9007199254740993.10"),
        ("0.1", "0.1"),
        ("100", "100"),
        ("-0.00", "0.00"),
        ("1e3", "1000"),
        ("null", None),
    ],
)
async def test_amounts_are_exact_and_of_one_type(visma: Any, settings: VismaSettings, written: str, exact: str | None) -> None:
    visma.graphql.append(visma.told(line(written)))
    async with VismaClient(settings) as client:
        found = await client.rows(GENERAL_LEDGER_TRANSACTION, COMPANY)
    [row] = found.rows
    assert row["postedAmountDomestic"] == (exact and Decimal(exact))
    assert isinstance(row["postedAmountDomestic"], Decimal | None)
    assert row["voucherDate"] == 20260131
    assert found.last_key == (7, 3)


@pytest.mark.parametrize(
    ("rows", "total", "more"),
    [((1, 2, 3), None, True), ((1, 2), None, False), ((), None, False), ((1, 2, 3), 3, False), ((1, 2, 3), 4, True)],
)
async def test_more_rows_or_not(visma: Any, settings: VismaSettings, rows: tuple[int, ...], total: int | None, more: bool) -> None:
    reply = visma.information(**codes(*rows, total=total))
    found = await page(visma, settings, reply, first=3, with_total=total is not None)
    assert (found.has_more, found.total) == (more, total)
    assert found.last_key == ((rows[-1],) if rows else None)


async def test_a_page_cut_short_by_visma_is_not_the_last_one(visma: Any, settings: VismaSettings) -> None:
    reply = visma.information(**codes(1, 2, total=900))
    assert (await page(visma, settings, reply, first=1000, with_total=True)).has_more


async def test_values_travel_as_variables(visma: Any, settings: VismaSettings) -> None:
    visma.graphql.append(visma.information(**codes(1)))
    async with VismaClient(settings) as client:
        where = lte("postedAmountDomestic", Decimal("123456789012345678.90"))
        await client.rows(TAX_CODE, COMPANY, where=where, after=(64,), first=17)
    [asked] = visma.asked_for("/graphql")
    question = orjson.loads(asked.body)
    assert question["operationName"] == "TaxCodeRows"
    assert "query TaxCodeRows(" in question["query"]
    assert not any(value in question["query"] for value in (str(COMPANY), "64", "17", "123456"))
    assert question["variables"]["company"] == COMPANY
    assert question["variables"]["first"] == 17
    assert question["variables"]["filter"]["_and"][1] == {"taxCode": {"_gt": 64}}
    assert b'{"_lte":123456789012345678.90}' in asked.body


async def test_no_condition_is_no_variable(visma: Any, configure: Any) -> None:
    await page(visma, configure(page_size=250), visma.information(**codes(1)))
    assert orjson.loads(visma.asked_for("/graphql")[0].body)["variables"] == {"company": COMPANY, "first": 250}


async def test_a_page_has_a_largest_size(settings: VismaSettings) -> None:
    async with VismaClient(settings) as client:
        with pytest.raises(ValueError, match="2000"):
            await client.rows(TAX_CODE, COMPANY, first=2001)


async def test_rows_of_another_company_are_refused(visma: Any, settings: VismaSettings) -> None:
    reply = visma.information("111222333", **codes(1))
    with pytest.raises(WrongCompanyAnswered, match="111222333 instead of 999888777") as caught:
        await page(visma, settings, reply, organisation_number="999888777")
    assert caught.value.company_no == COMPANY


@pytest.mark.parametrize("answered", ["NO 999 888 777 MVA", "", None])
async def test_rows_of_the_right_company_or_of_one_without_a_number(visma: Any, settings: VismaSettings, answered: str | None) -> None:
    found = await page(visma, settings, visma.information(answered, **codes(1)), organisation_number="999888777")
    assert len(found.rows) == 1


async def test_groups_of_another_company_are_refused(visma: Any, settings: VismaSettings) -> None:
    visma.graphql.append(visma.information("111222333", generalLedgerTransaction={"items": []}))
    async with VismaClient(settings) as client:
        with pytest.raises(WrongCompanyAnswered):
            await client.grouped(
                GENERAL_LEDGER_TRANSACTION,
                COMPANY,
                by=["accountNo"],
                sums=["postedAmountDomestic"],
                count="auditNo",
                organisation_number="999888777",
            )


async def test_groups_are_flat_and_exact(visma: Any, settings: VismaSettings) -> None:
    sums = [{"postedAmountDomestic": None}, {"postedAmountDomestic": 7}]
    items = [{"accountNo": 1500 + number, "aggregates": {"sum": each, "count": {"auditNo": 9}}} for number, each in enumerate(sums)]
    visma.graphql.append(visma.information(generalLedgerTransaction={"items": items}))
    async with VismaClient(settings) as client:
        found = await client.grouped(
            GENERAL_LEDGER_TRANSACTION,
            COMPANY,
            by=["accountNo"],
            sums=["postedAmountDomestic"],
            count="auditNo",
            where=eq("year", 2026),
        )
    assert found == [
        {"accountNo": 1500, "postedAmountDomestic": Decimal(0), "count": 9},
        {"accountNo": 1501, "postedAmountDomestic": Decimal(7), "count": 9},
    ]
    assert all(type(group["postedAmountDomestic"]) is Decimal for group in found)


async def test_rows_beside_an_error_are_not_used(visma: Any, settings: VismaSettings) -> None:
    data = {"useCompany": {"companyInformation": {"items": [{"companyNo": "999888777"}]}} | codes(1)}
    with pytest.raises(UnexpectedAnswer, match="half of it is missing"):
        await page(visma, settings, visma.error("half of it is missing", data=data))


async def test_the_telling_error_is_raised_among_several(visma: Any, settings: VismaSettings) -> None:
    messages = ["something else", "Could not get authorize user using VismaNetCompanyId: 7100001. Status: 18."]
    reply = visma.told({"errors": [{"message": message} for message in messages], "data": {"useCompany": None}})
    with pytest.raises(CompanyNotOpened):
        await page(visma, settings, reply)


@pytest.mark.parametrize(
    "content",
    [
        {"data": {"useCompany": None}},
        {"data": {"useCompany": {"companyInformation": {"items": []}}}},
        {"data": {"useCompany": {"taxCode": {"items": []}}}},
        {"data": {"useCompany": {"companyInformation": {"items": []}, "taxCode": None}}},
        {"data": {"useCompany": {"companyInformation": {"items": []}, "taxCode": {"items": None}}}},
        {"data": {"useCompany": {"companyInformation": {"items": []}, "taxCode": {"items": [None]}}}},
        {"data": {"useCompany": {"companyInformation": {"items": []}, "taxCode": {"items": [{}]}}}},
        {"data": {"useCompany": {"companyInformation": {"items": []}, "taxCode": {"items": [{"taxCode": None}]}}}},
        {"data": None},
        {},
        [],
        7,
    ],
)
async def test_an_answer_of_no_known_shape(visma: Any, settings: VismaSettings, content: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        await page(visma, settings, visma.told(content))


@pytest.mark.parametrize("status", [302, 400, 403, 404])
async def test_a_status_of_no_known_meaning(visma: Any, settings: VismaSettings, status: int) -> None:
    with pytest.raises(UnexpectedAnswer, match=f"HTTP {status}"):
        await page(visma, settings, visma.told(b"<html>", status=status))


def listed(*items: dict[str, Any] | None) -> dict[str, Any]:
    return {"availableCompanies": {"items": list(items)}}


def a_company(**changes: Any) -> dict[str, Any]:
    usual = {"vismaNetCompanyId": 1, "vismaNetCustomerId": 12345, "name": "Ås AS", "organizationNo": "999 888 777"}
    return usual | changes


async def test_a_hidden_organisation_number_does_not_hide_the_list(visma: Any, settings: VismaSettings, logs: Any) -> None:
    visma.graphql.append(visma.error("no right to read it", data=listed(a_company(organizationNo=None), a_company())))
    async with VismaClient(settings) as client:
        found = await client.available_companies(12345)
    assert found == [Company(1, "Ås AS", None), Company(1, "Ås AS", "999888777")]
    assert "visma.companies_incomplete" in [line["event"] for line in logs]


async def test_a_company_of_another_customer_is_refused(visma: Any, settings: VismaSettings) -> None:
    visma.graphql.append(visma.told({"data": listed(a_company(vismaNetCustomerId=67890))}))
    async with VismaClient(settings) as client:
        with pytest.raises(WrongCompanyAnswered):
            await client.available_companies(12345)


async def test_no_list_and_a_reason(visma: Any, settings: VismaSettings) -> None:
    message = "Could not get authorize user using VismaNetCustomerId: 67890. Status: 18."
    visma.graphql.append(visma.error(message, data={"availableCompanies": None}))
    async with VismaClient(settings) as client:
        with pytest.raises(CustomerNotActivated) as caught:
            await client.available_companies(67890)
    assert caught.value.customer_no == 67890


@pytest.mark.parametrize("data", [{}, {"availableCompanies": None}, listed(None), listed(a_company(vismaNetCompanyId=None))])
async def test_a_list_of_no_known_shape(visma: Any, settings: VismaSettings, data: Any) -> None:
    visma.graphql.append(visma.told({"data": data}))
    async with VismaClient(settings) as client:
        with pytest.raises(UnexpectedAnswer):
            await client.available_companies(12345)


async def test_log_lines_name_the_call_and_nothing_of_its_content(visma: Any, settings: VismaSettings, logs: Any) -> None:
    reply = visma.told(visma.information(**codes(1)).body, x_vbc_traceid="trace-7")
    await page(visma, settings, reply, where=eq("description", "Kari Nordmann"))
    [line] = logs
    assert line.pop("ms") >= 0
    assert line.pop("bytes") > 0
    assert line == {
        "event": "visma.call_answered",
        "log_level": "info",
        "operation": "TaxCodeRows",
        "company": COMPANY,
        "customer": None,
        "attempt": 1,
        "status": 200,
        "visma_trace_id": "trace-7",
        "codes": [],
    }
