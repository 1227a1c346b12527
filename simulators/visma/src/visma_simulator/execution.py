"""Execution of a valid operation: root fields, partial success, introspection. Answers are JSON text from the first value on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import DocumentNode, FieldNode, GraphQLError, SelectionSetNode, execute_sync

from visma_simulator import connection, errors, rows, schema
from visma_simulator.columns import quoted
from visma_simulator.documents import Operation, error
from visma_simulator.installation import Installation
from visma_simulator.scenario import Company, Customer


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation touches: for limits, faults and the log."""

    companies: tuple[int, ...] = ()
    customers: tuple[int, ...] = ()
    tables: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """The answer to one operation."""

    data: str
    errors: list[dict[str, Any]] = field(default_factory=list)
    rows: int = 0

    def body(self) -> bytes:
        parts = {"data": self.data} | ({"errors": orjson.dumps(self.errors).decode()} if self.errors else {})
        return rows.object_of(parts).encode()


def call_of(operation: Operation) -> Call:
    """What the operation is about, before it is executed."""
    companies, customers, tables = [], [], []
    for nodes in operation.fields("Query").values():
        match nodes[0].name.value:
            case "useCompany":
                companies.append(operation.arguments("Query", nodes[0]).get("no"))
                tables += [found[0].name.value for found in operation.fields("Query_UseCompany", nodes).values()]
            case "availableCompanies":
                customers.append(operation.arguments("Query", nodes[0]).get("customerNo"))
                tables.append("availableCompanies")
            case other:
                tables.append(other)
    return Call(tuple(filter(None, companies)), tuple(filter(None, customers)), tuple(tables))


@dataclass(frozen=True, slots=True)
class Interference:
    """Faults that change what is executed: who answers for a company, a refusal, and errors as (table or None for all, message, code)."""

    answer_as: Mapping[int, int] = field(default_factory=dict)
    grants_removed: bool = False
    errors: tuple[tuple[str | None, str, str | None], ...] = ()

    def check(self, table: str) -> None:
        for where, message, code in self.errors:
            if where in (None, table):
                raise GraphQLError(message, extensions={"code": code} if code else None)


class Execution:
    """Executes operations against the installation as it is now."""

    def __init__(self, installation: Installation, interference: Interference) -> None:
        self._installation, self._interference = installation, interference

    def run(self, operation: Operation) -> Outcome:
        outcome = Outcome("")
        root: dict[str, str] = {}
        roots: dict[str, Callable[[Operation, list[FieldNode], str, Outcome], str]] = {
            "useCompany": self._use_company,
            "availableCompanies": self._available_companies,
            "availableCustomers": self._available_customers,
        }
        for name, nodes in operation.fields("Query").items():
            match nodes[0].name.value:
                case "__typename":
                    root[name] = '"Query"'
                case "__schema" | "__type":
                    root[name] = _introspected(operation, name, nodes)
                case field_name:
                    root[name] = roots[field_name](operation, nodes, name, outcome)
        outcome.data = rows.object_of(root)
        return outcome

    def _use_company(self, operation: Operation, nodes: list[FieldNode], name: str, outcome: Outcome) -> str:
        number = operation.arguments("Query", nodes[0]).get("no") or 0
        number = self._interference.answer_as.get(number, number)
        parts: dict[str, str] = {}
        is_open = not self._interference.grants_removed and self._installation.access(number) == "open"
        tables = self._installation.data(number).tables() if is_open else {}
        for alias, found in operation.fields("Query_UseCompany", nodes).items():
            if found[0].name.value == "__typename":
                parts[alias] = '"Query_UseCompany"'
                continue
            try:
                if not is_open:
                    raise GraphQLError(errors.COMPANY_NOT_OPENED.format(number=number))
                self._interference.check(found[0].name.value)
                answered = connection.answer(tables[schema.fields()[found[0].name.value].name], operation, found)
            except GraphQLError as problem:
                parts[alias] = "null"
                outcome.errors.append(error(problem.message, (problem.extensions or {}).get("code"), [name, alias]))
            else:
                parts[alias] = answered.text
                outcome.rows += answered.rows
        return rows.object_of(parts)

    def _available_companies(self, operation: Operation, nodes: list[FieldNode], name: str, outcome: Outcome) -> str:
        arguments = operation.arguments("Query", nodes[0])
        try:
            self._interference.check("availableCompanies")
        except GraphQLError as problem:
            outcome.errors.append(error(problem.message, (problem.extensions or {}).get("code"), [name]))
            return "null"
        number = arguments.get("customerNo")
        customer = self._installation.customers.get(number or 0)
        if number is not None and not (customer and customer.activated):
            text = errors.CUSTOMER_NOT_ACTIVATED if customer else errors.CUSTOMER_UNKNOWN
            outcome.errors.append(error(text.format(number=number), path=[name]))
            return "null"
        customers = [customer] if customer else [each for each in self._installation.customers.values() if each.activated]
        listed = [company for each in customers for company in self._installation.listed(each)]
        return _listing(
            operation, nodes, arguments, "AvailableCompany", "AvailableCompanies_Connection", list(map(_company_item, listed)), outcome
        )

    def _available_customers(self, operation: Operation, nodes: list[FieldNode], _name: str, outcome: Outcome) -> str:
        customers = [_customer_item(customer) for customer in self._installation.customers.values() if customer.activated]
        arguments = operation.arguments("Query", nodes[0])
        return _listing(operation, nodes, arguments, "AvailableCustomer", "AvailableCustomers_Connection", customers, outcome)


