"""A release: the snapshot moves to today, the golden corpus grows, and ``CHANGES.md`` says what was new."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from contracts import documents
from contracts.gate.change import Change
from contracts.gate.comparison import compare
from contracts.gate.corpus import of_examples
from contracts.gate.snapshot import Contracts


class Breaks(Exception):
    """Today's contracts break somebody, and no reason was given why that is right."""

    def __init__(self, changes: list[Change]) -> None:
        self.changes = changes
        super().__init__(f"{len(changes)} breaking changes")


@dataclass(frozen=True)
class Release:
    """What stands in ``released/release.json``: the number, and every file of the corpus that was ever added."""

    number: int
    golden: tuple[str, ...]

    @classmethod
    def last(cls, root: Path = documents.ROOT) -> "Release":
        """The last one; number 0 before the first."""
        path = root / "released" / "release.json"
        if not path.exists():
            return cls(0, ())
        told = orjson.loads(path.read_bytes())
        return cls(told["release"], tuple(told["golden"]))

    def text(self) -> str:
        """As a file."""
        return orjson.dumps({"release": self.number, "golden": self.golden}, option=orjson.OPT_INDENT_2).decode() + "\n"


def release(root: Path = documents.ROOT, *, accept: str | None = None) -> Release:
    """Make today's contracts the released ones. ``accept`` is the reason why breaking changes are right; without it they raise `Breaks`."""
    last, today = Release.last(root), Contracts.today()
    changes = compare(Contracts.read(root / "released"), today) if last.number else []
    if (breaking := [change for change in changes if change.breaking]) and not accept:
        raise Breaks(breaking)
    examples = {example.path: example for example in of_examples(last.number + 1)}
    new = Release(last.number + 1, tuple(sorted({*last.golden, *examples})))
    for path, example in examples.items():
        if path not in last.golden:
            _write(root / "golden" / path, example.text())
    shutil.rmtree(root / "released", ignore_errors=True)
    for name, text in {**today.files(), "release.json": new.text()}.items():
        _write(root / "released" / name, text)
    log = root / "CHANGES.md"
    earlier = log.read_text("utf-8") if log.exists() else "# What each release of the contracts changed\n"
    _write(log, f"{earlier}\n{_entry(new.number, changes, accept)}")
    return new


def _entry(number: int, changes: list[Change], accept: str | None) -> str:
    lines = [f"## Release {number}, {datetime.now(UTC).date()}", ""]
    lines += _lines(changes) or ["The first one." if number == 1 else "Nothing changed."]
    if accept and any(change.breaking for change in changes):
        lines += ["", f"Breaking changes were accepted: {accept}"]
    return "\n".join(lines) + "\n"


def _lines(changes: list[Change]) -> list[str]:
    """A line for each change of a message; fields that changed alike share one."""
    alike: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        what = " → ".join(value for value in (change.before, change.after) if value)
        whom = f" (breaks {', '.join(party.name for party in change.affects)})" if change.breaking else ""
        alike.setdefault((change.where, f"{change.kind}{f': {what}' if what else ''}{whom}"), []).append(change.path)
    return [f"- {where} {', '.join(paths)}: {what}".replace(" :", ":") for (where, what), paths in alike.items()]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
