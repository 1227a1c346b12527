"""A plan: records in their order with the effect of each, and a hash by which to tell whether the world has changed since."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from eventing.inbox import Result
from eventing.trial import Effect, Item

_SHOWN = 20
_WELL = {Result.HANDLED, Result.REFUSED, Result.REPEATED, Result.DUPLICATE}


class Plan:
    """What an operation would do, or did. ``ranges`` are what a replay reads, ``read`` how much of it was what."""

    def __init__(self, kind: str, request: Mapping[str, Any], ranges: Mapping[str, Sequence[int]] | None) -> None:
        self.kind = kind
        self.request = request
        self.ranges = None if ranges is None else {place: (first, end) for place, (first, end) in ranges.items()}
        self.items: list[Item] = []
        self.read: dict[str, int] = {}

    @property
    def hash(self) -> str:
        """Over the request, the places and what matters of each effect."""
        parts = [self.kind, self.request, self.ranges, [[item.place, _essence(item.effect)] for item in self.items]]
        return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def summary(self) -> dict[str, Any]:
        """Totals: records by result, how many change rows, rows by table, events by type; for a replay what was read and passed over."""
        tables: dict[str, Counter[str]] = {}
        publishes: Counter[str] = Counter()
        for item in self.items:
            for table, counts in item.effect.get("tables", {}).items():
                tables.setdefault(table, Counter()).update(counts)
            publishes.update(event.get("type", event["topic"]) for event in item.effect.get("publishes", ()))
        summary: dict[str, Any] = {
            "records": len(self.items),
            "results": dict(Counter(item.effect["result"] for item in self.items)),
            "changing": sum("tables" in item.effect for item in self.items),
            "tables": {table: dict(counts) for table, counts in sorted(tables.items())},
            "publishes": dict(publishes),
        }
        if self.ranges is not None:
            passed_over = self.read.get("meant", 0) - self.read.get("effects", 0)
            summary |= {"no_ops": passed_over + sum(map(_is_no_op, self.items)), "read": self.read, "ranges": self.ranges}
        return summary

    def differences(self, planned: Sequence[tuple[str, Effect]]) -> str:
        """What is not as it was planned, in words."""
        before = {place: _essence(effect) for place, effect in planned}
        now = {item.place: _essence(item.effect) for item in self.items}
        said = [f"{place} is no longer there" for place in before if place not in now]
        said += [f"{place} has come" for place in now if place not in before]
        said += [
            f"{place} would be {_in_short(now[place])}, planned was {_in_short(before[place])}"
            for place in before
            if place in now and now[place] != before[place]
        ]
        more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        return "; ".join(said[:_SHOWN]) + more or "the order has changed"


def _is_no_op(item: Item) -> bool:
    return item.effect["result"] in _WELL and not item.effect.keys() & {"tables", "publishes"}


def _essence(effect: Effect) -> Effect:
    # Ids made by a handler and the words of an error may differ from one trial to the next.
    published = sorted(Counter(event.get("type", event["topic"]) for event in effect.get("publishes", ())).items())
    return {"result": effect["result"], "tables": effect.get("tables", {}), "publishes": [list(pair) for pair in published]}


def _in_short(essence: Effect) -> str:
    details = [f"{table} {counts}" for table, counts in essence["tables"].items()] + [
        f"{count} {name}" for name, count in essence["publishes"]
    ]
    return f"{essence['result']} ({', '.join(details)})" if details else str(essence["result"])
