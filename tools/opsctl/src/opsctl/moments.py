"""Times and durations as operators write and read them."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")


def now() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


def span(text: str) -> timedelta:
    """`90s`, `5m`, `2h30m`, `7d`. Raises `ValueError`."""
    if not re.fullmatch(rf"({_PARTS.pattern})+", text):
        raise ValueError(f"{text!r} is no duration; write 90s, 5m, 2h30m or 7d")
    return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in _PARTS.findall(text)), timedelta())


def moment(text: str) -> datetime:
    """An ISO 8601 date or time, in local time unless it carries an offset, or a duration back from now (`15m`). Raises `ValueError`."""
    if _PARTS.match(text):
        with_sign = text.removeprefix("-")
        if re.fullmatch(rf"({_PARTS.pattern})+", with_sign):
            return now() - span(with_sign)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; write 2026-11-22T14:30, with +01:00 where it is not local, or 15m for 15 minutes ago"
        ) from None


def of_milliseconds(timestamp: int) -> datetime:
    """A record's time."""
    return datetime.fromtimestamp(max(timestamp, 0) / 1000, UTC)


def in_words(duration: timedelta | float) -> str:
    """The two largest units: `350 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    if seconds < 1:
        return f"{sign}{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{sign}{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller, name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{sign}{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{sign}{whole} s"


def to_read(time: datetime) -> str:
    """In local time with its offset, to the millisecond."""
    return time.astimezone().isoformat(sep=" ", timespec="milliseconds")
