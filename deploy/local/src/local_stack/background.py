"""The system in the background: a detached process owns it, and says in a file how it is."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

from local_stack import stack
from local_stack.ladder import Ladder
from local_stack.stack import AlreadyRunning, LocalStack


@dataclass(frozen=True)
class PartState:
    name: str
    address: str
    ready_url: str | None
    pid: int | None
    restarts: int


@dataclass(frozen=True)
class State:
    """What the owner of the system last wrote about it."""

    phase: Literal["starting", "ready", "failed"]
    servers: str = ""
    """Which rung each server stands on."""
    parts: tuple[PartState, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        with suppress(FileNotFoundError):
            found = json.loads((directory / "state.json").read_text())
            parts = tuple(PartState(**part) for part in found.pop("parts"))
            return cls(**{**found, "parts": parts, "warnings": tuple(found["warnings"])})
        return None

    def write(self, directory: Path) -> None:
        new = directory / "state.new"
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(directory / "state.json")


class StartFailed(Exception):
    """The system did not come up; nothing of it runs."""


async def own(directory: Path, without: Collection[str] = (), *, protect: bool = True) -> None:
    """Run the system until SIGTERM, and write its state and its addresses. This is the detached process."""
    State("starting").write(directory)
    try:
        async with LocalStack(directory, without=without, protect=protect) as system:
            write_addresses(directory / "env", system.assignments())
            while True:
                _state(system).write(directory)
                await asyncio.sleep(1)
    except Exception as error:
        State("failed", error=f"{type(error).__name__}: {error}").write(directory)
        raise


def _state(system: LocalStack) -> State:
    parts = (
        PartState(part.name, part.address, part.ready_url, part.process.pid if part.process else None, system.restarts(part.name))
        for part in system.parts
    )
    return State("ready", str(system), tuple(parts), tuple(map(str, system.differences)))


def write_addresses(path: Path, assignments: dict[str, str]) -> None:
    """Shell assignments, for `. path`. They carry passwords: the file is its owner's alone."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in assignments.items())


def owner(directory: Path) -> int | None:
    """The process that runs the system of this folder."""
    try:
        with stack.exclusive(directory):
            return None
    except AlreadyRunning:
        return int((directory / "lock").read_text() or 0) or None


def up(directory: Path, progress: Callable[[], None], without: Collection[str] = (), *, protect: bool = True) -> State:
    """Start the system detached and wait until it is ready, calling `progress` meanwhile. Raises `AlreadyRunning` or `StartFailed`."""
    if owner(directory):
        raise AlreadyRunning(f"the system of {directory} already runs")
    (directory / "state.json").unlink(missing_ok=True)
    log = directory / "logs" / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with log.open("wb") as output:
        options = [*(f"--without={name}" for name in without), *([] if protect else ["--unprotected"])]
        command = [sys.executable, "-m", "local_stack", "own", "--directory", str(directory), *options]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment)
    try:
        while True:
            state = State.read(directory)
            if state and state.phase == "ready":
                return state
            if process.poll() is not None:
                raise StartFailed(state.error if state and state.error else log.read_text())
            progress()
            time.sleep(0.05)
    except BaseException:
        process.terminate()
        process.wait()
        raise


def down(directory: Path, within: float = 60) -> bool:
    """Stop the system, keep its data; False when it does not run."""
    pid = owner(directory)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + within
    while owner(directory) == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return True


def clean(directory: Path) -> None:
    """Stop the system and delete all that it has stored (on the rung it would start on now; a given server is left alone)."""
    down(directory)
    ladder = Ladder.choose()
    ladder.kafka_server(directory, directory).remove()
    ladder.postgres_server(directory, directory).remove()
    shutil.rmtree(directory, ignore_errors=True)
