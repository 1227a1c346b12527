"""Reading rules, on files written by hand in the observed shape."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from skatteetaten import A07Report
from skatteetaten.document import UnreadableValueError
from skatteetaten.reading import read_report

FETCHED_AT = datetime(2026, 2, 10, tzinfo=UTC)
REPORTS = Path(__file__).parent / "reports"


def read(body: bytes, **options: Any) -> A07Report | None:
    return read_report(body, "211785462", "2026-01", fetched_at=FETCHED_AT, **options)


def report(name: str, **options: Any) -> A07Report:
    found = read((REPORTS / f"{name}.json").read_bytes(), **options)
    assert found is not None
    return found


def edited(name: str, **received: Any) -> bytes:
    """A file with other values under `mottatt`."""
    content = json.loads((REPORTS / f"{name}.json").read_bytes())
    content["mottatt"].update(received)
    return json.dumps(content).encode()


def test_figures_come_from_the_summary_alone() -> None:
    assert [(line.type, line.amount) for line in report("summary").income] == [
        ("fastloenn", Decimal("245428.10")),
        ("kilometergodtgjoerelseBil", Decimal("1050.5")),
    ]


def test_numbers_keep_their_digits_in_either_writing() -> None:
    lines = report("summary").employer_contribution
    assert [str(line.base) for line in lines[:2]] == ["200000.10", "45428"]
    assert [str(line.rate) for line in lines[:2]] == ["14.1", "6.4"]


def test_contribution_lines_of_every_kind() -> None:
    assert [(line.kind, line.zone, line.amount) for line in report("summary").employer_contribution] == [
        ("wages", "1", Decimal("28200.0141")),
        ("wages", "3", Decimal("2907.392")),
        ("deduction", "1", Decimal(-141)),
        ("foreign_fixed", None, Decimal(833)),
    ]


def test_only_accepted_messages_count() -> None:
    assert [(one.message_id, one.counts) for one in report("summary").submissions] == [
        ("a", True),  # its replacement c was rejected
        ("b", True),
        ("c", False),
        ("d", False),  # a status nobody told us about
    ]


def test_a_replaced_message_does_not_count() -> None:
    found = report("without_summary").submissions
    assert [(one.counts, one.replaces, one.replaced_by) for one in found] == [(False, None, "b"), (True, "a", None)]


def test_feedback_of_a_submission() -> None:
    assert [one.feedback for one in report("summary").submissions] == ["accepted", "accepted", "rejected", "unknown"]


@pytest.mark.parametrize(
    ("listed", "deviations"), [([{"kode": "1"}, {"kode": "2"}], 2), ({"kode": "1"}, 1), ("a text", 1), ([], 0), (None, 0)]
)
def test_accepted_with_deviations_counts_and_says_so(listed: Any, deviations: int) -> None:
    content = json.loads((REPORTS / "summary.json").read_bytes())
    content["mottatt"]["opplysningspliktig"]["innsendinger"][0]["avvik"] = listed
    found = read(json.dumps(content).encode())
    assert found is not None
    first = found.submissions[0]
    expected = "accepted_with_deviations" if deviations else "accepted"
    assert (first.deviations, first.feedback, first.counts) == (deviations, expected, True)


def test_workplaces_have_figures_of_their_own() -> None:
    [oslo, alta] = report("summary").workplaces
    assert [line.zone for line in oslo.employer_contribution or ()] == ["1", "1", None]
    assert oslo.recipients is not None
    assert oslo.recipients.income[0].amount == Decimal("245428.10")
    assert (alta.withholding, alta.recipients) == (None, None)
    [workplace] = report("without_summary").workplaces
    assert [(line.type, line.amount) for line in workplace.withholding or ()] == [("ordinaert", Decimal(-6200))]


def test_recipients_are_never_added_up() -> None:
    assert report("summary").recipients == 13
    assert report("without_summary").recipients == 2


def test_payment_of_a_submission() -> None:
    payment = report("summary").submissions[1].payment
    assert (payment.account, payment.withholding_tax_kid, payment.due) == ("12345678903", "135100000123451", date(2026, 3, 16))


def test_times_are_in_utc() -> None:
    assert report("summary").submissions[0].delivered_at == datetime(2026, 1, 23, 14, 50, 35, 920000, tzinfo=UTC)
    assert report("through_xml").snapshot_at == datetime(2026, 2, 9, 10, 15, 30, tzinfo=UTC)
    assert report("without_summary").snapshot_at == FETCHED_AT


def test_single_elements_stand_for_lists_and_text_for_values() -> None:
    found = report("through_xml")
    [income], [zone], [submission] = found.income, found.employer_contribution, found.submissions
    assert (income.kind, income.type, income.amount) == ("naeringsinntekt", "lottKunTrygdeavgift", Decimal(10000))
    assert (income.subject_to_employer_contribution, income.subject_to_withholding) == (True, False)
    assert (zone.amount, submission.recipients) == (Decimal(1410), 1)


def test_sums_stated_with_the_sign_turned_are_amounts_to_pay() -> None:
    found = report("through_xml")
    assert found.submissions[0].employer_contribution == -1410
    assert (found.totals.withholding_tax, found.totals.employer_contribution) == (3100, 1410)


def test_a_month_that_gives_money_back_has_a_negative_total() -> None:
    content = json.loads((REPORTS / "through_xml.json").read_bytes())
    content["mottatt"]["oppgave"]["oppsummerteVirksomheter"]["arbeidsgiveravgift"]["loennOgGodtgjoerelse"]["avgiftsgrunnlagBeloep"] = (
        "-10000"
    )
    found = read(json.dumps(content).encode())
    assert found is not None
    assert found.totals.employer_contribution == -1410


def test_recipients_are_added_up_where_nothing_above_them_is_stated() -> None:
    found = report("without_summary")
    [income], [withheld] = found.income, found.withholding
    assert (income.type, income.amount, income.count) == ("timeloenn", Decimal("20000.00"), Decimal("81.5"))
    assert withheld.amount == -6200


@pytest.mark.parametrize("name", ["summary", "without_summary"])
def test_nothing_handed_out_holds_a_person(name: str) -> None:
    found = report(name)
    everything = found.model_dump_json().encode() + found.raw
    assert not [trace for trace in (b"inntektsmottaker", b"08842199736", b"17912099997", b"KARI") if trace in everything]


def test_raw_is_otherwise_what_was_received() -> None:
    raw = json.loads(report("summary").raw, parse_float=Decimal)
    received = json.loads((REPORTS / "summary.json").read_bytes(), parse_float=Decimal)
    for unit in received["mottatt"]["oppgave"]["virksomhet"]:
        unit.pop("inntektsmottaker", None)
    assert raw == received
    assert b"245428.10" in report("summary").raw


def test_a_body_without_submissions_is_no_report() -> None:
    assert read(b'{"mottatt": {"opplysningspliktig": {"innsendinger": []}, "oppgave": null}}') is None


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"[]", "mottatt"),
        (b"{}", "mottatt"),
        (edited("summary", opplysningspliktig={"norskIdentifikator": "974761076"}), "another organisation"),
        (edited("summary", tomKalendermaaned="2026-02"), "tomKalendermaaned"),
        (edited("summary", avstemmingstidspunkt="yesterday"), "avstemmingstidspunkt"),
        (edited("summary", oppgave="none"), "oppgave"),
        (edited("summary", oppgave={"betalingsinformasjon": {"sumForskuddstrekk": "1 000,50"}}), "sumForskuddstrekk"),
        (edited("summary", oppgave={"oppsummerteVirksomheter": {"inntekt": ["12"]}}), "inntekt"),
        (edited("summary", oppgave={"oppsummerteVirksomheter": {"inntekt": {"utloeserArbeidsgiveravgift": "ja"}}}), "utloeser"),
    ],
)
def test_what_is_not_understood_is_named_and_never_zero(body: bytes, place: str) -> None:
    with pytest.raises(UnreadableValueError, match=place):
        read(body)
