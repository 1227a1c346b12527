"""No person in what is kept, and pseudonyms that tell nothing without the key."""

import json
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from skatteetaten import A07Report, A07Settings
from skatteetaten.document import UnreadableValueError
from skatteetaten.people import pseudonym, without_people
from skatteetaten.reading import read_report

KEY, OTHER_KEY = SecretStr("k" * 32), SecretStr("o" * 32)
KARI = {"norskIdentifikator": "08842199736"}
REPORT = Path(__file__).parent / "reports" / "without_summary.json"


def read(key: SecretStr | None, move: Any = lambda _: None) -> A07Report:
    content = json.loads(REPORT.read_bytes(), parse_float=str)
    move(content["mottatt"]["oppgave"]["virksomhet"][0]["inntektsmottaker"])
    body = json.dumps(content).encode()
    report = read_report(body, "211785462", "2026-01", fetched_at=datetime(2026, 2, 10, tzinfo=UTC), employee_key=key)
    assert report is not None
    return report


@pytest.mark.parametrize(
    "person",
    [
        {"norskIdentifikator": "08842199736"},
        {"norskIdentifikator": "088421 99736"},
        {"norskIdentifikator": 8842199736},
        {"internasjonalIdentifikator": [{"identifikator": "X1"}]},
        {"identifiserendeInformasjon": {"navn": "KARI"}},
        {"navn": "KARI", "foedselsdato": "1984-04-08"},
    ],
)
def test_a_person_is_left_out_wherever_it_stands(person: dict[str, Any]) -> None:
    document = {"oppgave": {"somebody": person, "list": [person, {"deeper": [person]}], "sum": 1}}
    assert without_people(document) == {"oppgave": {"list": [{"deeper": []}], "sum": 1}}


def test_recipients_and_what_is_said_of_them_are_left_out() -> None:
    document = {"inntektsmottaker": [{}], "avvik": [{"melding": "08842199736 mangler"}], "virksomhet": {"inntektsmottaker": {}}}
    assert without_people(document) == {"virksomhet": {}}


@pytest.mark.parametrize("kept", [{"norskIdentifikator": "314768949"}, {"kontonummer": "12345678903"}, {"kid": "08842199736"}])
def test_organisations_and_accounts_are_no_persons(kept: dict[str, str]) -> None:
    assert without_people([kept]) == [kept]


def test_a_pseudonym_is_the_same_for_the_same_person_key_and_employer_alone() -> None:
    kari = pseudonym(KARI, organisation_number="211785462", key=KEY)
    assert kari == pseudonym(dict(KARI, inntekt=[]), organisation_number="211785462", key=KEY)
    others = {
        pseudonym({"norskIdentifikator": "17912099997"}, organisation_number="211785462", key=KEY),
        pseudonym(KARI, organisation_number="974761076", key=KEY),
        pseudonym(KARI, organisation_number="211785462", key=OTHER_KEY),
    }
    assert len(others | {kari}) == 4
    assert kari is not None
    assert (len(kari), int(kari, 16).bit_length() > 64) == (32, True)


def test_who_has_a_foreign_identifier_alone_has_a_pseudonym_too() -> None:
    foreign = {"internasjonalIdentifikator": [{"identifikator": "X1", "land": "SE"}, {"identifikator": "A9", "land": "DK"}]}
    turned = {"internasjonalIdentifikator": foreign["internasjonalIdentifikator"][::-1]}
    assert pseudonym(foreign, organisation_number="1", key=KEY) == pseudonym(turned, organisation_number="1", key=KEY) is not None
    assert pseudonym({"identifiserendeInformasjon": {}}, organisation_number="1", key=KEY) is None


def test_employees_are_given_with_a_key_only() -> None:
    assert read(None).employees == ()
    report = read(KEY)
    assert [(one.workplace, one.income[0].amount, one.withholding_tax) for one in report.employees] == [
        ("314768949", Decimal("9999.99"), Decimal(3100)),
        ("314768949", Decimal("10000.01"), Decimal(3100)),
    ]
    assert "08842199736" not in report.model_dump_json()


def test_an_employee_who_is_listed_twice_at_a_workplace_is_one() -> None:
    [kari, _] = read(KEY, lambda people: people.append(people[0])).employees
    assert (kari.income[0].amount, kari.withholding_tax) == (Decimal("19999.98"), Decimal(6200))


def test_a_key_that_could_be_guessed_is_refused_without_being_shown() -> None:
    with pytest.raises(ValidationError) as refused:
        A07Settings(base_url="http://127.0.0.1", employee_key=SecretStr("short"))
    assert "employee_key" in str(refused.value)
    assert "'short'" not in str(refused.value)


@pytest.mark.parametrize("unreadable", [{"norskIdentifikator": ["08842199736"]}, {"inntekt": [{"beloep": "08842199736 kr"}]}])
def test_an_error_about_a_person_shows_nothing_of_it(unreadable: dict[str, Any]) -> None:
    with pytest.raises(UnreadableValueError) as refused:
        read(KEY, lambda people: people[0].update(unreadable))
    assert "08842199736" not in "".join(traceback.format_exception(refused.value))
