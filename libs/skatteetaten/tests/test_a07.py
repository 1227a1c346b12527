"""The A07 client against the simulator, in good and bad weather."""

import asyncio
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from skatteetaten import (
    A07Client,
    A07Report,
    NotMainUnitError,
    OurBugError,
    RetrySettings,
    SkatteetatenSettings,
    TransientError,
    YearNotSupportedError,
    cross_checks,
)
from skatteetaten_simulator.employer import employer
from skatteetaten_simulator.faults import Delay, Drop, Effect, Fault, GatewayPage, Status, TooManyRequests, Truncated
from skatteetaten_simulator.keys import new_key
from skatteetaten_simulator.payroll import MonthKind, month_kind
from skatteetaten_simulator.scenario import Scenario
from skatteetaten_simulator.world import World

pytestmark = pytest.mark.servers

ORGANISATION = "974761076"
MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]


def month_of(kind: MonthKind) -> str:
    return next(month for month in MONTHS if month_kind(7, ORGANISATION, month) == kind)


async def found(client: A07Client, month: str = "2025-03") -> A07Report:
    report = await client.report(ORGANISATION, month)
    assert report is not None
    return report


@pytest.fixture
def month() -> str:
    return month_of("ordinary")


async def test_a_report_of_the_organisation_and_month_asked_for(client: A07Client, month: str) -> None:
    report = await found(client, month)
    assert (report.organisation_number, report.month) == (ORGANISATION, month)
    assert [unit.name for unit in report.workplaces] == [unit.name for unit in employer(7, ORGANISATION).workplaces]
    assert report.totals.withholding_tax > 0


@pytest.mark.parametrize("organisation_number", [ORGANISATION, "211785462"])
async def test_every_kind_of_month_agrees_with_itself(client: A07Client, organisation_number: str) -> None:
    reports = [await client.report(organisation_number, month) for month in MONTHS]
    assert reports.count(None) == 1
    assert [check for report in reports if report for check in cross_checks(report) if not check.holds] == []


async def test_a_month_without_submissions_is_none(client: A07Client) -> None:
    assert await client.report(ORGANISATION, month_of("none")) is None


async def test_submissions_of_a_month_add_up(client: A07Client) -> None:
    report = await found(client, month_of("addition"))
    assert [one.counts for one in report.submissions] == [True, True]
    assert sum(one.withholding_tax for one in report.submissions) == report.totals.withholding_tax


@pytest.mark.parametrize("kind", ["replaced", "rejected"])
async def test_messages_that_do_not_count_are_shown_and_not_summed(client: A07Client, kind: MonthKind) -> None:
    report = await found(client, month_of(kind))
    assert [one.counts for one in report.submissions] == [False, True]
    assert report.totals.withholding_tax == report.submissions[1].withholding_tax


