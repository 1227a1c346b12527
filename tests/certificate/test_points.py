"""The crash points themselves: each stands once in the code, and kills when it is told to, and only then."""

import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from eventing import crash

ROOT = Path(__file__).parents[2]
WALK = """
from eventing import crash
for step in range(5):
    print(step, flush=True)
    crash.point("page.committed")
    crash.point("page.written")
"""


def test_every_point_is_listed_and_stands_once_in_the_code() -> None:
    sources = [path for folder in ("libs", "services") for path in ROOT.glob(f"{folder}/*/src/**/*.py")]
    found = Counter(name for path in sources for name in re.findall(r'crash\.point\("([^"]*)"\)', path.read_text()))
    assert found == dict.fromkeys(crash.POINTS, 1)


def test_unarmed_a_point_is_an_empty_function() -> None:
    assert crash.point is crash._pass_by


@pytest.mark.parametrize(("setting", "steps"), [("page.committed", 1), ("page.written:3", 3)])
def test_an_armed_point_kills_at_its_passing(setting: str, steps: int) -> None:
    ended = subprocess.run([sys.executable, "-c", WALK], env={"CRASH_AT": setting}, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == [str(step) for step in range(steps)]


def test_an_unknown_point_is_refused_at_the_start() -> None:
    ended = subprocess.run([sys.executable, "-c", WALK], env={"CRASH_AT": "page.comitted"}, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "CRASH_AT names no crash point: 'page.comitted'" in ended.stderr
