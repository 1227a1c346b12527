"""A record against what the contracts expect of its type, field by field."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import Field

from contracts.cloudevents import REQUIRED, legible
from contracts.message import Message
from contracts.registry import MESSAGES
from eventing.record import Record
from opsctl.message import data_of, problems_of, shown
from opsctl.render import Report

_LONGEST = 120


class FieldDifference(Report):
    """One header, or one field of the data."""

    field: str
    verdict: str = Field(description="as expected, missing, not in the contract, or what is wrong with it")
    expected: str
    given: str | None


def fields(record: Record) -> list[FieldDifference]:
    """Everything the contracts expect, what is there instead, and what they do not know."""
    found = [*_attributes(record), *_data(record)]
    known = {each.field for each in found}
    rest = [
        FieldDifference(field=problem.field, verdict=problem.problem, expected="", given=problem.given)
        for problem in problems_of(record)
        if problem.field not in known
    ]
    return rest + found


def _attributes(record: Record) -> Iterator[FieldDifference]:
    problems = {problem.field: problem.problem for problem in problems_of(record)}
    headers = dict(record.headers)
    for name in (*(f"ce_{attribute}" for attribute in ("specversion", *REQUIRED)), "key"):
        given = record.key if name == "key" else headers.get(name)
        verdict = problems.get(name) or ("missing" if given is None else "as expected")
        expected = "the ce_subject" if name == "key" else "text"
        yield FieldDifference(field=name, verdict=verdict, expected=expected, given=shown(given))


def _data(record: Record) -> Iterator[FieldDifference]:
    kind = MESSAGES.get(legible(record.headers).get("type", ""))
    data, _ = data_of(record)
    if kind is None or not isinstance(data, Mapping):
        return
    problems: dict[str, list[str]] = {}
    for problem in problems_of(record):
        problems.setdefault(problem.field.partition(".")[0], []).append(f"{problem.field}: {problem.problem}")
    schema = kind.model_json_schema()
    for name, expected in schema["properties"].items():
        verdict = "as expected"
        if name in problems:
            verdict = "missing" if name not in data else "; ".join(problems[name])
        yield FieldDifference(
            field=name, verdict=verdict, expected=_expected(expected, schema), given=_short(data[name]) if name in data else None
        )
    for name in data:
        if name not in schema["properties"]:
            yield FieldDifference(
                field=str(name), verdict="not in the contract", expected=_nearest(str(name), kind), given=_short(data[name])
            )


def _expected(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return _expected(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in field:
        return " or ".join(_expected(each, schema) for each in field["anyOf"])
    if "enum" in field:
        return "one of " + ", ".join(map(str, field["enum"]))
    if field.get("type") == "array":
        return f"list of {_expected(field.get('items', {}), schema)}"
    kind = (
        field.get("format") or field.get("title", "")
        if field.get("type") == "object"
        else field.get("format") or field.get("type", "anything")
    )
    limits = [
        f"{name} {field[key]}"
        for key, name in (("pattern", "like"), ("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
        if key in field
    ]
    return " ".join([str(kind), *limits])


def _nearest(name: str, kind: type[Message]) -> str:
    # Names that differ only in their writing (companyId, company_id) are the usual mistake.
    plain = name.replace("_", "").replace("-", "").lower()
    return next((f"perhaps {field}" for field in kind.model_fields if field.replace("_", "") == plain), "")


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
