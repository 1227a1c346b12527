"""What others are told after a probe: what changed, and what somebody asked for."""

from collections.abc import Iterator
from datetime import datetime

from contracts.message import Event
from contracts.visma import (
    VismaCompaniesListed,
    VismaCompanyAccessChanged,
    VismaCustomerAccessDenied,
    VismaCustomerConnected,
)
from visma_connector.domain.connection import Connection
from visma_connector.domain.denial import explain
from visma_connector.domain.finding import TEMPORARY, Finding

LEFT_THE_LIST = (
    "Visma no longer lists this company for us. Ask a system administrator to open it again in Business NXT: Connect Application Access, "
    "one row with this company and an access group that may read everything."
)
ID_REMOVED = "The Visma customer ID of this company was removed from the organisation."


def news_of_probe(
    before: Connection, after: Connection, finding: Finding, *, asked: bool, now: datetime, client_key: str
) -> Iterator[Event]:
    """The state first, then the list, then each company that was opened or closed; the last event leaves nothing to correct."""
    if not after.says(finding):
        return
    if after.connected and not before.connected:
        yield VismaCustomerConnected(organization_id=after.organization_id, visma_customer_id=after.visma_customer_id, checked_at=now)
    if after.denial is not None and (after.denial is not before.denial or asked):
        message, hint = explain(after.denial, after.visma_customer_id, client_key=client_key)
        yield VismaCustomerAccessDenied(
            organization_id=after.organization_id,
            visma_customer_id=after.visma_customer_id,
            reason=after.denial,
            message=message,
            hint=hint,
            temporary=after.denial in TEMPORARY,
            checked_at=now,
        )
    if after.companies != before.companies or (finding.listed and (asked or not before.listed)):
        yield listed(after, now)
    if before.listed:
        yield from _access_changes(before, after, now, when_gone=LEFT_THE_LIST)


def news_of_end(before: Connection, *, now: datetime) -> Iterator[Event]:
    """The organisation has given the ID up: nothing is listed through it any more."""
    after = Connection(organization_id=before.organization_id, visma_customer_id=before.visma_customer_id)
    yield listed(after, now)
    yield from _access_changes(before, after, now, when_gone=ID_REMOVED)


def listed(connection: Connection, now: datetime) -> VismaCompaniesListed:
    """The whole list."""
    return VismaCompaniesListed(
        organization_id=connection.organization_id,
        visma_customer_id=connection.visma_customer_id,
        companies=list(connection.companies),
        listed_at=now,
    )


def _access_changes(before: Connection, after: Connection, now: datetime, *, when_gone: str) -> Iterator[Event]:
    readable_before = {company.visma_company_id for company in before.companies if company.readable}
    there = {company.visma_company_id: company for company in after.companies}
    readable_now = {number for number, company in there.items() if company.readable}
    for number in sorted(readable_before ^ readable_now):
        yield VismaCompanyAccessChanged(
            organization_id=after.organization_id,
            visma_customer_id=after.visma_customer_id,
            visma_company_id=number,
            readable=number in readable_now,
            hint=there[number].hint if number in there else when_gone,
            checked_at=now,
        )
