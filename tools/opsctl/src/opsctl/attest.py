"""`attest`: that nothing of an organisation is with another one, stated from the rows, the outbox and the topics as they are."""

from collections import Counter
from collections.abc import Container, Iterable
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import typer
from pydantic import Field
from rich.console import RenderableType

from contracts.cloudevents import legible
from contracts.registry import MESSAGES
from eventing.record import Record
from eventing.sql import queries
from opsctl import history
from opsctl.command import AsJson, answer
from opsctl.message import data_of
from opsctl.render import Column, Report, table
from opsctl.system import System

_ATTEST = queries(__file__, "attest")
_COMPANIES, _RETRIEVAL = "company-service", "sync-worker"
_SERVICES = ("org-service", _COMPANIES, "visma-connector", _RETRIEVAL)
_SUBJECTS = frozenset(message.SUBJECT for message in MESSAGES.values())
_TOLD = frozenset(message.TOPIC for message in MESSAGES.values() if message.KIND == "event" and "organization_id" in message.model_fields)


class Held(Report):
    """What one table, the outbox or one topic holds."""

    service: str = Field(description="in whose database it is, or who publishes it")
    place: str
    count: int = Field(description="rows or messages of the organisation")
    crossing: int = Field(description="rows or messages whose company or content belongs to another organisation; must be 0")
    behind_wall: bool | None = Field(
        None, description="whether row security is on and forced; null where all organisations are worked for, and for messages"
    )
    strangers_see: int | None = Field(None, description="rows visible to work for an organisation that does not exist; must be 0")

    @property
    def faults(self) -> list[str]:
        """What is off."""
        return [
            fault
            for fault, present in (
                (f"{self.crossing} crossing", self.crossing),
                ("no row security", self.behind_wall is False),
                (f"{self.strangers_see} visible to strangers", self.strangers_see),
            )
            if present
        ]


class Attestation(Report):
    """Answer of `attest`."""

    organization: UUID
    companies: list[UUID]
    held: list[Held]
    not_looked_at: list[str] = Field(description="services that the settings do not name")
    holds: bool


def command(
    organization: Annotated[UUID, typer.Argument(help="The organisation's id.")],
    *,
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Read the topics of these services' events, too, from their beginning.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """State from every service's data that nothing of an organisation is with another one. Status 1 when something is off."""
    answer(
        lambda system: collect(system, organization, stream=stream),
        tables,
        as_json=as_json,
        found=lambda report: not report.holds,
    )


async def collect(system: System, organization: UUID, *, stream: bool = True) -> Attestation:
    """Rows, outboxes and, with ``stream``, topics. Raises `Refused` when the settings name nobody who knows companies."""
    looked_at = [service for service in _SERVICES if service in system.services]
    held = [each for service in looked_at for each in await _held(system, service, organization)]
    companies = await _companies(system, organization)
    if companies.keys() == {_COMPANIES, _RETRIEVAL}:
        held.append(
            Held(
                service=_RETRIEVAL,
                place=f"companies that are with another organisation in {_COMPANIES}",
                count=len(companies[_RETRIEVAL]),
                crossing=len(companies[_RETRIEVAL] - companies[_COMPANIES]),
            )
        )
    if stream:
        held += await _topics(system, looked_at, organization)
    return Attestation(
        organization=organization,
        companies=sorted(set().union(*companies.values())),
        held=held,
        not_looked_at=[service for service in _SERVICES if service not in looked_at],
        holds=not any(each.faults for each in held),
    )


async def _companies(system: System, organization: UUID) -> dict[str, set[UUID]]:
    """As each service knows them that does."""
    asked = [service for service in (_COMPANIES, _RETRIEVAL) if service in system.services] or [_RETRIEVAL]
    return {
        service: {row["company_id"] async for row in _ATTEST.companies(await system.database(service), organization=organization)}
        for service in asked
    }


async def _held(system: System, service: str, organization: UUID) -> list[Held]:
    database = await system.database(service)
    await _ATTEST.take_time(database)
    return [
        Held(
            service=service,
            place=row["table_name"],
            count=row["rows"],
            crossing=row["crossing"],
            behind_wall=row["behind_wall"],
            strangers_see=row["strangers_see"],
        )
        async for row in _ATTEST.attested(database, organization=organization)
    ]


async def _topics(system: System, services: Container[str], organization: UUID) -> list[Held]:
    topics = {topic.name: topic.owner for topic in system.topics.values() if topic.name in _TOLD and topic.owner in services}
    counts: Counter[str] = Counter()
    crossing: Counter[str] = Counter()
    companies: set[str] | None = None
    async with aclosing(history.forward(system, list(topics))) as records:
        async for record in records:
            if companies is None:
                # Asked for when it is settled how far is read: whatever is told of a company by then, its service knows the company.
                companies = {str(company) for known in (await _companies(system, organization)).values() for company in known}
            verdict = crosses(record, str(organization), companies)
            counts[record.topic] += verdict is not None
            crossing[record.topic] += verdict is True
    return [Held(service=owner, place=f"topic {name}", count=counts[name], crossing=crossing[name]) for name, owner in topics.items()]


def crosses(record: Record, organization: str, companies: Container[str]) -> bool | None:
    """Whether what says it is of the organisation or of its companies is not so throughout; None for what is of others."""
    data, _ = data_of(record)
    content = {name: value for name, value in data.items() if isinstance(value, str)} if isinstance(data, dict) else {}
    key, company = (record.key or b"").decode(errors="replace"), content.get("company_id")
    organizations = {legible(record.headers).get("organizationid"), content.get("organization_id")}
    if organization not in {key, *organizations} and not any(each in companies for each in (key, company)):
        return None
    subjects = {content.get(name) for name in _SUBJECTS}
    return organizations != {organization} or key not in subjects or (company is not None and company not in companies)


def tables(report: Attestation) -> Iterable[RenderableType | str]:
    yield f"organisation {report.organization}: companies {', '.join(map(str, report.companies)) or 'none'}"
    yield ""
    yield table(
        "held",
        report.held,
        Column("service", lambda row: row.service),
        Column("where", lambda row: row.place),
        Column("of the organisation", lambda row: row.count),
        Column("crossing", lambda row: row.crossing),
        Column("row security", lambda row: {None: "", True: "forced", False: "MISSING"}[row.behind_wall]),
        Column("strangers see", lambda row: "" if row.strangers_see is None else row.strangers_see),
        Column("", lambda row: ", ".join(row.faults), lambda row: "red" if row.faults else ""),
    )
    yield ""
    if report.not_looked_at:
        yield f"Not looked at, since the settings do not name them: {', '.join(report.not_looked_at)}."
    yield (
        "Nothing of it is with another organisation."
        if report.holds
        else "Something is off; nothing was changed. Tell those responsible for data protection."
    )
