"""Queries over real HTTP, compared with what the same rows give when they are filtered, sorted and summed here."""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.servers

LEDGER = "generalLedgerTransaction"
COLUMNS = (
    "voucherJournalNo auditNo accountNo year period voucherNo voucherDate voucherDateAsDate text postedAmountDomestic "
    "invoiceNo customerNo changedTimestamp"
)
Row = dict[str, Any]


@pytest.fixture(scope="session")
def everything(_shared: Any) -> list[Row]:
    return list(_shared.table(LEDGER, COLUMNS))


def key(row: Row) -> tuple[int, int]:
    return row["voucherJournalNo"], row["auditNo"]


def before(row: Row, timestamp: str) -> bool:
    return row["changedTimestamp"] is not None and row["changedTimestamp"] < timestamp


FILTERS: list[tuple[str, Callable[[Row], bool]]] = [
    ("{accountNo:{_eq:1920}}", lambda row: row["accountNo"] == 1920),
    ("{accountNo:{_not_eq:1920}}", lambda row: row["accountNo"] != 1920),
    ("{accountNo:{_gt:3000},year:{_eq:2025}}", lambda row: row["accountNo"] > 3000 and row["year"] == 2025),
    ("{_and:[{year:{_gte:2025}},{period:{_lte:2}}]}", lambda row: row["year"] >= 2025 and row["period"] <= 2),
    ("{period:{_in:[3,13]}}", lambda row: row["period"] in {3, 13}),
    ("{period:{_not_in:[1,2,3,4,5,6,7,8,9,10,11,12]}}", lambda row: row["period"] == 13),
    ("{period:{_between:{from:2,to:3}}}", lambda row: 2 <= row["period"] <= 3),
    ("{period:{_not_between:{from:2,to:13}}}", lambda row: row["period"] == 1),
    ('{text:{_like:"%LØNN%"}}', lambda row: "lønn" in row["text"].lower()),
    ('{text:{_not_like:"%faktura"}}', lambda row: not row["text"].endswith("faktura")),
    ('{text:{_eq:"Gebyr"}}', lambda row: row["text"] == "Gebyr"),
    ('{invoiceNo:{_gt:""}}', lambda row: row["invoiceNo"] > ""),
    ('{invoiceNo:{_in:["20001","20002"]}}', lambda row: row["invoiceNo"] in {"20001", "20002"}),
    ("{postedAmountDomestic:{_lt:-12345.67}}", lambda row: row["postedAmountDomestic"] < Decimal("-12345.67")),
    ("{postedAmountDomestic:{_gt:0.005,_lt:200.005}}", lambda row: 0 < row["postedAmountDomestic"] <= Decimal("200.00")),
    ('{voucherDateAsDate:{_gte:"2026-05-01"}}', lambda row: row["voucherDate"] >= 20260501),
    ('{changedTimestamp:{_lt:"2025-01-01T00:00:00"}}', lambda row: before(row, "2025-01-01T00:00:00")),
    (
        "{_or:[{accountNo:{_eq:1500}},{_and:[{accountNo:{_eq:2400}},{_or:[{period:{_eq:1}},{year:{_eq:2026}}]}]}]}",
        lambda row: row["accountNo"] == 1500 or (row["accountNo"] == 2400 and (row["period"] == 1 or row["year"] == 2026)),
    ),
    ("{voucherJournalNo:{_eq:40}}", lambda row: row["voucherJournalNo"] == 40),
    (
        "{_and:[{voucherJournalNo:{_gt:40}},{voucherJournalNo:{_lte:42}},{auditNo:{_lt:3}}]}",
        lambda row: 40 < row["voucherJournalNo"] <= 42 and row["auditNo"] < 3,
    ),
    ("{_or:[]}", lambda _row: False),
    ("{}", lambda _row: True),
]


@pytest.mark.parametrize(("expression", "holds"), FILTERS, ids=[expression for expression, _ in FILTERS])
def test_filter_finds_the_rows_that_hold(visma: Any, everything: list[Row], expression: str, holds: Callable[[Row], bool]) -> None:
    expected = [key(row) for row in everything if holds(row)]
    assert [key(row) for row in visma.table(LEDGER, "voucherJournalNo auditNo", f"filter:{expression}")] == expected
    assert expression == "{_or:[]}" or expected


