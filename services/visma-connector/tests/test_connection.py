"""What a connection learns from a probe, and what others are told; no servers."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.message import Event
from contracts.visma import (
    DenialReason,
    VismaCompaniesListed,
    VismaCompany,
    VismaCompanyAccessChanged,
    VismaCustomerAccessDenied,
    VismaCustomerConnected,
)
from visma_connector.domain.connection import STILL_OPEN, Connection
from visma_connector.domain.finding import Finding, FoundCompany
from visma_connector.domain.news import news_of_end, news_of_probe

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
PATIENCE = 3
NEW = Connection(organization_id=UUID(int=7), visma_customer_id=12345)


def found(number: int, *, readable: bool | None = True, name: str = "Lyngen Bakeri AS") -> FoundCompany:
    return FoundCompany(number, name, "999888777", readable, None if readable is not False else "Open it.")


def company(number: int, *, readable: bool = True) -> VismaCompany:
    return VismaCompany(
        visma_company_id=number,
        name="Lyngen Bakeri AS",
        organisation_number="999888777",
        readable=readable,
        hint=None if readable else "Open it.",
    )


def connected(*companies: FoundCompany) -> Finding:
    return Finding(None, companies, listed=True)


def denied(reason: DenialReason) -> Finding:
    return Finding(reason)


def a_connection(*companies: VismaCompany) -> Connection:
    return Connection(
        organization_id=NEW.organization_id, visma_customer_id=NEW.visma_customer_id, connected=True, companies=companies, listed=True
    )


def after(connection: Connection, *findings: Finding) -> Connection:
    for finding in findings:
        connection = connection.learn(finding, patience=PATIENCE)
    return connection


def told(before: Connection, finding: Finding, *, asked: bool = False) -> list[Event]:
    return list(
        news_of_probe(before, before.learn(finding, patience=PATIENCE), finding, asked=asked, now=NOW, client_key="isv_accountflow")
    )


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def test_a_first_list_connects_and_is_published_sorted() -> None:
    events: list[Any] = told(NEW, connected(found(2), found(1)))
    assert kinds(events) == [VismaCustomerConnected, VismaCompaniesListed]
    assert [entry.visma_company_id for entry in events[1].companies] == [1, 2]


def test_nothing_new_is_not_told() -> None:
    assert told(a_connection(company(1)), connected(found(1))) == []


def test_who_asked_is_told_the_list_again() -> None:
    assert kinds(told(a_connection(company(1)), connected(found(1)), asked=True)) == [VismaCompaniesListed]


def test_a_new_name_is_a_new_list_and_no_change_of_access() -> None:
    assert kinds(told(a_connection(company(1)), connected(found(1, name="Lyngen Bakeri og Konditori AS")))) == [VismaCompaniesListed]


@pytest.mark.parametrize(
    ("now_found", "readable"),
    [([found(1), found(2)], True), ([found(1, readable=False), found(2, readable=False)], False), ([], False)],
)
def test_each_company_opened_closed_or_vanished_is_told(now_found: list[FoundCompany], readable: bool) -> None:
    before = a_connection(company(1, readable=not readable), company(2, readable=not readable))
    events: list[Any] = told(before, connected(*now_found, found(3)))
    assert kinds(events) == [VismaCompaniesListed] + [VismaCompanyAccessChanged] * 3
    assert [(event.visma_company_id, event.readable) for event in events[1:]] == [(1, readable), (2, readable), (3, True)]
    assert all((event.hint is None) == event.readable for event in events[1:])


def test_a_company_listed_but_closed_from_the_start_is_no_change_of_access() -> None:
    before = a_connection(company(1))
    assert kinds(told(before, connected(found(1), found(2, readable=False)))) == [VismaCompaniesListed]


def test_what_visma_cannot_say_stays_as_it_was() -> None:
    learnt = after(a_connection(company(1), company(2, readable=False)), connected(found(1, readable=None), found(2, readable=None)))
    assert [entry.readable for entry in learnt.companies] == [True, False]


def test_a_new_company_that_visma_cannot_say_about_is_shown_and_not_offered() -> None:
    (entry,) = after(NEW, connected(found(1, readable=None))).companies
    assert (entry.readable, entry.hint) == (False, STILL_OPEN)


@pytest.mark.parametrize("reason", [DenialReason.NOT_ACTIVATED, DenialReason.UNKNOWN_CUSTOMER])
def test_a_lost_grant_empties_the_list(reason: DenialReason) -> None:
    events: list[Any] = told(a_connection(company(1)), denied(reason))
    assert kinds(events) == [VismaCustomerAccessDenied, VismaCompaniesListed, VismaCompanyAccessChanged]
    assert (events[0].temporary, events[1].companies, events[2].readable) == (False, [], False)


def test_no_company_opened_shows_the_closed_companies() -> None:
    events: list[Any] = told(NEW, Finding(DenialReason.NO_COMPANY_OPENED, (found(1, readable=False),), listed=True))
    assert kinds(events) == [VismaCustomerAccessDenied, VismaCompaniesListed]
    assert [entry.readable for entry in events[1].companies] == [False]


def test_visma_is_unreachable_only_after_some_attempts_in_a_row() -> None:
    away = denied(DenialReason.VISMA_UNREACHABLE)
    before = a_connection(company(1))
    assert told(before, away) == told(after(before, away), away) == []
    (event,) = told(after(before, away, away), away)
    assert isinstance(event, VismaCustomerAccessDenied)
    assert event.temporary
    assert told(after(before, away, away, away), away) == []


def test_an_answer_in_between_starts_the_count_again() -> None:
    away = denied(DenialReason.VISMA_UNREACHABLE)
    assert told(after(a_connection(company(1)), away, away, connected(found(1)), away), away) == []


def test_who_asks_while_visma_is_away_is_told_when_it_is_sure() -> None:
    away = denied(DenialReason.VISMA_UNREACHABLE)
    assert told(NEW, away, asked=True) == []
    assert not after(NEW, away).says(away)
    assert after(NEW, away, away, away).says(away)
    assert kinds(told(after(NEW, away, away, away), away, asked=True)) == [VismaCustomerAccessDenied]


@pytest.mark.parametrize("reason", [DenialReason.VISMA_UNREACHABLE, DenialReason.NOT_AUTHENTICATED])
def test_a_temporary_trouble_takes_nothing_away_and_ends_without_a_new_list(reason: DenialReason) -> None:
    before = a_connection(company(1), company(2, readable=False))
    trouble = after(before, *[denied(reason)] * PATIENCE)
    assert trouble.companies == before.companies
    assert not trouble.connected
    assert kinds(told(trouble, connected(found(1), found(2, readable=False)))) == [VismaCustomerConnected]


def test_a_reason_that_changes_is_told_and_one_that_stays_is_not() -> None:
    refused = after(NEW, denied(DenialReason.NOT_ACTIVATED))
    assert told(refused, denied(DenialReason.NOT_ACTIVATED)) == []
    assert kinds(told(refused, denied(DenialReason.UNKNOWN_CUSTOMER))) == [VismaCustomerAccessDenied]
    assert kinds(told(refused, denied(DenialReason.NOT_ACTIVATED), asked=True)) == [VismaCustomerAccessDenied]


def test_companies_that_come_back_after_a_lost_grant_are_opened_again() -> None:
    lost = after(a_connection(company(1)), denied(DenialReason.NOT_ACTIVATED))
    events = told(lost, connected(found(1)))
    assert kinds(events) == [VismaCustomerConnected, VismaCompaniesListed, VismaCompanyAccessChanged]


def test_the_end_of_a_connection_lists_nothing_any_more() -> None:
    events: list[Any] = list(news_of_end(a_connection(company(1), company(2, readable=False)), now=NOW))
    assert kinds(events) == [VismaCompaniesListed, VismaCompanyAccessChanged]
    assert (events[0].companies, events[1].visma_company_id, events[1].readable) == ([], 1, False)
