"""``python -m contracts.gate`` compares today's contracts with the released ones; ``release`` makes them the released ones."""

import argparse
import sys
from pathlib import Path

import orjson
from rich.console import Console

from contracts import documents
from contracts.gate.comparison import breaks, compare
from contracts.gate.release import Breaks, Release, release
from contracts.gate.snapshot import Contracts
from contracts.gate.table import show


def main(arguments: list[str] | None = None, root: Path = documents.ROOT) -> int:
    """The exit status: 1 when something breaks somebody."""
    parser = argparse.ArgumentParser(prog="python -m contracts.gate", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["compare", "release"], default="compare")
    parser.add_argument("--json", action="store_true", help="print the changes for a program")
    parser.add_argument("--accept", metavar="REASON", help="release although something breaks; the reason goes into CHANGES.md")
    given = parser.parse_args(arguments)
    console, last = Console(), Release.last(root)
    if given.what == "release":
        return _release(console, root, given.accept)
    changes = compare(Contracts.read(root / "released"), Contracts.today())
    if given.json:
        told = {"release": last.number, "breaking": breaks(changes), "changes": [change.as_dict() for change in changes]}
        sys.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        show(changes, last.number, console)
    return int(breaks(changes))


def _release(console: Console, root: Path, accept: str | None) -> int:
    try:
        made = release(root, accept=accept)
    except Breaks as refused:
        show(refused.changes, Release.last(root).number, console)
        console.print("Not released. A reason with --accept releases all the same.", style="red")
        return 1
    console.print(f"Release {made.number}: {len(made.golden)} golden messages.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
