"""One child process: started on a leash, logged to a file, stopped in order, and reclaimed after a crash of ours."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from local_stack import leash

INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""All that a child gets of our environment; its settings are given, never picked up by chance."""


class ChildDied(Exception):
    """A process ended while something was expected of it; the text ends with its last log lines."""


@dataclass
class Child:
    """A command that runs at most once at a time. Start it from a thread that lives as long as it should (see `leash`)."""

    name: str
    command: Sequence[str]
    log: Path
    pid_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    user: int | None = None
    """User id to run as; only root may change it."""

    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    @property
    def status(self) -> int | None:
        """Exit status, negative for a signal; None before the first start and while it runs."""
        return self._process.poll() if self._process else None

    def memory(self) -> int:
        """Resident bytes of the process and all its descendants; 0 when it does not run."""
        return 0 if self.pid is None else resident(self.pid)

    def start(self) -> None:
        if self.running:
            return
        self.reclaim()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        user = "-" if self.user is None else str(self.user)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(self.stop_signal)), user, *self.command],
                env={name: os.environ[name] for name in INHERITED if name in os.environ} | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop our children in order
            )
        with suppress(psutil.Error):
            self.pid_file.write_text(f"{self._process.pid} {psutil.Process(self._process.pid).create_time()}")

    def reclaim(self) -> None:
        """Stop what an earlier life of ours has left behind (possible where the system has no leash)."""
        with suppress(OSError, ValueError, psutil.Error):
            pid, created = self.pid_file.read_text().split()
            left = psutil.Process(int(pid))
            if abs(left.create_time() - float(created)) < 1:  # else the number belongs to another process by now
                left.send_signal(self.stop_signal)
                with suppress(psutil.TimeoutExpired):
                    left.wait(10)
                left.kill()

    async def stop(self, within: float = 30) -> None:
        """Ask it to stop, insist after `within` seconds."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(self.stop_signal)
        try:
            await asyncio.to_thread(self._process.wait, within)
        except subprocess.TimeoutExpired:
            self.kill()
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End its whole process group at once, as a crash would."""
        if self._process is not None and self.running:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def expect_running(self) -> None:
        """Raises `ChildDied` when it has ended."""
        if not self.running:
            lines = self.log.read_text(errors="replace").splitlines()[-15:] if self.log.exists() else []
            raise ChildDied("\n    ".join([f"{self.name} ended with status {self.status}; the end of {self.log}:", *lines]))


def resident(pid: int) -> int:
    """Resident bytes of a process and its descendants, shared pages counted once per process (as `ps` does)."""
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                total += each.memory_info().rss
    return total
