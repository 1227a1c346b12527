"""What a walk has left behind, and how it differs from what an undisturbed one leaves: lost, doubled, out of order."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .observer import Seen

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
RECEIPT = re.compile(r'"receipt_sha256":"[^"]*"')  # it says when Visma was asked
MOMENT = re.compile(r'"\d{4}-\d\d-\d\dT[^"]*"')
COUNTED_BY_TIME = "SyncProgressed"
"""How often it comes, and what it says meanwhile, is decided by time; its numbers are looked at like all others."""


@dataclass
class Verdict:
    """What is wrong, each in a few words; empty lists for nothing."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order)

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(self.lost + other.lost, self.doubled + other.doubled, self.out_of_order + other.out_of_order)


@dataclass(frozen=True)
class EndState:
    """Rows by table and messages by stream, without what time decides, the walk's ids replaced by what they stand for."""

    rows: Mapping[str, Counter[str]]
    messages: Mapping[str, Counter[str]]

    @classmethod
    def of(cls, rows: Mapping[str, Counter[str]], records: Iterable[Seen], names: Mapping[str, str]) -> "EndState":
        messages: dict[str, Counter[str]] = defaultdict(Counter)
        for record in _once(records):
            if record.type != COUNTED_BY_TIME:
                timeless = RECEIPT.sub("a receipt", MOMENT.sub("a moment", record.value))
                messages[_named(_stream(record), names)][f"{record.type} {_named(timeless, names)}"] += 1
        named = {table: Counter({_named(row, names): count for row, count in found.items()}) for table, found in rows.items()}
        return cls(named, messages)

    def differences(self, undisturbed: "EndState") -> Verdict:
        """Rows and messages that are missing, and those that are too many."""
        verdict = Verdict()
        for mine, theirs in ((self.rows, undisturbed.rows), (self.messages, undisturbed.messages)):
            for place in sorted({*mine, *theirs}):
                found, wanted = mine.get(place, Counter()), theirs.get(place, Counter())
                verdict.lost += [f"{place}: {each}" for each in (wanted - found).elements()]
                verdict.doubled += [f"{place}: {each}" for each in (found - wanted).elements()]
        return verdict


def disorder(records: Iterable[Seen]) -> Verdict:
    """Per source, topic and subject: numbers that are missing, that stand for two messages, or that come after a later one.

    The same message again under the same number is no fault: that is how at least once looks, and every consumer knows the numbers.
    """
    verdict = Verdict()
    first: dict[tuple[str, int], Seen] = {}
    highest: Counter[str] = Counter()
    missing: dict[str, set[int]] = defaultdict(set)
    for record in records:
        if record.sequence is None or "x-dlq-reason" in record.headers:
            continue
        stream, number = _stream(record), record.sequence
        before = first.setdefault((stream, number), record)
        if before is not record:
            if before.headers["id"] != record.headers["id"]:
                verdict.doubled.append(f"{stream}: {number} is both {before.type} and {record.type}")
        elif number in missing[stream]:
            verdict.out_of_order.append(f"{stream}: {number} comes after {highest[stream]}")
            missing[stream].remove(number)
        missing[stream] |= set(range(highest[stream] + 1, number))
        highest[stream] = max(highest[stream], number)
    verdict.lost += [f"{stream}: {number} never came" for stream, numbers in missing.items() for number in sorted(numbers)]
    return verdict


def _once(records: Iterable[Seen]) -> list[Seen]:
    """Each message once: the relay may publish again what it was killed in."""
    return list({(_stream(record), _identity(record)): record for record in records}.values())


def _identity(record: Seen) -> str:
    if "x-dlq-reason" in record.headers:
        return "/".join(record.headers[f"x-dlq-{name}"] for name in ("topic", "partition", "offset"))
    return record.headers.get("id", f"{record.partition}/{record.offset}")


def _stream(record: Seen) -> str:
    return f"{record.headers.get('source', 'nobody')} {record.topic} {record.key}"


def _named(text: str, names: Mapping[str, str]) -> str:
    return UUID.sub(lambda found: names.get(found[0], "an id"), text)
