"""Each cross check holds on a sound report and fails when its figure is moved by more than one øre."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from skatteetaten import Check, cross_checks
from skatteetaten.reading import read_report

REPORTS = Path(__file__).parent / "reports"
Move = Callable[[Any], None]


def checks(move: Move, name: str = "summary") -> dict[str, Check]:
    content = json.loads((REPORTS / f"{name}.json").read_bytes(), parse_float=str)
    move(content["mottatt"])
    report = read_report(json.dumps(content).encode(), "211785462", "2026-01", fetched_at=datetime(2026, 2, 10, tzinfo=UTC))
    assert report is not None
    return {check.name: check for check in cross_checks(report)}


def add(amount: str, *path: str | int) -> Move:
    def move(received: Any) -> None:
        *parents, last = path
        for step in parents:
            received = received[step]
        received[last] = str(Decimal(str(received[last])) + Decimal(amount))

    return move


SUMMARISED = ("oppgave", "oppsummerteVirksomheter")
FIGURES = [
    ("income-by-workplace:fastloenn", ("oppgave", "virksomhet", 0, "inntekt", 0, "beloep")),
    ("submissions:withholding-tax", ("opplysningspliktig", "innsendinger", 1, "mottattAvgiftOgTrekkTotalt", "sumForskuddstrekk")),
    ("submissions:employer-contribution", ("opplysningspliktig", "innsendinger", 1, "mottattAvgiftOgTrekkTotalt", "sumArbeidsgiveravgift")),
    ("submissions:financial-tax", ("opplysningspliktig", "innsendinger", 0, "mottattAvgiftOgTrekkTotalt", "sumFinansskattLoenn")),
    ("withholding-lines", (*SUMMARISED, "forskuddstrekk", 0, "beloep")),
    ("employer-contribution-base", (*SUMMARISED, "arbeidsgiveravgift", "loennOgGodtgjoerelse", 0, "avgiftsgrunnlagBeloep")),
]


def test_all_hold_on_a_sound_report() -> None:
    found = checks(lambda _: None)
    assert set(found) == {name for name, _ in FIGURES} | {
        "income-by-workplace:kilometergodtgjoerelseBil",
        "employer-contribution-by-workplace:1",
        "employer-contribution-by-workplace:3",
        "employer-contribution-by-workplace:foreign_fixed",
        "employer-contribution-zones",
    }
    assert [check for check in found.values() if not check.holds] == []


@pytest.mark.parametrize(("name", "path"), FIGURES)
def test_a_deviation_fails_its_own_check_alone(name: str, path: tuple[str | int, ...]) -> None:
    assert [check.name for check in checks(add("0.02", *path)).values() if not check.holds] == [name]


@pytest.mark.parametrize(("name", "path"), FIGURES)
def test_one_oere_is_tolerated(name: str, path: tuple[str | int, ...]) -> None:
    check = checks(add("0.01", *path))[name]
    assert (abs(check.difference), check.holds) == (Decimal("0.01"), True)


def test_income_type_missing_on_one_side_is_a_deviation() -> None:
    check = checks(lambda received: received["oppgave"]["virksomhet"][1]["inntekt"].clear())[
        "income-by-workplace:kilometergodtgjoerelseBil"
    ]
    assert (check.expected, check.actual, check.holds) == (Decimal("1050.5"), Decimal(0), False)


def test_without_a_split_by_workplace_that_check_is_left_out() -> None:
    found = checks(lambda received: received["oppgave"]["virksomhet"][1].pop("inntekt"))
    assert not [name for name in found if name.startswith("income-by-workplace")]


@pytest.mark.parametrize(("moved", "holds"), [("0.15", True), ("0.16", False)])
def test_a_zone_is_the_sum_of_its_workplaces(moved: str, holds: bool) -> None:
    base = ("oppgave", "virksomhet", 1, "arbeidsgiveravgift", "loennOgGodtgjoerelse", 0, "avgiftsgrunnlagBeloep")
    failed = [check.name for check in checks(add(moved, *base)).values() if not check.holds]
    assert failed == ([] if holds else ["employer-contribution-by-workplace:3"])  # 6.4 % of the base


def test_the_zones_come_to_the_total_but_for_roundings() -> None:
    total = ("oppgave", "betalingsinformasjon", "sumArbeidsgiveravgift")
    one_each = 4 * 2 * 2  # lines, counted messages, workplaces
    for moved, holds in ((one_each, True), (one_each + 1, False)):
        assert checks(add(str(moved), *total))["employer-contribution-zones"].holds is holds


def test_a_zone_that_is_missing_is_a_deviation() -> None:
    found = checks(lambda received: received["oppgave"]["oppsummerteVirksomheter"]["arbeidsgiveravgift"]["loennOgGodtgjoerelse"].pop())
    assert not found["employer-contribution-zones"].holds
    assert not found["employer-contribution-by-workplace:3"].holds


def test_recipients_are_compared_with_what_their_workplaces_state() -> None:
    def stated(received: Any) -> None:
        unit = received["oppgave"]["virksomhet"][0]
        unit["inntekt"] = [{"beloep": "20000.02", "loennsinntekt": {"beskrivelse": "timeloenn"}}]
        unit["forskuddstrekk"] = [{"beskrivelse": "ordinaert", "beloep": -6201}]

    found = checks(stated, "without_summary")
    assert [(found[name].difference, found[name].holds) for name in ("income-by-recipient:timeloenn", "withholding-by-recipient")] == [
        (Decimal("-0.02"), False),
        (Decimal(1), False),
    ]
    sound = checks(lambda _: None, "without_summary")
    assert [check for check in sound.values() if not check.holds] == []
    assert "income-by-recipient:timeloenn" in sound