def test_rows_come_in_key_order_each_once(everything: list[Row]) -> None:
    keys = list(map(key, everything))
    assert keys == sorted(set(keys))


def test_order_by_several_columns(visma: Any, everything: list[Row]) -> None:
    expected = sorted(everything, key=lambda row: (-row["accountNo"], row["postedAmountDomestic"], key(row)))
    found = visma.table(LEDGER, COLUMNS, "orderBy:[{accountNo:DESC},{postedAmountDomestic:ASC}]")
    assert found == expected


@pytest.mark.parametrize("size", [1, 7, 500])
def test_keyset_pages_are_complete_without_duplicates(visma: Any, everything: list[Row], size: int) -> None:
    document = f"""query Page($first: Int!, $filter: FilterExpression_GeneralLedgerTransaction) {{ useCompany(no: 7100001) {{
        {LEDGER}(first: $first, filter: $filter, orderBy: [{{voucherJournalNo: ASC}}, {{auditNo: ASC}}]) {{
            items {{ {COLUMNS} }} }} }} }}"""
    period = [{"year": {"_eq": 2025}}, {"period": {"_eq": 12}}]
    expected = [row for row in everything if (row["year"], row["period"]) == (2025, 12)]
    if size == 1:
        expected = expected[:40]
    collected: list[Row] = []
    condition: list[Any] = list(period)
    while len(collected) < len(expected) or size > 1:
        page = visma.ask(document, first=size, filter={"_and": condition})["data"]["useCompany"][LEDGER]["items"]
        collected += page
        if len(page) < size:
            break
        journal, audit = key(page[-1])
        same_journal = {"_and": [{"voucherJournalNo": {"_eq": journal}}, {"auditNo": {"_gt": audit}}]}
        condition = [*period, {"_or": [{"voucherJournalNo": {"_gt": journal}}, same_journal]}]
    assert collected == expected


def page(visma: Any, arguments: str) -> tuple[list[int], dict[str, Any], int]:
    asked = (
        f"generalLedgerAccount({arguments}){{totalCount pageInfo{{hasNextPage hasPreviousPage startCursor endCursor}} items{{accountNo}}}}"
    )
    found = visma.ask(f"{{useCompany(no:7100001){{{asked}}}}}")["data"]["useCompany"]["generalLedgerAccount"]
    return [item["accountNo"] for item in found["items"]], found["pageInfo"], found["totalCount"]


@pytest.mark.parametrize("order", ["", ",orderBy:[{accountNo:DESC}]"])
def test_cursors_lead_forward_and_backward_through_all_rows(visma: Any, order: str) -> None:
    accounts, info, total = page(visma, f"first:1000{order}")
    assert len(accounts) == total == 48
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (False, False)
    forward, after = [], ""
    for number in itertools.count():
        found, info, total = page(visma, f"first:10{after}{order}")
        forward += found
        assert total == 48
        assert info["hasPreviousPage"] == (number > 0)
        if not info["hasNextPage"]:
            break
        after = f',after:"{info["endCursor"]}"'
    assert forward == accounts
    tail, info, _ = page(visma, f"last:5{order}")
    assert tail == accounts[-5:]
    earlier, info, _ = page(visma, f'last:5,before:"{info["startCursor"]}"{order}')
    assert earlier == accounts[-10:-5]
    assert page(visma, f"first:3,skip:4{order}")[0] == accounts[4:7]
    assert page(visma, f"last:3,skip:4{order}")[0] == accounts[-7:-4]


@pytest.mark.parametrize("argument", ["first:0", "last:-1", "skip:0", 'after:"x"'])
def test_a_wrong_page_argument_is_an_error_of_this_table_alone(visma: Any, argument: str) -> None:
    answer = visma.ask(f"{{useCompany(no:7100001){{bad:taxCode({argument}){{totalCount}} good:taxCode{{totalCount}}}}}}")
    assert answer["data"]["useCompany"] == {"bad": None, "good": {"totalCount": 7}}
    assert [error["path"] for error in answer["errors"]] == [["useCompany", "bad"]]


