"""Documents: parsed and validated once, refused in the error shape of the real server (graphql-dotnet behind Business NXT)."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import get_argument_values, get_variable_values

Answered = dict[str, Any]

# The rules that graphql-dotnet calls otherwise than graphql-core, and the section of the specification each one checks.
OTHER_NAMES = {"ValuesOfCorrectType": "ArgumentsOfCorrectType", "ProvidedRequiredArguments": "ProvidedNonNullArguments"}
SECTIONS = {
    "ArgumentsOfCorrectType": "5.6.1",
    "FieldsOnCorrectType": "5.3.1",
    "FragmentsOnCompositeTypes": "5.5.1.3",
    "KnownArgumentNames": "5.4.1",
    "KnownDirectives": "5.7.1",
    "KnownFragmentNames": "5.5.2.1",
    "KnownTypeNames": "5.5.1.2",
    "LoneAnonymousOperation": "5.2.2.1",
    "NoFragmentCycles": "5.5.2.2",
    "NoUndefinedVariables": "5.8.3",
    "NoUnusedFragments": "5.5.1.4",
    "NoUnusedVariables": "5.8.4",
    "OverlappingFieldsCanBeMerged": "5.3.2",
    "PossibleFragmentSpreads": "5.5.2.3",
    "ProvidedNonNullArguments": "5.4.2.1",
    "ScalarLeafs": "5.3.3",
    "UniqueArgumentNames": "5.4.2",
    "UniqueFragmentNames": "5.5.1.1",
    "UniqueInputFieldNames": "5.6.3",
    "UniqueOperationNames": "5.2.1.1",
    "UniqueVariableNames": "5.8.1",
    "VariablesAreInputTypes": "5.8.2",
    "VariablesInAllowedPosition": "5.8.5",
}


class Refused(Exception):
    """The document cannot be executed; `errors` are error objects as the answer carries them."""

    def __init__(self, errors: list[Answered]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document with its variables."""

    document: DocumentNode
    node: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    variables: dict[str, Any]
    schema: GraphQLSchema

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name else None

    def fields(self, type_name: str, nodes: Sequence[FieldNode] = ()) -> dict[str, list[FieldNode]]:
        """The fields selected below `nodes` by the name they answer to; without nodes those of the operation itself."""
        selected: dict[str, list[FieldNode]] = {}
        for selection in [node.selection_set for node in nodes if node.selection_set] if nodes else [self.node.selection_set]:
            collected = collect_fields(self.schema, self.fragments, self.variables, self.schema.type_map[type_name], selection)  # type: ignore[arg-type]
            for name, found in collected.items():
                selected.setdefault(name, []).extend(found)
        return selected

    def arguments(self, type_name: str, node: FieldNode) -> dict[str, Any]:
        field = self.schema.type_map[type_name].fields[node.name.value]  # type: ignore[attr-defined]
        return get_argument_values(field, node, self.variables)


class Documents:
    """The documents seen lately, by their text."""

    def __init__(self, schema: GraphQLSchema, room: int = 512) -> None:
        self._schema, self._room = schema, room
        self._seen: OrderedDict[str, DocumentNode] = OrderedDict()

    def operation(self, text: str, variables: dict[str, Any], name: str | None) -> Operation:
        """The operation to execute. Raises Refused."""
        document = self._document(text)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        chosen = [node for node in operations if name is None or (node.name and node.name.value == name)]
        if len(chosen) != 1:
            raise Refused([error(f"Document does not contain one operation to execute for name '{name or ''}'.", "INVALID_OPERATION")])
        if chosen[0].operation is not OperationType.QUERY:
            raise Refused([error("The client may only read: mutations are not available with its scope.", "INVALID_OPERATION")])
        values = get_variable_values(self._schema, chosen[0].variable_definitions, variables)
        if isinstance(values, list):
            raise Refused(
                [
                    located(problem, f"GraphQL.Validation.InvalidVariableError: {problem.message}", "INVALID_VALUE", "5.8")
                    for problem in values
                ]
            )
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        return Operation(document, chosen[0], fragments, values, self._schema)

    def _document(self, text: str) -> DocumentNode:
        if document := self._seen.get(text):
            self._seen.move_to_end(text)
            return document
        try:
            document = parse(text, max_tokens=20_000)
        except GraphQLSyntaxError as problem:
            raise Refused([located(problem, f"Error parsing query: {problem.message}", "SYNTAX_ERROR")]) from problem
        if validate(self._schema, document, max_errors=1):
            raise Refused(self._findings(document))
        self._seen[text] = document
        if len(self._seen) > self._room:
            self._seen.popitem(last=False)
        return document

    def _findings(self, document: DocumentNode) -> list[Answered]:
        """All errors with the rule that found them: graphql-core does not tell, so each rule is asked alone."""
        findings = []
        for rule in specified_rules:
            name = rule.__name__.removesuffix("Rule")
            name = OTHER_NAMES.get(name, name)
            findings += [
                located(problem, f"GraphQL.Validation.Errors.{name}Error: {problem.message}", _code(name), SECTIONS.get(name, "5"))
                for problem in validate(self._schema, document, [rule], max_errors=20)
            ]
        return findings


def error(message: str, code: str | None = None, path: Sequence[str] = (), number: str | None = None) -> Answered:
    """An error object of an answer."""
    answered: Answered = {"message": message}
    if path:
        answered["path"] = list(path)
    if code:
        answered["extensions"] = {"code": code, "codes": [code]} | ({"number": number} if number else {})
    return answered


def located(problem: GraphQLError, message: str, code: str, number: str | None = None) -> Answered:
    places = [{"line": place.line, "column": place.column} for place in problem.locations or ()]
    return error(message, code, number=number) | ({"locations": places} if places else {})


def _code(rule: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", rule).upper()