async def test_a_late_correction_changes_a_month_already_fetched(client: A07Client, world: World) -> None:
    month = month_of("replaced")
    year, number = int(month[:4]), int(month[5:])
    world.set_today(date(year + number // 12, number % 12 + 1, 6))
    before = await found(client, month)
    world.set_today(None)
    after = await found(client, month)
    assert (len(before.submissions), len(after.submissions)) == (1, 2)
    assert before.totals.withholding_tax < after.totals.withholding_tax
    assert before.snapshot_at < after.snapshot_at


async def test_a_sub_unit_is_refused(client: A07Client, world: World) -> None:
    world.start_over(Scenario(seed=7, sub_units=frozenset({ORGANISATION})))
    with pytest.raises(NotMainUnitError, match="AMLD_1062"):
        await client.report(ORGANISATION, "2026-01")


async def test_a_year_before_the_oldest_is_refused(client: A07Client) -> None:
    with pytest.raises(YearNotSupportedError, match="AMLD_1027"):
        await client.report(ORGANISATION, "2018-12")


async def test_a_withdrawn_approval_is_seen_while_the_token_still_lives(client: A07Client, world: World, month: str) -> None:
    await found(client, month)
    world.system_users.withdraw(ORGANISATION)
    with pytest.raises(Exception, match="AMLD_005"):
        await client.report(ORGANISATION, month)
    world.system_users.grant(ORGANISATION)
    assert await found(client, month)


async def test_a_refused_token_is_renewed_once(client: A07Client, world: World, month: str) -> None:
    world.faults.add(Fault(match="report", effect=Status(status=401, body={"kode": "AMLD_004"})))
    assert await found(client, month)
    assert (len(world.journal.entries("token")), len(world.journal.entries("report"))) == (2, 2)


async def test_a_token_that_ran_out_on_the_way_is_renewed(client: A07Client, world: World, month: str) -> None:
    await found(client, month)
    world.signing_key = new_key()  # all tokens are void now
    assert await found(client, month)
    assert [entry.code for entry in world.journal.entries("report")] == [None, "AMLD_1008", None]


async def test_fifty_reports_at_once_need_one_token(client: A07Client, world: World, month: str) -> None:
    assert all(await asyncio.gather(*(client.report(ORGANISATION, month) for _ in range(50))))
    assert (len(world.journal.entries("token")), len(world.journal.entries("report"))) == (1, 50)


@pytest.mark.parametrize(
    "effect",
    [Status(status=500, body={"kode": "AMLD_001"}), Status(status=503), GatewayPage(), GatewayPage(status=200), Drop(), Truncated()],
    ids=["AMLD_001", "503", "gateway page", "gateway page with 200", "dropped", "truncated"],
)
@pytest.mark.parametrize("match", ["report", "token"])
async def test_weather_that_passes_goes_unnoticed(client: A07Client, world: World, month: str, match: str, effect: Effect) -> None:
    world.faults.add(Fault.model_validate({"match": match, "times": 2, "effect": effect}))
    assert await found(client, month)
    assert len(world.journal.entries("token" if match == "token" else "report")) == 3


@pytest.mark.parametrize("effect", [Drop(), Truncated(), Status(status=503)], ids=["dropped", "truncated", "503"])
async def test_weather_that_stays_ends_after_the_set_attempts(client: A07Client, world: World, effect: Effect) -> None:
    world.faults.add(Fault(match="report", times=None, effect=effect))
    with pytest.raises(TransientError):
        await client.report(ORGANISATION, "2025-03")
    assert len(world.journal.entries("report")) == 4


async def test_too_many_requests_waits_as_long_as_told(client: A07Client, world: World, month: str) -> None:
    world.faults.add(Fault(match="report", effect=TooManyRequests(retry_after=1)))
    started = time.monotonic()
    assert await found(client, month)
    assert time.monotonic() - started >= 1


async def test_a_wait_beyond_the_bound_is_handed_to_the_caller(client: A07Client, world: World) -> None:
    world.faults.add(Fault(match="report", effect=TooManyRequests(retry_after=3600)))
    started = time.monotonic()
    with pytest.raises(TransientError) as caught:
        await client.report(ORGANISATION, "2025-03")
    assert caught.value.retry_after == 3600
    assert time.monotonic() - started < 10


async def test_an_answer_that_never_comes_is_given_up(settings: SkatteetatenSettings, clock: Callable[[], datetime], world: World) -> None:
    world.faults.add(Fault(match="report", times=None, effect=Delay(seconds=30)))
    hasty = settings.model_copy(update={"request_timeout": timedelta(seconds=0.3), "retry": RetrySettings(attempts=1)})
    async with A07Client(hasty, now=clock) as client:
        with pytest.raises(TransientError, match="no answer in time"):
            await client.report(ORGANISATION, "2025-03")


async def test_a_service_that_is_away_is_transient(changed: Callable[..., SkatteetatenSettings], clock: Callable[[], datetime]) -> None:
    away = changed("a07", base_url="http://127.0.0.1:9").model_copy(update={"retry": RetrySettings(attempts=1)})
    async with A07Client(away, now=clock) as client:
        with pytest.raises(TransientError, match="ConnectError"):
            await client.report(ORGANISATION, "2025-03")


async def test_a_report_of_someone_else_is_never_taken(client: A07Client, world: World) -> None:
    body = {"mottatt": {"opplysningspliktig": {"norskIdentifikator": "991825827", "innsendinger": [{"status": "GODKJENT"}]}}}
    world.faults.add(Fault(match="report", effect=Status(status=200, body=body)))
    with pytest.raises(OurBugError, match="another organisation"):
        await client.report(ORGANISATION, "2025-03")


async def test_an_empty_answer_is_none(client: A07Client, world: World) -> None:
    world.faults.add(Fault(match="report", effect=Status(status=204, text="")))
    assert await client.report(ORGANISATION, "2025-03") is None


async def test_the_request_is_built_from_the_settings(
    changed: Callable[..., SkatteetatenSettings], clock: Callable[[], datetime], world: World
) -> None:
    elsewhere = changed("a07", path_template="/v2/{organisation_number}/{month}")
    async with A07Client(elsewhere, now=clock) as client:
        # An unknown address cannot be told from a month without submissions: both are 404 with the same codes.
        assert await client.report(ORGANISATION, "2025-03") is None
    assert world.journal.entries("report") == []