def _company_item(company: Company) -> dict[str, Any]:
    return {
        "name": company.name,
        "vismaNetCompanyId": company.number,
        "vismaNetCustomerId": company.customer,
        "organizationNo": company.organisation_number,
    }


def _customer_item(customer: Customer) -> dict[str, Any]:
    return {"name": customer.name, "vismaNetCustomerId": customer.number}


def _listing(
    operation: Operation,
    nodes: list[FieldNode],
    arguments: Mapping[str, Any],
    item_type: str,
    connection_type: str,
    found: list[dict[str, Any]],
    outcome: Outcome,
) -> str:
    """One of the two lists without pageInfo. When both are given, `first` beats `last`."""
    total = len(found)
    for column, direction in reversed([pair for element in arguments.get("orderBy") or () for pair in (element or {}).items()]):
        found.sort(key=lambda item, column=column: item[column], reverse=direction == "DESC")  # type: ignore[misc]
    first, last = arguments.get("first"), arguments.get("last")
    found = found[:first] if first is not None else found[-last:] if last else found
    outcome.rows += len(found)

    def source(_path: str, column: str) -> list[str]:
        return [orjson.dumps(item[column]).decode() for item in found]

    parts = {}
    for name, selected in operation.fields(connection_type, nodes).items():
        match selected[0].name.value:
            case "totalCount":
                parts[name] = str(total)
            case "items":
                parts[name] = rows.items(operation, item_type, selected, source, len(found))
            case _:
                parts[name] = quoted(connection_type)
    return rows.object_of(parts)


def _introspected(operation: Operation, name: str, nodes: Sequence[FieldNode]) -> str:
    """graphql-core answers questions about the schema: the operation reduced to this one field."""
    kept = operation.node
    reduced = type(kept)(
        operation=kept.operation,
        name=kept.name,
        directives=(),
        variable_definitions=kept.variable_definitions,
        selection_set=SelectionSetNode(selections=tuple(nodes)),
        loc=kept.loc,
    )
    document = DocumentNode(definitions=(reduced, *operation.fragments.values()), loc=operation.document.loc)
    result = execute_sync(operation.schema, document, variable_values=operation.variables)
    return orjson.dumps((result.data or {}).get(name)).decode()
