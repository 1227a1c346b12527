"""Free TCP ports on the loopback interface."""

import json
import random
import socket
from collections import deque
from pathlib import Path

LOWEST, HIGHEST = 15_000, 32_000
"""Below every system's ephemeral range: no outgoing connection of a client can sit on the port of a server that is away, neither a
stranger's nor (on Linux) the client's own, which would connect to itself."""
_given: deque[int] = deque(maxlen=1_000)


def free_port(preferred: int | None = None) -> int:
    """A port nobody listens on, the preferred one where that is free. Another process may still take it before its owner binds it.

    What this process was given before is not given again, since most ports are asked for long before they are bound.
    """
    if preferred is not None and is_free(preferred):
        _given.append(preferred)
        return preferred
    for _ in range(1_000):
        port = random.randrange(LOWEST, HIGHEST)  # noqa: S311 (spreads parallel runs, hides nothing)
        if port not in _given and is_free(port):
            _given.append(port)
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT can be bound by a server
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Ports:
    """`Ports(path)["kafka"]` is the same port at every start, as long as nobody else has taken it meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def __getitem__(self, name: str) -> int:
        known = self._known.get(name)
        self._known[name] = free_port(known)
        self._path.write_text(json.dumps(self._known, indent=1))
        return self._known[name]
