"""Random passwords of the local servers, kept in one file that only its owner reads."""

import json
import os
import secrets
from pathlib import Path


class Passwords:
    """`Passwords(path)["org"]` is made at the first request and the same ever after."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> str:
        known: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}
        if name not in known:
            known[name] = secrets.token_urlsafe(24)
            self._write(known)
        return known[name]

    def _write(self, known: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(known, file, indent=1)
        new.replace(self._path)
