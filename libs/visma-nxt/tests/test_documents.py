"""Every document we send, against the stand-in's schema."""

from decimal import Decimal
from typing import Any

import pytest
from graphql import get_operation_ast, parse, validate
from graphql.execution.values import get_variable_values

from visma_nxt import documents
from visma_nxt.filters import after_key, all_of, eq, in_, lte
from visma_nxt.tables import GENERAL_LEDGER_TRANSACTION, ORG_UNIT, ORG_UNITS, TABLES, Table
from visma_simulator import schema

each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def complaints(document: str, *each_variables: dict[str, Any]) -> list[Any]:
    parsed = parse(document)
    operation = get_operation_ast(parsed)
    assert operation is not None
    found: list[Any] = validate(schema.load(), parsed)
    for variables in each_variables:
        values = get_variable_values(schema.load(), operation.variable_definitions, variables)
        found += values if isinstance(values, list) else []
    return found


@each_table
@pytest.mark.parametrize("with_total", [True, False])
def test_rows(table: Table, with_total: bool) -> None:
    value = "1" if schema.fields()[table.name].columns[table.key[0]] == "String" else 1
    filters = all_of(eq(table.key[0], value), after_key(table.key, (value,) * len(table.key)))
    whole = {"company": 7100001, "first": 500}
    document = documents.rows(table, with_total=with_total, with_newest=with_total)
    assert complaints(document, whole, {**whole, "filter": filters.expression}) == []


def test_marks_of_every_table_at_once() -> None:
    asked = [(table, ()) for table in TABLES] + [(GENERAL_LEDGER_TRANSACTION, ("year", "period"))]
    document = documents.marks(tuple(asked))
    assert complaints(document, {"company": 7100001}, {"company": 7100001, f"f{len(TABLES)}": eq("year", 2026).expression}) == []


@pytest.mark.parametrize(("first_part", "key"), [(1, 3), (7, "NORD"), (12, "A")])
@pytest.mark.parametrize("with_total", [True, False])
def test_rows_of_parts(first_part: int, key: int | str, with_total: bool) -> None:
    document = documents.rows_of_parts(ORG_UNIT, first_part=first_part, with_total=with_total, with_newest=with_total)
    whole = {"company": 7100001, "first": 500}
    filters = after_key(ORG_UNITS[first_part - 1].key, (key,))
    assert complaints(document, whole, {**whole, "filter0": filters.expression}) == []


@each_table
def test_key_columns_and_kinds_are_those_of_the_schema(table: Table) -> None:
    shape = schema.fields()[table.name]
    assert (shape.name, shape.key) == (table.type_name, table.key)
    assert {column for column in table.columns if shape.columns[column] == "Decimal"} == table.amounts
    dates = {column for column in table.columns if f"{column}AsDate" in shape.columns}
    assert dates == table.dates


def test_groups() -> None:
    document = documents.groups(GENERAL_LEDGER_TRANSACTION, by=("accountNo", "period"), sums=("postedAmountDomestic",), count="auditNo")
    filters = all_of(in_("accountNo", [1500]), lte("postedAmountDomestic", Decimal("0.10")))
    assert complaints(document, {"company": 7100001, "filter": filters.expression}) == []


def test_groups_of_several_filters() -> None:
    document = documents.groups_each(
        GENERAL_LEDGER_TRANSACTION, by=("taxCode", "accountNo"), sums=("postedAmountDomestic",), count="auditNo", times=2
    )
    first, second = (all_of(eq("year", year), lte("valueDate", year * 10_000 + 1231)).expression for year in (2025, 2026))
    assert complaints(document, {"company": 7100001, "filter0": first, "filter1": second}) == []


@pytest.mark.parametrize("document", [documents.AVAILABLE_COMPANIES, documents.COMPANY_INFORMATION, documents.READABILITY])
def test_the_small_ones(document: str) -> None:
    assert complaints(document, {"company": 7100001, "customer": 12345}) == []


def test_a_wrong_column_would_be_noticed() -> None:
    wrong = Table(name="taxCode", key=("taxCode",), columns=("taxCode", "percentage"))
    [complaint] = complaints(documents.rows(wrong, with_total=False), {"company": 7100001, "first": 1})
    assert "percentage" in complaint.message


def test_groups_of_undeclared_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="postingDate"):
        documents.groups(GENERAL_LEDGER_TRANSACTION, by=("postingDate",), sums=("postedAmountDomestic",), count="auditNo")


def test_a_table_begins_with_its_key() -> None:
    with pytest.raises(ValueError, match="begin with the key"):
        Table(name="taxTerm", key=("year", "taxTerm"), columns=("taxTerm", "year"))
