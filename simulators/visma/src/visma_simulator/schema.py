"""The schema: row types from schema.graphql, and the types that every table shares, derived from them."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLObjectType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    build_schema,
    get_named_type,
    parse,
    print_ast,
)
from graphql.utilities import value_from_ast_untyped

from visma_simulator import scalars

FUNCTIONS = ("sum", "sumDistinct", "average", "averageDistinct")
EXTREMES = ("minimum", "maximum")
COUNTS = ("count", "countDistinct")


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as the SDL declares it: `columns` maps each column to the name of its scalar."""

    name: str
    field: str
    key: tuple[str, ...]
    partition: tuple[str, ...]
    columns: dict[str, str]


@cache
def load() -> GraphQLSchema:
    """The whole schema, custom scalars included."""
    definitions = _written().definitions
    written = [node for node in definitions if not _is(node, "UtilityColumns")]
    utility = next(node for node in definitions if _is(node, "UtilityColumns"))
    tables = [node for node in written if isinstance(node, ObjectTypeDefinitionNode) and node.directives]
    shared = _columns(utility)
    fields = " ".join(_root_field(node) for node in tables)
    parts = [print_ast(node) for node in written]
    parts += [f"type Query_UseCompany {{ {fields} }}", *(_shared_types(node, shared) for node in tables)]
    schema = build_schema("\n".join(parts))
    scalars.attach(schema)
    return schema


@cache
def tables() -> dict[str, TableShape]:
    """Every table by its row type's name."""
    schema = load()
    shapes = {}
    for node in _written().definitions:
        if not isinstance(node, ObjectTypeDefinitionNode) or not node.directives:
            continue
        name = node.name.value
        row = schema.type_map[name]
        assert isinstance(row, GraphQLObjectType)  # noqa: S101 - built from this very node
        said = _directive(node.directives[0].arguments)
        columns = {column: get_named_type(field.type).name for column, field in row.fields.items()}
        columns.pop("aggregates")
        key, partition = (tuple(said.get(word, ())) for word in ("key", "partition"))
        shapes[name] = TableShape(name, str(said["field"]), key, partition, columns)
    return shapes


@cache
def fields() -> dict[str, TableShape]:
    """Every table by its field on useCompany."""
    return {shape.field: shape for shape in tables().values()}


@cache
def _written() -> DocumentNode:
    return parse(resources.files("visma_simulator").joinpath("schema.graphql").read_text(encoding="utf-8"))


def _is(node: object, name: str) -> bool:
    return isinstance(node, ObjectTypeDefinitionNode) and node.name.value == name


def _directive(arguments: tuple[ArgumentNode, ...]) -> dict[str, list[str]]:
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in arguments}


def _columns(node: object) -> dict[str, str]:
    assert isinstance(node, ObjectTypeDefinitionNode)  # noqa: S101 - chosen by _is
    return {field.name.value: print_ast(field.type) for field in node.fields}


def _root_field(node: ObjectTypeDefinitionNode) -> str:
    name, field = node.name.value, _directive(node.directives[0].arguments)["field"]
    return f"""{field}(first: Int, after: String, last: Int, before: String, skip: Int, unoptimized: Boolean,
      filter: FilterExpression_{name}, orderBy: [OrderBy_{name}], groupBy: [GroupBy_{name}]): Query_UseCompany_{name}_Connection"""


def _shared_types(node: ObjectTypeDefinitionNode, utility: dict[str, str]) -> str:
    name, columns = node.name.value, _columns(node) | utility
    plain = {column: kind for column, kind in columns.items() if not kind.startswith("[")}
    numbers = {column: kind for column, kind in plain.items() if kind in {"Int", "Decimal"}}
    moments = {column: kind for column, kind in plain.items() if kind == "DateTime"}

    def listed(kinds: dict[str, str], wrap: str = "{}") -> str:
        return " ".join(f"{column}: {wrap.format(kind)}" for column, kind in kinds.items())

    values = " ".join(f"{function}: AggregateValues_{name}" for function in FUNCTIONS)
    extremes = " ".join(f"{function}: AggregateExtremes_{name}" for function in EXTREMES)
    counts = " ".join(f"{function}: AggregateCounts_{name}" for function in COUNTS)
    return f"""
    extend type {name} {{ {listed(utility)} aggregates: Aggregates_{name} }}
    type Query_UseCompany_{name}_Connection {{ totalCount: Int pageInfo: PageInfo items: [{name}] }}
    input FilterExpression_{name} {{ _and: [FilterExpression_{name}] _or: [FilterExpression_{name}] {listed(plain, "FilterOp_{}")} }}
    input OrderBy_{name} {{ {listed(dict.fromkeys(plain, "SortOrder"))} _sum: OrderBySum_{name} }}
    input OrderBySum_{name} {{ {listed(dict.fromkeys(numbers, "SortOrder"))} }}
    input GroupBy_{name} {{ {listed(dict.fromkeys(plain, "GroupMode"))} }}
    type Aggregates_{name} {{ {values} {extremes} {counts} }}
    type AggregateValues_{name} {{ {listed(numbers)} }}
    type AggregateExtremes_{name} {{ {listed(numbers | moments)} }}
    type AggregateCounts_{name} {{ {listed(dict.fromkeys(plain, "Int"))} }}"""
