"""The certificate: what was done, how often, and what it changed. Printed as a table and kept as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .endstate import Verdict

KEPT = Path(__file__).parents[2] / ".local" / "certificate.json"


@dataclass(frozen=True)
class Entry:
    """One line. ``point`` is a crash point with its passing, or another misfortune; ``kills`` how often it struck."""

    point: str
    service: str
    kills: int
    verdict: Verdict
    note: str = ""

    @property
    def clean(self) -> bool:
        return self.verdict.clean and self.kills > 0


class Certificate:
    """One part of it, kept after every line, beside what the other parts have kept."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._entries: list[Entry] = []

    def add(self, *entries: Entry) -> None:
        """Note lines, and write them to the JSON."""
        self._entries += entries
        parts = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        parts[self._part] = [_line(entry) for entry in self._entries]
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(parts, indent=1, ensure_ascii=False))

    def print(self) -> None:
        """As a table."""
        table = Table("point", "service", "kills", "lost", "doubled", "out of order", "", title=self._part)
        for entry in self._entries:
            counts = [entry.kills, len(entry.verdict.lost), len(entry.verdict.doubled), len(entry.verdict.out_of_order)]
            table.add_row(entry.point, entry.service, *map(str, counts), entry.note, style=None if entry.clean else "red")
        Console(width=120).print("", table)


def _line(entry: Entry) -> dict[str, object]:
    """As JSON: the counts, and the first few of what was found."""
    found = {name: {"count": len(each), "first": each[:5]} for name, each in asdict(entry.verdict).items()}
    return {"point": entry.point, "service": entry.service, "kills": entry.kills, **found, "note": entry.note, "clean": entry.clean}
