"""Items as JSON text: one `%` template per selection, filled row by row from columns that are written once each."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from graphql import FieldNode

from visma_simulator.columns import quoted
from visma_simulator.documents import Operation

Written = Sequence[object]
Source = Callable[[str, str], Written]


def items(operation: Operation, type_name: str, nodes: Sequence[FieldNode], source: Source, count: int) -> str:
    """`count` objects with the selected fields. `source(path, column)` gives its JSON texts; `path` names the field above, say `sum`."""
    columns: list[Written] = []
    template = _template(operation, type_name, nodes, source, columns, "")
    filled = map(template.__mod__, zip(*columns, strict=True)) if columns else [template % ()] * count
    return f"[{','.join(filled)}]"


def object_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """One object from names and JSON texts."""
    return "{" + ",".join(f"{quoted(name)}:{text}" for name, text in dict(pairs).items()) + "}"


def _template(operation: Operation, type_name: str, nodes: Sequence[FieldNode], source: Source, columns: list[Written], path: str) -> str:
    row_type = operation.schema.type_map[type_name]
    parts = {}
    for name, found in operation.fields(type_name, nodes).items():
        column = found[0].name.value
        if column == "__typename":
            parts[name] = quoted(type_name)
        elif found[0].selection_set:
            nested = str(row_type.fields[column].type)  # type: ignore[attr-defined]
            parts[name] = _template(operation, nested, found, source, columns, column)
        else:
            columns.append(source(path, column))
            parts[name] = "%s"
    return object_of(parts)
