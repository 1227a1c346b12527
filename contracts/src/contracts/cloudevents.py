"""CloudEvents 1.0 in Kafka's binary mode: attributes travel as ``ce_*`` headers, the value is the bare JSON data.

Foreign records are read without trust: a header may be missing, doubled, null or not text, and reading one raises nothing but
`Unreadable`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

Headers = Sequence[tuple[str, bytes | None]]

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"
REQUIRED: Final = ("id", "source", "type", "time", "subject", "organizationid")
LONGEST_ATTRIBUTE: Final = 500


class Unreadable(Exception):
    """The record is not a CloudEvent we can read: ``attribute`` names what is wrong, the text says how."""

    def __init__(self, attribute: str, problem: str) -> None:
        self.attribute = attribute
        self.problem = problem
        super().__init__(f"{attribute} {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The context attributes of one message. Times are aware, in UTC."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str
    organizationid: str
    correlationid: str
    causationid: str | None = None
    sequence: int | None = None
    actor: str | None = None
    replyto: str | None = None
    traceparent: str | None = None

    def headers(self) -> list[tuple[str, bytes]]:
        """As Kafka headers, in a fixed order."""
        named = {
            "specversion": SPEC_VERSION,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": self.time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "subject": self.subject,
            "sequence": None if self.sequence is None else str(self.sequence),
            "correlationid": self.correlationid,
            "causationid": self.causationid,
            "organizationid": self.organizationid,
            "actor": self.actor,
            "replyto": self.replyto,
        }
        headers = [("content-type", CONTENT_TYPE.encode())]
        headers += [(f"ce_{name}", value.encode()) for name, value in named.items() if value is not None]
        if self.traceparent is not None:
            headers.append(("traceparent", self.traceparent.encode()))
        return headers


def legible(headers: Headers) -> dict[str, str]:
    """The attributes that can be read at all, whatever else is broken: for answering the sender of a malformed command."""
    found: dict[str, str] = {}
    for name, value in headers:
        if value is not None and (name.startswith("ce_") or name in {"traceparent", "content-type"}):
            try:
                text = value.decode()
            except UnicodeDecodeError:
                continue
            if text and len(text) <= LONGEST_ATTRIBUTE and text.isprintable():
                found.setdefault(name.removeprefix("ce_"), text)
    return found


def read(headers: Headers) -> Attributes:
    """The attributes of a record. Raises `Unreadable`; headers that are not ours are not looked at."""
    _refuse_doubled(name for name, _ in headers)
    text = legible(headers)
    for name, value in headers:
        attribute = name.removeprefix("ce_")
        if name.startswith("ce_") and attribute not in text:
            raise Unreadable(name, "is empty" if not value else f"is not printable text of at most {LONGEST_ATTRIBUTE} characters")
    if text.get("specversion") != SPEC_VERSION:
        raise Unreadable("ce_specversion", "is missing" if "specversion" not in text else f"is not {SPEC_VERSION}")
    for name in REQUIRED:
        if name not in text:
            raise Unreadable(f"ce_{name}", "is missing")
    if text.get("content-type", CONTENT_TYPE).partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise Unreadable("content-type", f"is not {CONTENT_TYPE}")
    return Attributes(
        id=text["id"],
        source=text["source"],
        type=text["type"],
        time=_time(text["time"]),
        subject=text["subject"],
        organizationid=text["organizationid"],
        correlationid=text.get("correlationid", text["id"]),
        causationid=text.get("causationid"),
        sequence=_sequence(text.get("sequence")),
        actor=text.get("actor"),
        replyto=text.get("replyto"),
        traceparent=text.get("traceparent"),
    )


def _refuse_doubled(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen and name.startswith("ce_"):
            raise Unreadable(name, "is given twice")
        seen.add(name)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable("ce_time", "is not an RFC 3339 time") from None
    if time.tzinfo is None:
        raise Unreadable("ce_time", "has no time zone")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise Unreadable("ce_time", "is outside the calendar") from None


def _sequence(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 2**63:
        raise Unreadable("ce_sequence", "is not a whole number from 1 to 2^63-1")
    return int(text)
