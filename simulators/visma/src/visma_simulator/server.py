"""The simulator on a real port: in a thread of this process, in a process of its own, or as this process."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from visma_simulator.transmission import BreakableProtocol

KEEP_ALIVE_SECONDS = 75
"""As load balancers do; a short time lets clients find their idle connection closed just when they use it."""
STOP_SECONDS = 5


@contextlib.contextmanager
def running(app: Starlette, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread until the block ends; gives the base URL."""
    with listening(host, port) as (listener, url):
        server = uvicorn.Server(configuration(app))
        thread = threading.Thread(target=server.run, args=([listener],), name="visma-simulator", daemon=True)
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """A socket that listens already, so that a client may connect before the server runs, and its base URL."""
    with socket.create_server((host, port), backlog=2048) as listener:
        yield listener, f"http://{host}:{listener.getsockname()[1]}"


@contextlib.contextmanager
def process(*options: str) -> Iterator[dict[str, str]]:
    """The simulator as a process of its own, with command line options; gives the addresses it printed."""
    command = [sys.executable, "-m", "visma_simulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            line = child.stdout.readline() if child.stdout else ""
            if not line:
                raise RuntimeError(f"The simulator did not start (exit status {child.wait(STOP_SECONDS)}).")
            yield json.loads(line)
        finally:
            child.terminate()
            child.wait(2 * STOP_SECONDS)


def configuration(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BreakableProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def serve(app: Starlette, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. `announce` gets the base URL once connections are taken."""
    with listening(host, port) as (listener, url):
        announce(url)
        uvicorn.Server(configuration(app)).run([listener])
