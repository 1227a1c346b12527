"""The report endpoint: who may ask, what the months look like, and that their figures agree with each other."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.no import orgnr

from skatteetaten_simulator.employer import employer
from skatteetaten_simulator.payroll import MonthKind, MonthOnRequest, messages, month_kind
from skatteetaten_simulator.report import report
from skatteetaten_simulator.scenario import Scenario
from skatteetaten_simulator.world import World

pytestmark = pytest.mark.servers

ORGANISATION = "974761076"
OTHER = "991825827"
TODAY = date(2026, 6, 20)
MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
Headers = dict[str, str]

PRINT_REPORT = """
import sys
from datetime import date
from skatteetaten_simulator.employer import employer
from skatteetaten_simulator.payroll import messages
from skatteetaten_simulator.report import report

who, today = employer(7, "974761076"), date(2026, 6, 20)
sys.stdout.buffer.write(report(who, "2025-03", messages(7, who, "2025-03", today), today))
"""


def month_of(kind: MonthKind) -> str:
    return next(month for month in MONTHS if month_kind(7, ORGANISATION, month) == kind)


def the_report(seed: int, organisation_number: str, month: str, today: date = TODAY, **asked: Any) -> Any:
    who = employer(seed, organisation_number, finance_sector=seed % 2 == 0)
    request = MonthOnRequest(organisation_number=organisation_number, month=month, **asked) if asked else None
    sent = messages(seed, who, month, today, request)
    return json.loads(report(who, month, sent, today), parse_float=Decimal)["mottatt"] if sent else None


def income(lines: list[Any]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line["loennsinntekt"]["beskrivelse"]] += Decimal(line["beloep"])
    return dict(sums)


def bases(lines: list[Any]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line["sone"]] += Decimal(line.get("avgiftsgrunnlagBeloep", line.get("avgiftsfradragBeloep")))
    return dict(sums)


ON_REQUEST = st.sampled_from([{}, {"kind": "resubmitted"}, {"kind": "refused"}, {"kind": "addition", "days_late": 3}])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([ORGANISATION, OTHER, "211785462"]), st.sampled_from(MONTHS), ON_REQUEST)
def test_every_figure_agrees_with_the_ones_below_it(seed: int, organisation_number: str, month: str, asked: dict[str, Any]) -> None:
    received = the_report(seed, organisation_number, month, **asked)
    if received is None:
        assert not asked
        assert month_kind(seed, organisation_number, month) == "none"
        return
    content = received["oppgave"]
    summary, units, paid = content["oppsummerteVirksomheter"], content["virksomhet"], content["betalingsinformasjon"]
    people = [person for unit in units for person in unit["inntektsmottaker"]]
    lines = [line for unit in units for line in unit["inntekt"]]
    assert income(summary["inntekt"]) == income(lines) == income([line for one in people for line in one["inntekt"]])
    withheld = sum(line["beloep"] for one in people for line in one["forskuddstrekk"])
    assert sum(line["beloep"] for line in summary["forskuddstrekk"]) == withheld == -paid["sumForskuddstrekk"]
    contribution = summary["arbeidsgiveravgift"]
    for name, lines_of_zones in contribution.items():
        of_units = [line for unit in units for line in unit["arbeidsgiveravgift"][name]]
        assert bases(lines_of_zones) == bases(of_units)
    base = sum(Decimal(zone["avgiftsgrunnlagBeloep"]) for zone in contribution["loennOgGodtgjoerelse"])
    assert base == sum(Decimal(line["beloep"]) for line in summary["inntekt"] if line["utloeserArbeidsgiveravgift"])
    owed = sum(
        sign * Decimal(zone.get("avgiftsgrunnlagBeloep", zone.get("avgiftsfradragBeloep"))) * Decimal(str(zone["prosentsats"])) / 100
        for sign, name in ((1, "loennOgGodtgjoerelse"), (1, "tilskuddOgPremieTilPensjon"), (-1, "fradragIGrunnlagetForSone"))
        for zone in contribution[name]
    )
    assert abs(owed - paid["sumArbeidsgiveravgift"]) <= 10  # whole kroner, rounded per line and message
    replaced = {one["erstatterMeldingsId"] for one in received["opplysningspliktig"]["innsendinger"]}
    counted = [
        one["mottattAvgiftOgTrekkTotalt"]
        for one in received["opplysningspliktig"]["innsendinger"]
        if one["status"] == "GODKJENT" and one["meldingsId"] not in replaced
    ]
    assert {name: sum(one[name] for one in counted) for name in paid} == paid


def test_the_finance_sector_pays_its_tax() -> None:
    assert the_report(2, ORGANISATION, "2025-01")["oppgave"]["betalingsinformasjon"]["sumFinansskattLoenn"] > 0
    assert the_report(1, ORGANISATION, "2025-01")["oppgave"]["betalingsinformasjon"]["sumFinansskattLoenn"] == 0


@pytest.mark.parametrize("organisation_number", [ORGANISATION, OTHER])
def test_every_year_shows_every_kind_of_month(organisation_number: str) -> None:
    kinds = {month_kind(7, organisation_number, month) for month in MONTHS}
    assert kinds == {"ordinary", "addition", "correction", "replaced", "rejected", "none"}


def test_workplaces_lie_in_different_zones() -> None:
    who = employer(7, ORGANISATION)
    assert len({unit.zone for unit in who.workplaces}) == len(who.workplaces) >= 2
    assert all(orgnr.is_valid(unit.organisation_number) for unit in who.workplaces)


def test_amounts_come_in_both_writings() -> None:
    kinds = {type(the_report(7, ORGANISATION, month)["oppgave"]["oppsummerteVirksomheter"]["inntekt"][0]["beloep"]) for month in MONTHS[:4]}
    assert kinds == {str, Decimal}


@pytest.mark.parametrize(("day", "submitted"), [(date(2026, 6, 4), False), (date(2026, 6, 5), True)])
def test_a_month_is_submitted_on_the_fifth_of_the_next(day: date, submitted: bool) -> None:
    assert (the_report(7, ORGANISATION, "2026-05", day) is not None) == submitted


def submissions(month: str, today: date, **asked: Any) -> list[tuple[str, str, bool]]:
    received = the_report(7, ORGANISATION, month, today, **asked)
    sent = received["opplysningspliktig"]["innsendinger"] if received else []
    return [(one["meldingsId"], one["status"], one["erstatterMeldingsId"] is not None) for one in sent]


@pytest.mark.parametrize(("day", "submitted"), [(date(2026, 6, 24), False), (date(2026, 6, 25), True)])
def test_a_month_is_late_on_request(day: date, submitted: bool) -> None:
    assert bool(submissions("2026-05", day, kind="ordinary", days_late=20)) is submitted


def test_an_ordinary_message_is_replaced_by_other_figures_on_request() -> None:
    [(first, _, _)] = submissions("2026-05", date(2026, 6, 5), kind="ordinary")
    assert submissions("2026-05", date(2026, 7, 4), kind="resubmitted") == [(first, "GODKJENT", False)]
    [kept, (_, status, replaces)] = submissions("2026-05", date(2026, 7, 5), kind="resubmitted")
    assert (kept[0], status, replaces) == (first, "GODKJENT", True)
    before = the_report(7, ORGANISATION, "2026-05", date(2026, 7, 4), kind="resubmitted")["oppgave"]
    after = the_report(7, ORGANISATION, "2026-05", date(2026, 7, 5), kind="resubmitted")["oppgave"]
    more = {
        name: income(after["oppsummerteVirksomheter"]["inntekt"]).get(name, 0) - amount
        for name, amount in income(before["oppsummerteVirksomheter"]["inntekt"]).items()
    }
    assert set(more.values()) == {0}
    assert income(after["oppsummerteVirksomheter"]["inntekt"])["fastTillegg"] == 1000


def test_a_refused_message_alone_comes_to_nothing() -> None:
    received = the_report(7, ORGANISATION, "2026-05", kind="refused")
    assert [one["status"] for one in received["opplysningspliktig"]["innsendinger"]] == ["AVVIST"]
    assert set(received["oppgave"]["betalingsinformasjon"].values()) == {0}


def test_same_seed_same_bytes_in_another_process() -> None:
    who = employer(7, ORGANISATION)
    here = report(who, "2025-03", messages(7, who, "2025-03", TODAY), TODAY)
    there = subprocess.run(
        [
            sys.executable,
            "-c",
            PRINT_REPORT,
        ],
        check=True,
        capture_output=True,
    ).stdout
    assert here == there
    who = employer(8, ORGANISATION)
    assert report(who, "2025-03", messages(8, who, "2025-03", TODAY), TODAY) != here


async def code(http: httpx.AsyncClient, headers: Headers, path: str) -> tuple[int, str, str | None]:
    answer = await http.get(path, headers=headers)
    body = answer.json()
    assert body["korrelasjonsid"]
    return answer.status_code, body["kode"], body.get("spesifisering", [{}])[0].get("kode")


async def test_over_http_it_is_the_same_report(http: httpx.AsyncClient, bearer: Headers) -> None:
    answer = await http.get(f"/v1/{ORGANISATION}/2025-03", headers=bearer)
    assert json.loads(answer.content, parse_float=Decimal)["mottatt"] == the_report(7, ORGANISATION, "2025-03")


async def test_refusals(http: httpx.AsyncClient, bearer: Headers, world: World) -> None:
    ours = f"/v1/{ORGANISATION}"
    assert await code(http, {**bearer, "Authorization": "Bearer x"}, f"{ours}/2025-03") == (401, "AMLD_004", "AMLD_1008")
    assert await code(http, {"Accept": "application/json"}, f"{ours}/2025-03") == (401, "AMLD_004", "AMLD_1008")
    assert await code(http, bearer, f"/v1/{OTHER}/2025-03") == (403, "AMLD_005", None)
    assert await code(http, {**bearer, "Accept": "*/*"}, f"{ours}/2025-03") == (400, "AMLD_006", "AMLD_1030")
    assert await code(http, bearer, f"{ours}/2025-13") == (400, "AMLD_006", "AMLD_1022")
    assert await code(http, bearer, f"{ours}/2018-12") == (400, "AMLD_006", "AMLD_1027")
    assert await code(http, bearer, f"{ours}/{month_of('none')}") == (404, "AMLD_021", "AMLD_1023")
    assert await code(http, bearer, "/v2") == (404, "AMLD_021", "AMLD_1023")
    assert (await http.post(f"{ours}/2025-03", headers=bearer)).json()["kode"] == "AMLD_022"
    world.system_users.withdraw(ORGANISATION)
    assert await code(http, bearer, f"{ours}/2025-03") == (403, "AMLD_005", None)


async def test_organisations_of_the_scenario(http: httpx.AsyncClient, bearer: Headers, world: World) -> None:
    for scenario, expected in (
        (Scenario(sub_units=frozenset({ORGANISATION})), (400, "AMLD_006", "AMLD_1062")),
        (Scenario(unknown=frozenset({ORGANISATION})), (404, "AMLD_021", None)),
        (Scenario(without_payroll=frozenset({ORGANISATION})), (404, "AMLD_021", "AMLD_1023")),
        (Scenario(oldest_year=2026), (400, "AMLD_006", "AMLD_1027")),
    ):
        world.start_over(scenario)
        assert await code(http, bearer, f"/v1/{ORGANISATION}/2025-03") == expected


async def test_a_token_without_system_user_or_scope(
    http: httpx.AsyncClient, ask: Callable[..., Awaitable[httpx.Response]], grant: Callable[..., str]
) -> None:
    for claims, expected in (
        ({"authorization_details": None}, (403, "AMLD_005", "AMLD_1063")),
        ({"iss": "reader", "scope": "other:scope"}, (403, "AMLD_005", None)),
    ):
        token = (await ask(grant(**claims))).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        assert await code(http, headers, f"/v1/{ORGANISATION}/2025-03") == expected
