"""What holds for the repository as a whole."""

import re
import subprocess
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from local_stack import environment

ROOT = Path(__file__).parents[1]
SERVICES = ("org-service", "company-service", "visma-connector", "sync-worker")


def test_dependencies_point_one_way_and_services_do_not_know_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=".importlinter", no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_example_environment_names_every_setting() -> None:
    assert environment.EXAMPLE.read_text("utf-8") == environment.text(), "run `make contracts`"


def test_every_service_has_the_same_shape() -> None:
    for name in SERVICES:
        folder, package = ROOT / "services" / name, name.replace("-", "_")
        for part in ("migrations", "tests", f"src/{package}/domain", f"src/{package}/store"):
            assert (folder / part).is_dir(), folder / part
        for part in (
            "README.md",
            f"src/{package}/__main__.py",
            f"src/{package}/app.py",
            f"src/{package}/settings.py",
            f"src/{package}/handlers.py",
        ):
            assert (folder / part).is_file(), folder / part


def test_no_module_is_named_after_nothing() -> None:
    unnamed = re.compile(r"(^|_)(utils?|helpers?|common|base|managers?|misc)(_|\.|$)")
    assert [path for path in tracked("*.py") if unnamed.search(path.name)] == []


def test_the_lock_has_hashes_and_no_address() -> None:
    for lock in (ROOT / "deploy" / "requirements").glob("*.lock"):
        text = lock.read_text("utf-8")
        assert "://" not in text
        assert len(re.findall(r"^\S+==", text, re.MULTILINE)) <= text.count("--hash=sha256:")


def test_nothing_of_a_session_outlasts_its_transaction() -> None:
    """A connection goes back to its pool as it is: the next one who gets it may work for another organisation."""
    lasting = re.compile(r"pg_(?:try_)?advisory_lock|set_config\([^)]*, *false\)|[\";] *(?:SET|LISTEN|PREPARE)\b(?! LOCAL)")
    statement = re.compile(r"^-- name: .*\n(?:--.*\n)*(?:SET|LISTEN|PREPARE)\b(?! LOCAL)", re.MULTILINE)
    ours = [path for folder in ("libs", "services") for end in ("py", "sql") for path in tracked(f"{folder}/*/src/*.{end}")]
    found = {path.name for path in ours if lasting.search(text := path.read_text("utf-8")) or statement.search(text)}
    assert found == {"session_lock.py", "migrations.py"}, "migrations have a connection of their own"


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split()]
