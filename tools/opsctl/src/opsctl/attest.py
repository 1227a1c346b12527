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
_TOPICS = ["sync-events", "sync-progress", "accounting-data"]


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
        bool, typer.Option("--stream/--no-stream", help="Read the topics of accounting data, too, from their beginning.")
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
    """Rows, outboxes and, with ``stream``, topics. Raises `Refused` when the settings do not name sync-worker."""
    companies = await _companies(system, _RETRIEVAL, organization)
    looked_at = [service for service in _SERVICES if service in system.services]
    held = [each for service in looked_at for each in await _held(system, service, organization)]
    if _COMPANIES in looked_at:
        added = await _companies(system, _COMPANIES, organization)
        held.append(
            Held(
                service=_RETRIEVAL,
                place=f"companies that are with another organisation in {_COMPANIES}",
                count=len(companies),
                crossing=len(set(companies) - set(added)),
            )
        )
    if stream:
        held += await _topics(system, str(organization), {str(company) for company in companies})
    return Attestation(
        organization=organization,
        companies=companies,
        held=held,
        not_looked_at=[service for service in _SERVICES if service not in looked_at],
        holds=not any(each.faults for each in held),
    )


async def _companies(system: System, service: str, organization: UUID) -> list[UUID]:
    return [row["company_id"] async for row in _ATTEST.companies(await system.database(service), organization=organization)]


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


async def _topics(system: System, organization: str, companies: Container[str]) -> list[Held]:
    counts: Counter[str] = Counter()
    crossing: Counter[str] = Counter()
    async with aclosing(history.forward(system, _TOPICS)) as records:
        async for record in records:
            verdict = crosses(record, organization, companies)
            counts[record.topic] += verdict is not None
            crossing[record.topic] += verdict is True
    return [Held(service=_RETRIEVAL, place=f"topic {topic}", count=counts[topic], crossing=crossing[topic]) for topic in _TOPICS]


def crosses(record: Record, organization: str, companies: Container[str]) -> bool | None:
    """Whether what says it is of the organisation or of its companies is not so throughout; None for what is of others."""
    data, _ = data_of(record)
    content = data if isinstance(data, dict) else {}
    organizations = {legible(record.headers).get("organizationid"), content.get("organization_id")}
    about = {(record.key or b"").decode(errors="replace"), content.get("company_id")}
    ours = organization in organizations or any(company in companies for company in about)
    if not ours:
        return None
    return organizations != {organization} or len(about) != 1 or not all(company in companies for company in about)


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
