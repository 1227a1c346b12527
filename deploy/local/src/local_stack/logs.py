"""Reading the logs of all parts as one stream."""

import time
from collections.abc import Iterator
from itertools import count
from os import SEEK_END
from pathlib import Path


def read(folder: Path, name: str | None, lines: int, *, follow: bool) -> Iterator[str]:
    """The last `lines` lines of one log, or of all with their names in front; with `follow` then new lines as they come, endlessly.

    Raises `FileNotFoundError` when there is no such log.
    """
    paths = sorted(folder.glob(f"{name or '*'}.log"))
    if not paths:
        raise FileNotFoundError(f"no log {name} in {folder}" if name else f"no logs in {folder}")
    width = 0 if name else max(len(path.stem) for path in paths)
    ends: dict[Path, int] = {}
    for round_ in count():
        for path in paths:
            for line in _lines(path, ends)[-lines if round_ == 0 else 0 :]:
                yield f"{path.stem:{width}} | {line}" if width else line
        if not follow:
            return
        time.sleep(0.2)


def _lines(path: Path, ends: dict[Path, int]) -> list[str]:
    """Whole lines after where we stopped; from the start again when the file has become shorter, which a new start does."""
    if not path.exists():  # between two starts
        return []
    start = ends.get(path, 0)
    with path.open("rb") as file:
        file.seek(start if file.seek(0, SEEK_END) >= start else 0)
        start = file.tell()
        whole = file.read().rpartition(b"\n")[0]
    ends[path] = start + len(whole) + bool(whole)
    return whole.decode(errors="replace").splitlines()