@pytest.mark.parametrize("columns", [("accountNo",), ("accountNo", "year", "period"), ("year", "period"), ("text",)])
@pytest.mark.parametrize(
    ("expression", "holds"),
    [("{}", lambda _row: True), ("{year:{_eq:2025},period:{_eq:2}}", lambda row: (row["year"], row["period"]) == (2025, 2))],
)
def test_grouped_sums_equal_the_sums_of_the_rows(
    visma: Any, everything: list[Row], columns: tuple[str, ...], expression: str, holds: Callable[[Row], bool]
) -> None:
    expected: dict[tuple[Any, ...], list[Decimal]] = defaultdict(list)
    for row in filter(holds, everything):
        expected[tuple(row[name] for name in columns)].append(row["postedAmountDomestic"])
    groups = ",".join(f"{{{name}:DEFAULT}}" for name in columns)
    amount = "{postedAmountDomestic}"
    selected = f"{' '.join(columns)} aggregates{{sum{amount} count{{auditNo}} minimum{amount} maximum{amount}}}"
    found = {}
    for item in visma.table(LEDGER, selected, f"filter:{expression},groupBy:[{groups}]"):
        values = item["aggregates"]
        found[tuple(item[name] for name in columns)] = [
            values["sum"]["postedAmountDomestic"],
            values["count"]["auditNo"],
            values["minimum"]["postedAmountDomestic"],
            values["maximum"]["postedAmountDomestic"],
        ]
    assert found == {group: [sum(amounts), len(amounts), min(amounts), max(amounts)] for group, amounts in expected.items()}
    assert list(found) == sorted(found)


def test_groups_sort_by_their_sum_and_first_caps_them(visma: Any, everything: list[Row]) -> None:
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for row in everything:
        sums[row["accountNo"]] += row["postedAmountDomestic"]
    found = visma.table(LEDGER, "accountNo", "groupBy:[{accountNo:DEFAULT}],orderBy:[{_sum:{postedAmountDomestic:DESC}}],first:3")
    assert [item["accountNo"] for item in found] == sorted(sums, key=lambda account: -sums[account])[:3]


def test_distinct_counts_and_nulls(visma: Any, everything: list[Row]) -> None:
    [item] = visma.table(
        LEDGER,
        "aggregates{countDistinct{customerNo changedTimestamp} count{changedTimestamp}}",
        "filter:{year:{_eq:2024}},groupBy:[{year:DEFAULT}]",
    )
    rows = [row for row in everything if row["year"] == 2024]
    stamps = [row["changedTimestamp"] for row in rows if row["changedTimestamp"]]
    assert item["aggregates"]["countDistinct"] == {
        "customerNo": len({row["customerNo"] for row in rows}),
        "changedTimestamp": len(set(stamps)),
    }
    assert item["aggregates"]["count"]["changedTimestamp"] == len(stamps) < len(rows)


def test_a_column_outside_the_groups_is_an_error(visma: Any) -> None:
    answer = visma.ask(f"{{useCompany(no:7100001){{{LEDGER}(groupBy:[{{year:DEFAULT}}]){{items{{accountNo}}}}}}}}")
    assert "accountNo" in answer["errors"][0]["message"]


def test_amounts_are_written_with_two_decimals(visma: Any) -> None:
    text = visma.post(f"{{useCompany(no:7100001){{{LEDGER}{{items{{postedAmountDomestic}}}}}}}}").text
    amounts = re.findall(r'"postedAmountDomestic":([^}]+)', text)
    assert len(amounts) > 5000
    assert all(re.fullmatch(r"-?\d+\.\d\d", amount) for amount in amounts)


