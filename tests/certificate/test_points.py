"""The crash points themselves: each stands once in the code, is walked over, and kills when it is told to, and only then."""

import re
import signal
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from contracts.sync import DataSet
from eventing import crash
from sync_worker.domain.datasets import DATASETS

from .certify_points import EVERY_SERVICE, NOT_YET, PASSINGS, POINTS, SUMMED

ROOT = Path(__file__).parents[2]
POINT = re.compile(r'crash\.point\("([^"]*)"[,)]')
TRANSACTION = re.compile(r"outbox\.work\(|\.together\(|\.transaction\(")
ELSEWHERE = {"rehearsal": "libs/eventing/tests/test_redrive.py", "operation": "libs/eventing/tests/test_redrive.py"}
"""Where points are walked over that no walk of the certificate passes: nobody asks for an operation there."""
WITHOUT_A_POINT = {
    "libs/eventing/src/eventing/inbox.py": "its transactions are the outbox's, which has the points",
    "libs/eventing/src/eventing/proof.py": "rolled back",
    "libs/eventing/src/eventing/shadow.py": "writes into a database that is emptied before the next proof",
    "libs/eventing/src/eventing/trial.py": "savepoints; the transaction around them is the operation's",
    "libs/visma-nxt/src/visma_nxt/shared_budget.py": "turns that a process asked for are lost with it, a second's at most",
    "services/sync-worker/src/sync_worker/store/wall.py": "reads",
}
WALK = """
from eventing import crash
for step in range(5):
    print(step, flush=True)
    crash.point("page.committed")
    crash.point("page.written", "ledger_lines" if step % 2 else "customers")
"""


def test_every_point_is_listed_and_stands_once_in_the_code() -> None:
    found = Counter(name for text in sources().values() for name in POINT.findall(text))
    assert found == dict.fromkeys(crash.POINTS, 1)


def test_every_point_is_walked_over() -> None:
    own = {service: kinds_in(f"services/{service}/") for service in POINTS}
    assert own == {service: set(kinds) - {*EVERY_SERVICE, *NOT_YET} for service, kinds in POINTS.items()}
    assert kinds_in("libs/") == {*EVERY_SERVICE, *NOT_YET, *ELSEWHERE}
    for name in crash.POINTS:
        if file := ELSEWHERE.get(name.partition(".")[0]):
            assert f'"{name}"' in (ROOT / file).read_text()


def test_what_is_summed_up_dies_at_the_points_of_its_own_module() -> None:
    summed = {data_set for data_set, dataset in DATASETS.items() if dataset.sums} | {DataSet.ACCOUNT_BALANCES}
    assert sorted(SUMMED) == sorted(f"/{data_set}" for data_set in summed)
    assert {name for name in crash.POINTS if PASSINGS.get(name) == SUMMED} == {name for name in crash.POINTS if name.startswith("sums.")}


def test_every_file_that_opens_a_transaction_has_a_point_or_a_reason_for_none() -> None:
    found = {file for file, text in sources().items() if TRANSACTION.search(text) and not POINT.search(text)}
    assert found == WITHOUT_A_POINT.keys()


def test_unarmed_a_point_is_an_empty_function() -> None:
    assert crash.point is crash._pass_by


@pytest.mark.parametrize(
    ("setting", "steps"),
    [("page.committed", 1), ("page.written:3", 3), ("page.written/ledger_lines", 2), ("page.written/ledger_lines:2", 4)],
)
def test_an_armed_point_kills_at_its_passing(setting: str, steps: int) -> None:
    ended = subprocess.run([sys.executable, "-c", WALK], env={"CRASH_AT": setting}, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == [str(step) for step in range(steps)]


def test_an_unknown_point_is_refused_at_the_start() -> None:
    ended = subprocess.run([sys.executable, "-c", WALK], env={"CRASH_AT": "page.comitted"}, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "CRASH_AT names no crash point: 'page.comitted'" in ended.stderr


@cache
def sources() -> dict[str, str]:
    """The product's Python files with their text."""
    paths = [path for folder in ("libs", "services") for path in ROOT.glob(f"{folder}/*/src/**/*.py")]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


def kinds_in(folder: str) -> set[str]:
    """What stands before the dot in the names of its points."""
    return {name.partition(".")[0] for file, text in sources().items() if file.startswith(folder) for name in POINT.findall(text)}
