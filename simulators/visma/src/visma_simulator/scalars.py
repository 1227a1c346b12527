"""The scalars of the schema as whole numbers: amounts in øre, dates as yyyymmdd, instants as microseconds since 1970.

Everything the simulator stores, compares and sums is an int, so that no amount ever passes through a float.
"""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema, IntValueNode, StringValueNode, ValueNode, print_ast
from graphql.language import FloatValueNode

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - NXT's times carry no zone


def ore(amount: object) -> int | Decimal:
    """An amount in kroner (int, Decimal or text) in øre; only a finer amount than one øre stays a Decimal."""
    if isinstance(amount, bool | float):
        raise GraphQLError(f"Decimal cannot represent {amount!r}.")
    try:
        scaled = Decimal(str(amount)) * 100
        return int(scaled) if scaled == scaled.to_integral_value() else scaled
    except InvalidOperation as error:
        raise GraphQLError(f"Decimal cannot represent {amount!r}.") from error


def kroner(amount: int) -> str:
    """Øre as a JSON number with two decimals."""
    return f"{amount // 100}.{amount % 100:02d}" if amount >= 0 else f"-{-amount // 100}.{-amount % 100:02d}"


def day_number(text: object) -> int:
    """An ISO date as yyyymmdd."""
    try:
        day = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise GraphQLError(f"Date cannot represent {text!r}.") from error
    return day.year * 10_000 + day.month * 100 + day.day


def instant(text: object) -> int:
    """An ISO date and time in microseconds since 1970. A zone is ignored, as the stored times have none."""
    try:
        return instant_of(datetime.fromisoformat(str(text)))
    except ValueError as error:
        raise GraphQLError(f"DateTime cannot represent {text!r}.") from error


def instant_of(moment: datetime) -> int:
    return (moment.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


def to_micros(seconds: float) -> int:
    """Seconds since 1970 as an instant. The stand-in's server lives in UTC."""
    return int(seconds * 1_000_000)


def moment_of(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


def attach(schema: GraphQLSchema) -> None:
    """Make the schema read its custom scalars as the whole numbers above."""
    readers: dict[str, tuple[Any, tuple[type[ValueNode], ...]]] = {
        "Decimal": (ore, (IntValueNode, FloatValueNode)),
        "Date": (day_number, (StringValueNode,)),
        "DateTime": (instant, (StringValueNode,)),
    }
    for name, (read, nodes) in readers.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)  # noqa: S101 - the SDL says so
        scalar.parse_value = read  # type: ignore[method-assign]
        scalar.parse_literal = _literal_reader(name, read, nodes)  # type: ignore[method-assign]


def _literal_reader(name: str, read: Any, nodes: tuple[type[ValueNode], ...]) -> Any:
    def parse_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> Any:
        if not isinstance(node, nodes):
            raise GraphQLError(f"{name} cannot represent {print_ast(node)}.")
        return read(node.value)  # type: ignore[attr-defined]

    return parse_literal
