"""The GraphQL documents we send. Their text comes from declarations alone; every value travels as a variable.

A company's documents read the organisation number in the same request, so that each answer says whose it is: no table
of Business NXT repeats the company ID that was asked for.
"""

from functools import cache
from typing import Final

from visma_nxt.tables import Table

CHANGED: Final = "changedTimestamp"
"""When a row was last written, by Visma's own clock and without a zone; null in rows that nobody touched since October 2024."""

_NEWEST: Final = f"orderBy: [{{{CHANGED}: DESC}}], first: 1) {{ items {{ {CHANGED} }} }}"

AVAILABLE_COMPANIES: Final = """\
query AvailableCompanies($customer: Int) {
  availableCompanies(customerNo: $customer) {
    items { vismaNetCompanyId vismaNetCustomerId name organizationNo }
  }
}"""

COMPANY_INFORMATION: Final = """\
query CompanyInformation($company: Int!) {
  useCompany(no: $company) { companyInformation { items { companyNo } } }
}"""

READABILITY: Final = """\
query Readability($company: Int!) {
  useCompany(no: $company) {
    companyInformation { items { companyNo } }
    generalLedgerAccount(first: 1) { items { accountNo } }
    generalLedgerTransaction(first: 1) { items { voucherJournalNo } }
  }
}"""


@cache
def rows(table: Table, *, with_total: bool, with_newest: bool = False) -> str:
    """One page in key order; operation `<Table>Rows`, variables company, filter, first."""
    newest = f"newest: {table.name}(filter: $filter, {_NEWEST}" if with_newest else ""
    return f"""\
query {table.type_name}Rows($company: Int!, $filter: FilterExpression_{table.type_name}, $first: Int) {{
  useCompany(no: $company) {{
    {table.name}(filter: $filter, orderBy: [{_each(table.key, "ASC")}], first: $first) {{
      {"totalCount " if with_total else ""}items {{ {" ".join(table.columns)} }}
    }}
    {newest}
    companyInformation {{ items {{ companyNo }} }}
  }}
}}"""


@cache
def groups(table: Table, *, by: tuple[str, ...], sums: tuple[str, ...], count: str, with_newest: bool = False) -> str:
    """Sums and a count per group; operation `<Table>Groups`, variables company, filter."""
    return f"""\
query {table.type_name}Groups($company: Int!, $filter: FilterExpression_{table.type_name}) {{
  useCompany(no: $company) {{
    {_grouped(table, "$filter", by, sums, count, with_newest=with_newest)}
    companyInformation {{ items {{ companyNo }} }}
  }}
}}"""


@cache
def rows_of_parts(table: Table, *, first_part: int, with_total: bool, with_newest: bool = False) -> str:
    """One page of each part from this one on; operation `<Table>Rows`, variables company, first, and filter0 for the first part, ..."""
    parts = table.parts[first_part - 1 :]
    filters = "".join(f", $filter{place}: FilterExpression_{part.type_name}" for place, part in enumerate(parts))
    connections = "\n    ".join(
        f"""{part.name}(filter: $filter{place}, orderBy: [{_each(part.key, "ASC")}], first: $first) {{
      {"totalCount " if with_total else ""}items {{ {_named(part, table)} }}
    }}"""
        for place, part in enumerate(parts)
    )
    newest = "\n    ".join(
        f"newest{place}: {part.name}(filter: $filter{place}, {_NEWEST}" for place, part in enumerate(parts) if with_newest
    )
    return f"""\
query {table.type_name}Rows($company: Int!, $first: Int{filters}) {{
  useCompany(no: $company) {{
    {connections}
    {newest}
    companyInformation {{ items {{ companyNo }} }}
  }}
}}"""


@cache
def marks(asked: tuple[tuple[Table, tuple[str, ...]], ...]) -> str:
    """How many rows and how new the newest, per group or in all, of several tables; operation `Marks`, variables company, f0, f1, ..."""
    variables = "".join(f", $f{place}: FilterExpression_{table.type_name}" for place, (table, _) in enumerate(asked))
    fields = "\n".join(f"    m{place}: {_mark(table, by, f'$f{place}')}" for place, (table, by) in enumerate(asked))
    return f"""\
query Marks($company: Int!{variables}) {{
  useCompany(no: $company) {{
{fields}
    companyInformation {{ items {{ companyNo }} }}
  }}
}}"""


@cache
def groups_each(table: Table, *, by: tuple[str, ...], sums: tuple[str, ...], count: str, times: int) -> str:
    """The same for several filters at once; operation `<Table>GroupsEach`, variables company, filter0, filter1, ..."""
    filters = ", ".join(f"$filter{number}: FilterExpression_{table.type_name}" for number in range(times))
    connections = "\n    ".join(f"{part(number)}: {_grouped(table, f'$filter{number}', by, sums, count)}" for number in range(times))
    return f"""\
query {table.type_name}GroupsEach($company: Int!, {filters}) {{
  useCompany(no: $company) {{
    {connections}
    companyInformation {{ items {{ companyNo }} }}
  }}
}}"""


def part(number: int) -> str:
    """What the answer calls the groups of one filter among several."""
    return f"part{number}"


def _grouped(table: Table, where: str, by: tuple[str, ...], sums: tuple[str, ...], count: str, *, with_newest: bool = False) -> str:
    declared = {*table.columns}
    if unknown := {*by, *sums, count} - declared:
        raise ValueError(f"{table.name} declares no {', '.join(sorted(unknown))}")
    if not by or not sums:
        raise ValueError("groups need at least one column to group by and one to sum")
    newest = f" maximum {{ {CHANGED} }}" if with_newest else ""
    return f"""{table.name}(filter: {where}, groupBy: [{_each(by, "DEFAULT")}], orderBy: [{_each(by, "ASC")}]) {{
      items {{ {" ".join(by)} aggregates {{ sum {{ {" ".join(sums)} }} count {{ {count} }}{newest} }} }}
    }}"""


def _mark(table: Table, by: tuple[str, ...], where: str) -> str:
    if not by:
        return f"{table.name}(filter: {where}, {_NEWEST.replace('items', 'totalCount items', 1)}"
    aggregates = f"aggregates {{ count {{ {table.key[-1]} }} maximum {{ {CHANGED} }} }}"
    return f"{table.name}(filter: {where}, groupBy: [{_each(by, 'DEFAULT')}]) {{ items {{ {' '.join(by)} {aggregates} }} }}"


def _named(part: Table, table: Table) -> str:
    """The columns of a part under the names that the table has for them."""
    return " ".join(f"{name}: {column}" for name, column in zip(table.columns[1:], part.columns, strict=True))


def _each(columns: tuple[str, ...], word: str) -> str:
    return ", ".join(f"{{{column}: {word}}}" for column in columns)
