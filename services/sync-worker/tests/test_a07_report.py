"""What is published of a month's A07 report, and what counts as news: on the simulator's reports, without its server."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from contracts.a07 import A07Feedback, A07ReportRetrieved
from contracts.company import PeriodType
from contracts.sync import A07MonthStatus, Period
from skatteetaten.reading import read_report
from skatteetaten_simulator.employer import employer
from skatteetaten_simulator.payroll import MonthKind, MonthOnRequest, messages
from skatteetaten_simulator.report import report
from sync_worker.domain.a07_report import is_news, retrieved, superseding
from sync_worker.domain.company import Company

NUMBER = "974761076"
MAY = Period(label="2026-05", first_day=date(2026, 5, 1), last_day=date(2026, 5, 31))
TODAY = date(2026, 7, 10)
SEEN = datetime(2026, 7, 1, tzinfo=UTC)
COMPANY = Company(
    company_id=UUID(int=1),
    organization_id=UUID(int=2),
    visma_company_id=7100001,
    organisation_number=NUMBER,
    period_type=PeriodType.MONTH,
    financial_year_start_month=1,
    reconciliation_start=date(2026, 1, 1),
    modules=frozenset(),
)


def published(
    kind: MonthKind, today: date = TODAY, *, move: Callable[[Any], None] = lambda _: None, key: SecretStr | None = None
) -> A07ReportRetrieved:
    who = employer(7, NUMBER, finance_sector=True)
    sent = messages(7, who, "2026-05", today, MonthOnRequest(organisation_number=NUMBER, month="2026-05", kind=kind))
    if not sent:
        return retrieved(COMPANY, MAY, None, today)
    document = json.loads(report(who, "2026-05", sent, today))
    move(document["mottatt"])
    read = read_report(json.dumps(document).encode(), NUMBER, "2026-05", fetched_at=SEEN, employee_key=key)
    return retrieved(COMPANY, MAY, read, today)


def test_every_submission_is_told_with_its_feedback_and_those_that_do_not_count() -> None:
    wrong, right = published("replaced").messages
    assert (wrong.feedback, wrong.counts, wrong.replaced_by) == (A07Feedback.ACCEPTED, False, right.message_id)
    assert (right.feedback, right.counts, right.replaces) == (A07Feedback.ACCEPTED, True, wrong.message_id)
    refused, sent_again = published("rejected").messages
    assert (refused.feedback, refused.counts, refused.status) == (A07Feedback.REJECTED, False, "AVVIST")
    assert (sent_again.counts, published("rejected").withholding_tax) == (True, sent_again.withholding_tax)


@pytest.mark.parametrize(
    ("kind", "today", "status"),
    [
        ("ordinary", TODAY, A07MonthStatus.SUBMITTED),
        ("none", date(2026, 6, 5), A07MonthStatus.NOT_YET_DUE),
        ("none", date(2026, 6, 6), A07MonthStatus.MISSING),
        ("refused", date(2026, 6, 5), A07MonthStatus.NOT_YET_DUE),
        ("refused", date(2026, 6, 6), A07MonthStatus.MISSING),
    ],
)
def test_only_what_was_accepted_is_submitted(kind: MonthKind, today: date, status: A07MonthStatus) -> None:
    found = published(kind, today)
    assert (found.status, found.due) == (status, date(2026, 6, 5))
    assert (found.submissions > 0) is (status is A07MonthStatus.SUBMITTED)


def test_figures_of_a_report_are_those_of_its_workplaces() -> None:
    found = published("addition")
    assert len(found.workplaces) > 1
    parts = [line.amount for each in found.workplaces for line in each.income or ()]
    assert sum(parts) == sum(line.amount for line in found.income)
    zones = {line.zone for line in found.employer_contributions}
    assert zones == {line.zone for each in found.workplaces for line in each.employer_contributions or ()}
    assert -sum(line.amount for each in found.workplaces for line in each.withholding or ()) == found.withholding_tax


def test_every_kind_of_figure_is_compared() -> None:
    found = published("ordinary")
    kinds = {each.figure.partition(":")[0] for each in found.sums}
    assert kinds == {
        "income-by-workplace",
        "income-by-recipient",
        "submissions",
        "withholding-lines",
        "withholding-by-recipient",
        "employer-contribution-base",
        "employer-contribution-by-workplace",
        "employer-contribution-zones",
    }
    assert found.financial_tax > 0
    assert found.failed_checks == []


def test_the_same_said_later_is_no_news() -> None:
    assert not is_news(published("ordinary"), published("ordinary", date(2026, 7, 11)))


@pytest.mark.parametrize(
    "move",
    [
        lambda received: received["opplysningspliktig"]["innsendinger"][0].update(status="AVVIST"),
        lambda received: received["opplysningspliktig"]["innsendinger"][0].update(avvik=[{"kode": "1"}]),
        lambda received: received["oppgave"]["betalingsinformasjon"].update(sumForskuddstrekk=1),
        lambda received: received["oppgave"]["virksomhet"][0].update(navn="Et annet navn"),
        lambda received: received["oppgave"].update(pensjonsinnretning=[]),
    ],
    ids=["feedback", "deviations", "total", "workplace", "what only the document says"],
)
def test_anything_else_is_news(move: Callable[[Any], None]) -> None:
    assert is_news(published("ordinary"), published("ordinary", move=move))


def test_a_month_that_passes_its_due_date_is_news() -> None:
    assert is_news(published("none", date(2026, 6, 5)), published("none", date(2026, 6, 6)))
    assert not is_news(published("none", date(2026, 6, 6)), published("none", date(2026, 6, 7)))


def test_news_say_what_was_before() -> None:
    before, now = published("resubmitted", date(2026, 7, 4)), published("resubmitted", date(2026, 7, 5))
    assert is_news(before, now)
    news = superseding(before, now, SEEN)
    assert (news.version, news.withholding_tax - before.withholding_tax) == (2, Decimal(310))
    assert news.previous is not None
    assert news.previous.model_dump() == {
        "version": 1,
        "snapshot_at": datetime(2026, 7, 4, 6, tzinfo=UTC),
        "verified_at": SEEN,
        "status": A07MonthStatus.SUBMITTED,
        "counted": [before.messages[0].message_id],
        **before.model_dump(
            include={"income", "employer_contributions", "withholding_tax", "employer_contribution", "financial_tax"},
        ),
    }
    assert not is_news(news, now)  # neither its number nor what was before is said of the month
    assert superseding(news, published("ordinary"), None).version == 3


def test_a_missing_month_that_comes_late_is_news_of_the_month() -> None:
    news = superseding(published("none"), published("ordinary"), SEEN)
    assert (news.status, news.version) == (A07MonthStatus.SUBMITTED, 2)
    assert news.previous is not None
    assert (news.previous.status, news.previous.counted, news.previous.income) == (A07MonthStatus.MISSING, [], [])


def test_no_person_is_published_and_employees_with_a_key_alone() -> None:
    people = [person for unit in employer(7, NUMBER, finance_sector=True).workplaces for person in unit.people]
    plain, with_key = published("ordinary"), published("ordinary", key=SecretStr("k" * 32))
    for message in (plain, with_key):
        written = message.model_dump_json()
        assert not [person.number for person in people if person.number in written or person.name in written]
    assert plain.employees == []
    assert len({each.pseudonym for each in with_key.employees}) == len(people)
    assert sum(each.withholding_tax for each in with_key.employees) == with_key.withholding_tax
