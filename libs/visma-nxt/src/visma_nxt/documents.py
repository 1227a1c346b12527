"""The GraphQL documents we send. Their text comes from declarations alone; every value travels as a variable.

A company's documents read the organisation number in the same request, so that each answer says whose it is: no table
of Business NXT repeats the company ID that was asked for.
"""

from functools import cache
from typing import Final

from visma_nxt.tables import Table

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
def rows(table: Table, *, with_total: bool) -> str:
    """One page in key order; operation `<Table>Rows`, variables company, filter, first."""
    return f"""\
query {table.type_name}Rows($company: Int!, $filter: FilterExpression_{table.type_name}, $first: Int) {{
  useCompany(no: $company) {{
    {table.name}(filter: $filter, orderBy: [{_each(table.key, "ASC")}], first: $first) {{
      {"totalCount " if with_total else ""}items {{ {" ".join(table.columns)} }}
    }}
    companyInformation {{ items {{ companyNo }} }}
  }}
}}"""


@cache
def groups(table: Table, *, by: tuple[str, ...], sums: tuple[str, ...], count: str) -> str:
    """Sums and a count per group; operation `<Table>Groups`, variables company, filter."""
    declared = {*table.columns}
    if unknown := {*by, *sums, count} - declared:
        raise ValueError(f"{table.name} declares no {', '.join(sorted(unknown))}")
    if not by or not sums:
        raise ValueError("groups need at least one column to group by and one to sum")
    return f"""\
query {table.type_name}Groups($company: Int!, $filter: FilterExpression_{table.type_name}) {{
  useCompany(no: $company) {{
    {table.name}(filter: $filter, groupBy: [{_each(by, "DEFAULT")}], orderBy: [{_each(by, "ASC")}]) {{
      items {{ {" ".join(by)} aggregates {{ sum {{ {" ".join(sums)} }} count {{ {count} }} }} }}
    }}
    companyInformation {{ items {{ companyNo }} }}
  }}
}}"""


def _each(columns: tuple[str, ...], word: str) -> str:
    return ", ".join(f"{{{column}: {word}}}" for column in columns)
