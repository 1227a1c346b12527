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

    @property
    def clean(self) -> bool:
        return self.verdict.clean and self.kills > 0


class Certificate:
    """Entries as they come in; `keep` adds them to what other parts of the same run have kept."""

    def __init__(self, part: str) -> None:
        self._part = part
        self.entries: list[Entry] = []

    def keep(self) -> None:
        """Write the JSON and print the table."""
        parts = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        parts[self._part] = [asdict(entry) | {"clean": entry.clean} for entry in self.entries]
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(parts, indent=1, ensure_ascii=False))
        table = Table("point", "service", "kills", "lost", "doubled", "out of order", title=self._part)
        for entry in self.entries:
            counts = [entry.kills, len(entry.verdict.lost), len(entry.verdict.doubled), len(entry.verdict.out_of_order)]
            table.add_row(entry.point, entry.service, *map(str, counts), style=None if entry.clean else "red")
        Console(width=120).print("", table)
