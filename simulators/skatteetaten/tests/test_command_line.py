"""The simulator as a process of its own."""

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.servers

PROGRAM = [sys.executable, "-m", "skatteetaten_simulator"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=30)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "client.pem"
    assert run("make-key", str(path)).returncode == 0
    return path


def test_a_key_is_its_owners_alone_and_never_replaced(key: Path) -> None:
    before = key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert run("make-key", str(key)).returncode != 0
    assert key.read_bytes() == before


def test_serves_from_the_ready_line_to_sigterm(key: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps({"seed": 3, "sub_units": ["314768949"]}))
    arguments = ["--client-key", str(key), "--scenario", str(scenario), "--today", "2026-06-20", "--without-system-user", "974761076"]
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        ready = json.loads(process.stdout.readline())
        metadata = httpx.get(f"{ready['issuer']}.well-known/oauth-authorization-server").json()
        today = httpx.get(f"{ready['control_url']}/today").json()
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=10)
    assert metadata["token_endpoint"] == ready["token_url"]
    assert ready["a07_base_url"].startswith("http://127.0.0.1:")
    assert today == {"today": "2026-06-20"}
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [([], "make-key"), (["--client-key", "/nowhere.pem"], "nowhere"), (["--help"], "--without-system-user")],
)
def test_says_what_it_needs(arguments: list[str], text: str) -> None:
    answer = run(*arguments)
    assert text in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
