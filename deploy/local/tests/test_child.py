import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.child import Child, ChildDied
from testkit import probe

pytestmark = pytest.mark.servers

SLEEPER = (sys.executable, "-c", "import signal; signal.pause()")


DEAF = "import signal; signal.signal(15, signal.SIG_IGN); print('deaf')\nwhile True: signal.pause()"


def child(tmp_path: Path, *command: str, **options: object) -> Child:
    return Child("sleeper", command or SLEEPER, log=tmp_path / "log", pid_file=tmp_path / "pid", **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ended(pid: int) -> None:
    if alive(pid):
        psutil.Process(pid).wait(10)


async def test_stops_with_its_own_signal(tmp_path: Path) -> None:
    # Said to be up before it is stopped: an interpreter that is still starting may swallow the interrupt.
    program = "import signal; signal.signal(2, signal.SIG_DFL); print('up', flush=True); signal.pause()"
    sleeper = child(tmp_path, sys.executable, "-c", program, stop_signal=signal.SIGINT)
    sleeper.start()
    await probe(lambda: "up" in (tmp_path / "log").read_text(), within=10)
    assert sleeper.memory() > 0
    await sleeper.stop(within=10)
    assert sleeper.status == -signal.SIGINT
    assert not (tmp_path / "pid").exists()


async def test_is_killed_when_it_does_not_listen(tmp_path: Path) -> None:
    deaf = child(
        tmp_path, sys.executable, "-uc", "import signal; signal.signal(15, signal.SIG_IGN); print('deaf')\nwhile 1: signal.pause()"
    )
    deaf.start()
    await probe(lambda: "deaf" in (tmp_path / "log").read_text(), within=10)
    await deaf.stop(within=0.1)
    assert deaf.status == -signal.SIGKILL


async def test_sees_nothing_of_our_environment_but_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("KAFKA__BOOTSTRAP_SERVERS", "elsewhere:9092")
    shown = child(tmp_path, sys.executable, "-c", "import os; print(sorted(os.environ))", environment={"GIVEN": "1"})
    shown.start()
    await probe(lambda: not shown.running, within=10)
    printed = (tmp_path / "log").read_text()
    assert "'GIVEN'" in printed
    assert "'PATH'" in printed
    assert "PYTHONDONTWRITEBYTECODE" not in printed
    assert "KAFKA" not in printed


async def test_a_death_is_told_with_the_last_lines_of_the_log(tmp_path: Path) -> None:
    dying = child(tmp_path, sys.executable, "-c", "import sys; sys.exit('no such ledger')")
    dying.start()
    await probe(lambda: not dying.running, within=10)
    with pytest.raises(ChildDied, match=r"(?s)sleeper ended with status 1.*no such ledger"):
        dying.expect_running()


PARENT = """
import sys
from collections.abc import Iterator
from pathlib import Path
from local_stack.child import Child
code = "import signal; print('asleep', flush=True); signal.pause()"
child = Child("sleeper", [sys.executable, "-c", code], Path(sys.argv[1], "log"), Path(sys.argv[1], "pid"))
child.start()
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        yield parent


async def test_does_not_outlive_a_parent_that_is_killed(tmp_path: Path, parent: subprocess.Popen[bytes]) -> None:
    """By the kernel on Linux; elsewhere by the next start."""
    assert parent.stdout
    pid = int(parent.stdout.readline())
    await probe(lambda: "asleep" in (tmp_path / "log").read_text(), within=10)
    parent.kill()
    if sys.platform != "linux":
        child(tmp_path).reclaim()
    await probe(lambda: not alive(pid), within=10)


def test_what_an_earlier_life_left_behind_is_stopped_first(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEPER) as left:
        (tmp_path / "pid").write_text(f"{left.pid} {psutil.Process(left.pid).create_time()}")
        child(tmp_path).reclaim()
        ended(left.pid)


def test_another_process_with_the_same_number_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{os.getpid()} {psutil.Process().create_time() - 60}")
    child(tmp_path).reclaim()  # else this test run would end here
    assert alive(os.getpid())
