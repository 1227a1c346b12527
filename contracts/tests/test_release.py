"""Today's contracts break nobody; the snapshot moves by releases, and the golden corpus only grows."""

from pathlib import Path

import orjson
import pytest

from contracts.gate.__main__ import main
from contracts.gate.change import Kind
from contracts.gate.comparison import compare
from contracts.gate.corpus import corpus
from contracts.gate.release import Breaks, Release, release
from contracts.gate.snapshot import Contracts

ROOT = Path(__file__).parents[1]


def test_today_breaks_nobody() -> None:
    breaking = [change.as_dict() for change in compare(Contracts.read(ROOT / "released"), Contracts.today()) if change.breaking]
    assert breaking == [], "see `make contracts`"


def test_no_golden_message_was_touched_or_taken_away() -> None:
    kept = corpus(ROOT)
    assert tuple(sorted(golden.path for golden in kept)) == Release.last(ROOT).golden
    for golden in kept:
        assert (ROOT / "golden" / golden.path).read_text("utf-8") == golden.text()


def test_every_released_message_has_a_golden_one() -> None:
    assert {golden.message for golden in corpus(ROOT)} == set(Contracts.read(ROOT / "released").schemas)


def test_a_snapshot_reads_back_as_what_was_released(tmp_path: Path) -> None:
    release(tmp_path)
    assert compare(Contracts.read(tmp_path / "released"), Contracts.today()) == []
    assert Contracts.read(tmp_path / "released") == Contracts.today()


def test_a_release_without_changes_adds_no_golden_message(tmp_path: Path) -> None:
    first, second = release(tmp_path), release(tmp_path)
    assert (first.number, second.number) == (1, 2)
    assert first.golden == second.golden
    assert "Nothing changed." in (tmp_path / "CHANGES.md").read_text("utf-8")


def test_a_breaking_change_is_released_with_a_reason_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release(tmp_path)
    schema = tmp_path / "released" / "schemas" / "MemberAdded.v1.json"
    schema.write_text(schema.read_text("utf-8").replace('"reader"', '"guest"'), "utf-8")

    with pytest.raises(Breaks) as refused:
        release(tmp_path)
    assert [change.kind for change in refused.value.changes] == [Kind.ENUM_VALUE_ADDED, Kind.ENUM_VALUE_REMOVED]
    assert Release.last(tmp_path).number == 1

    assert main(["--json"], tmp_path) == 1
    told = orjson.loads(capsys.readouterr().out)
    assert (told["release"], told["breaking"]) == (1, True)
    assert {"name": "ui-gateway", "role": "gateway"} in told["changes"][0]["affects"]
    assert (main([], tmp_path), main(["release"], tmp_path)) == (1, 1)
    assert "2 changes, 2 breaking" in capsys.readouterr().out

    assert main(["release", "--accept", "no guest was ever added"], tmp_path) == 0
    assert Release.last(tmp_path).number == 2
    log = (tmp_path / "CHANGES.md").read_text("utf-8")
    assert "MemberAdded.v1 role: enum value removed: guest (breaks company-service," in log
    assert "no guest was ever added" in log
    assert main([], tmp_path) == 0


def test_fields_that_changed_alike_share_a_line(tmp_path: Path) -> None:
    release(tmp_path)
    schema = tmp_path / "released" / "schemas" / "PeriodRepaired.v1.json"
    schema.write_text(schema.read_text("utf-8").replace('"minimum": 0', '"minimum": -1'), "utf-8")
    release(tmp_path, accept="no count was ever negative")
    lines = (tmp_path / "CHANGES.md").read_text("utf-8").splitlines()
    shared = next(line for line in lines if "minimum -1 → minimum 0" in line)
    assert shared.startswith("- PeriodRepaired.v1 differences[].landed_lines, differences[].visma_lines, vouchers[].lines_before,")