def test_twins_names_and_aliases(visma: Any) -> None:
    document = """query Twins($yes: Boolean!) { useCompany(no: 7100001) {
        first: accountingPeriod(first: 1) { __typename items { ...Named description @skip(if: $yes) accountingPeriodProcessingFlags } }
        associate(first: 1) { items { dueless: customerNo createdDate createdDateAsDate createdTime createdDateTime createdTimestamp } } } }
        fragment Named on AccountingPeriod { __typename year fromDate from: fromDateAsDate }"""
    found = visma.ask(document, yes=True)["data"]["useCompany"]
    assert found["first"] == {
        "__typename": "Query_UseCompany_AccountingPeriod_Connection",
        "items": [
            {
                "__typename": "AccountingPeriod",
                "year": 2024,
                "fromDate": 20240101,
                "from": "2024-01-01",
                "accountingPeriodProcessingFlags": ["Closed"],
            }
        ],
    }
    assert found["associate"]["items"][0] == {
        "dueless": 10001,
        "createdDate": 20240101,
        "createdDateAsDate": "2024-01-01",
        "createdTime": 0,
        "createdDateTime": "2024-01-01T00:00:00.0000000",
        "createdTimestamp": None,
    }


def test_introspection_lists_columns(visma: Any) -> None:
    answer = visma.ask(
        "query($name: String!) { __type(name: $name) { fields { name type { name kind } } } }", name="GeneralLedgerTransaction"
    )
    fields = {field["name"]: field["type"]["name"] for field in answer["data"]["__type"]["fields"]}
    assert fields["postedAmountDomestic"] == "Decimal"
    assert {"voucherJournalNo", "changedTimestamp", "originAsEnum"} <= set(fields)


@pytest.mark.parametrize(
    ("document", "code", "rule", "number"),
    [
        ("{useCompany(no:1){foo{totalCount}}}", "FIELDS_ON_CORRECT_TYPE", "FieldsOnCorrectTypeError", "5.3.1"),
        ("{useCompany(no:1){taxCode(frist:1){totalCount}}}", "KNOWN_ARGUMENT_NAMES", "KnownArgumentNamesError", "5.4.1"),
        ("query($a:Foo){availableCompanies{totalCount}}", "KNOWN_TYPE_NAMES", "KnownTypeNamesError", "5.5.1.2"),
        ('{useCompany(no:"x"){taxCode{totalCount}}}', "ARGUMENTS_OF_CORRECT_TYPE", "ArgumentsOfCorrectTypeError", "5.6.1"),
        ("{useCompany(no:1){taxCode}}", "SCALAR_LEAFS", "ScalarLeafsError", "5.3.3"),
        ("{useCompany(no:$n){taxCode{totalCount}}}", "NO_UNDEFINED_VARIABLES", "NoUndefinedVariablesError", "5.8.3"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_as_the_server_does(visma: Any, document: str, code: str, rule: str, number: str) -> None:
    response = visma.post(document)
    assert response.status_code == 200
    answer = response.json()
    assert "data" not in answer
    found = [error for error in answer["errors"] if error["extensions"]["code"] == code]
    assert found[0]["extensions"] == {"code": code, "codes": [code], "number": number}
    assert found[0]["message"].startswith(f"GraphQL.Validation.Errors.{rule}: ")
    assert found[0]["locations"][0]["line"] == 1


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        ("{useCompany(", {}, "SYNTAX_ERROR"),
        ("query($n:Int!){useCompany(no:$n){taxCode{totalCount}}}", {"n": "seven"}, "INVALID_VALUE"),
        ("query($n:Int!){useCompany(no:$n){taxCode{totalCount}}}", {}, "INVALID_VALUE"),
        ("query A{availableCompanies{totalCount}} query B{availableCompanies{totalCount}}", {}, "INVALID_OPERATION"),
        ("mutation{asyncQuery}", {}, "INVALID_OPERATION"),
    ],
)
def test_what_cannot_be_executed_says_so(visma: Any, document: str, variables: dict[str, Any], code: str) -> None:
    assert visma.ask(document, **variables)["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    "field",
    ["generalLedgerAccount", "accountGroup", "voucherSeries", "voucherType", "taxTerm", "orgUnit1", "orgUnit2", "supplierTransaction"],
)
def test_every_table_answers_all_its_columns(visma: Any, field: str) -> None:
    type_name = field[0].upper() + field[1:]
    fields = visma.ask(f'{{__type(name:"{type_name}"){{fields{{name}}}}}}')["data"]["__type"]["fields"]
    columns = [entry["name"] for entry in fields if entry["name"] != "aggregates"]
    [item] = visma.table(field, " ".join(columns), "first:1")
    assert list(item) == columns
