"""Faults on request: rules that say which requests meet which trouble, and how often."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from visma_simulator import scalars
from visma_simulator.execution import Call

GATEWAY_PAGE = """<html>
<head><title>{status} {reason}</title></head>
<body>
<center><h1>{status} {reason}</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""
REASONS = {
    401: "Authorization Required",
    429: "Too Many Requests",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


@dataclass(frozen=True, slots=True)
class Delay:
    """The answer comes this much later; the request counts as in progress meanwhile."""

    ms: int


@dataclass(frozen=True, slots=True)
class Status:
    """Another status with a body (a gateway's HTML page unless given) and, on request, Retry-After in seconds or as a date."""

    status: int
    body: str | None = None
    retry_after: int | str | None = None
    content_type: str = "text/html"

    def text(self) -> str:
        return GATEWAY_PAGE.format(status=self.status, reason=REASONS.get(self.status, "Error")) if self.body is None else self.body


@dataclass(frozen=True, slots=True)
class Truncate:
    """The body ends early although the exchange looks complete: half of it, or the first `bytes`."""

    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is cut without an answer."""


@dataclass(frozen=True, slots=True)
class Drip:
    """The body comes in small pieces with a pause after each."""

    bytes: int = 1024
    ms: int = 100


@dataclass(frozen=True, slots=True)
class Error:
    """The tables of the rule (all without one) answer null with this error."""

    message: str = "An error occurred while executing the query."
    code: str | None = None


@dataclass(frozen=True, slots=True)
class NoGrant:
    """The company refuses us, as when its administrator takes the access away."""


@dataclass(frozen=True, slots=True)
class WrongCompany:
    """Another company's data come in place of the ones asked for."""

    answer: int


@dataclass(frozen=True, slots=True)
class DropRow:
    """One row is missing from the answer."""

    index: int = 0


@dataclass(frozen=True, slots=True)
class DuplicateRow:
    """One row comes twice."""

    index: int = 0


@dataclass(frozen=True, slots=True)
class ChangeAmount:
    """One amount of the answer is off by `by` kroner; the ledger itself stays as it is."""

    by: str = "0.01"
    index: int = 0
    column: str = "postedAmountDomestic"

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", str(self.by))  # a JSON number is as good as its text


@dataclass(frozen=True, slots=True)
class Written:
    """The answer is right, but just before it somebody writes into the company: as `POST /_control/ledger` takes it."""

    change: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lost:
    """The notification is never sent."""


@dataclass(frozen=True, slots=True)
class Doubled:
    """The notification is sent twice, under the same ids."""


@dataclass(frozen=True, slots=True)
class Reordered:
    """The notification waits until a later one of its subscription has been sent."""


@dataclass(frozen=True, slots=True)
class Forged:
    """The notification is signed with a key that is not the subscription's."""


DeliveryEffect = Lost | Doubled | Reordered | Forged
RowEffect = DropRow | DuplicateRow | ChangeAmount
Effect = Delay | Status | Truncate | Drop | Drip | Error | NoGrant | WrongCompany | RowEffect | Written | DeliveryEffect
EFFECTS: dict[str, type[Effect]] = {
    "delay": Delay,
    "status": Status,
    "truncate": Truncate,
    "drop": Drop,
    "drip": Drip,
    "error": Error,
    "no_grant": NoGrant,
    "wrong_company": WrongCompany,
    "drop_row": DropRow,
    "duplicate_row": DuplicateRow,
    "change_amount": ChangeAmount,
    "written": Written,
    "lost": Lost,
    "doubled": Doubled,
    "reordered": Reordered,
    "forged": Forged,
}


@dataclass(slots=True)
class Rule:
    """A fault for the next `times` requests (None: all) that match every condition given, after letting `skip` of them pass.

    `asking` is something that the request's variables hold, as JSON.
    """

    effect: Effect
    endpoint: str = "graphql"
    operation: str | None = None
    table: str | None = None
    company: int | None = None
    asking: str | None = None
    times: int | None = 1
    skip: int = 0
    hits: int = field(default=0, init=False)

    def catches(self, endpoint: str, operation: str | None, call: Call, variables: Mapping[str, Any]) -> bool:
        if endpoint != self.endpoint or self.times == 0:
            return False
        if self.operation not in (None, operation) or (self.table and self.table not in call.tables):
            return False
        if self.company and self.company not in call.companies:
            return False
        if self.asking and self.asking not in json.dumps(variables, default=str):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.hits += 1
        self.times = None if self.times is None else self.times - 1
        return True


def read_rule(said: Mapping[str, Any]) -> Rule:
    """A rule from JSON: `effect` and its settings beside the conditions, all in one object. Raises ValueError."""
    conditions = {name: said[name] for name in ("endpoint", "operation", "table", "company", "asking", "times", "skip") if name in said}
    settings = {name: value for name, value in said.items() if name not in conditions and name != "effect"}
    try:
        effect = EFFECTS[said["effect"]](**settings)
        return Rule(effect, **({"endpoint": "webhook"} if isinstance(effect, DeliveryEffect) else {}) | conditions)
    except (KeyError, TypeError) as error:
        raise ValueError(f"The rule is not understood: {error}. Effects are {', '.join(EFFECTS)}.") from error


class Faults:
    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def meeting(
        self, endpoint: str, operation: str | None = None, call: Call | None = None, variables: Mapping[str, Any] | None = None
    ) -> list[Rule]:
        """The rules that this request meets; each of them counts it."""
        return [rule for rule in self.rules if rule.catches(endpoint, operation, call or Call(), variables or {})]


def altered(body: bytes, rule: Rule) -> bytes:
    """The answer with one row missing, doubled or changed, in the first list of items of the rule's table (of any without one)."""
    answer = json.loads(body, parse_float=Decimal)
    for items in _items(answer.get("data") or {}, rule.table):
        if _alter(items, rule.effect):
            break
    return orjson.dumps(answer, default=lambda amount: orjson.Fragment(str(amount)))


def _items(data: Mapping[str, Any], table: str | None) -> list[list[dict[str, Any]]]:
    connections = [(name, found) for company in data.values() if isinstance(company, dict) for name, found in company.items()]
    return [found["items"] for name, found in connections if isinstance(found, dict) and found.get("items") and table in (None, name)]


def _alter(items: list[dict[str, Any]], effect: Effect) -> bool:
    match effect:
        case DropRow(index) if index < len(items):
            del items[index]
        case DuplicateRow(index) if index < len(items):
            items.insert(index, items[index])
        case ChangeAmount(by, index, column) if index < len(items) and column in items[index]:
            changed = scalars.ore(items[index][column]) + scalars.ore(by)
            items[index] = items[index] | {column: Decimal(scalars.kroner(int(changed)))}
        case _:
            return False
    return True
