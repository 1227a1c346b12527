"""Visma connections: their state, when each is due, and who is probing it.

A probe is claimed with a lease: while it runs nobody else takes the connection, and when its worker dies the lease runs out. The lease's
token tells a worker that comes back too late that its answer is no longer wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from contracts.visma import DenialReason, VismaCompany
from eventing.sql import queries
from eventing.work import Cause, Work
from eventing.work import Connection as Database
from visma_connector.domain.connection import Connection

_CONNECTIONS = queries(__file__, "connections")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to probe one connection. ``asked``: somebody waits for the outcome; then ``cause`` leads back to who it is."""

    organization_id: UUID
    visma_customer_id: int
    token: UUID
    asks: int
    asked: bool
    cause: Cause


async def begin(work: Work, visma_customer_ids: Sequence[int]) -> None:
    """Keep the IDs, due now. One that is kept already stays as it is."""
    rows = [{**_asked_by(work), "visma_customer_id": number} for number in visma_customer_ids]
    await _CONNECTIONS.begin(work.connection, rows)


async def end(work: Work, visma_customer_ids: Sequence[int]) -> list[Connection]:
    """Forget the IDs; gives what was known of those that were kept."""
    rows = _CONNECTIONS.lock_all(work.connection, organization_id=work.organization_id, visma_customer_ids=list(visma_customer_ids))
    ended = [await _connection(work.connection, row) async for row in rows]
    for connection in ended:
        await _CONNECTIONS.end(work.connection, **_key(connection))
    return ended


async def ask(work: Work, visma_customer_id: int | None) -> list[int]:
    """Make one connection of the organisation due now, or all; gives the IDs."""
    rows = _CONNECTIONS.ask(work.connection, **_asked_by(work), visma_customer_id=visma_customer_id)
    return sorted([row["visma_customer_id"] async for row in rows])


async def claim(pool: asyncpg.Pool, *, now: datetime, lease: timedelta) -> Claim | None:
    """Take the connection that is due; None when none is."""
    row = await _CONNECTIONS.claim(pool, now=now, lease_token=uuid4(), leased_until=now + lease)
    if row is None:
        return None
    asked = row["asks"] > row["answered"]
    return Claim(
        organization_id=row["organization_id"],
        visma_customer_id=row["visma_customer_id"],
        token=row["lease_token"],
        asks=row["asks"],
        asked=asked,
        cause=Cause(
            organization_id=row["organization_id"],
            correlation_id=row["correlation_id"] if asked else str(uuid4()),
            causation_id=row["causation_id"] if asked else None,
            traceparent=row["traceparent"] if asked else None,
        ),
    )


async def extend(pool: asyncpg.Pool, claim: Claim, *, until: datetime) -> None:
    """Keep the lease while the probe takes its time; without effect when it is lost."""
    await _CONNECTIONS.extend(pool, **_key(claim), lease_token=claim.token, leased_until=until)


async def give_back(pool: asyncpg.Pool, claim: Claim) -> None:
    """End the lease without an answer: the connection stays due."""
    await _CONNECTIONS.give_back(pool, **_key(claim), lease_token=claim.token)


async def claimed(work: Work, claim: Claim) -> Connection | None:
    """The connection, locked; None when the lease is lost or the ID was given up."""
    row = await _CONNECTIONS.lock_claimed(work.connection, **_key(claim), lease_token=claim.token)
    return None if row is None else await _connection(work.connection, row)


async def save(work: Work, claim: Claim, before: Connection, after: Connection, *, settled: bool, due_at: datetime) -> None:
    """Save the outcome of a probe and end its lease. ``settled``: who asked has the answer."""
    await _CONNECTIONS.save(
        work.connection,
        **_key(after),
        connected=after.connected,
        denial=after.denial,
        failures=after.failures,
        listed=after.listed,
        now=work.now,
        settled=settled,
        asks=claim.asks,
        due_at=due_at,
    )
    if after.companies != before.companies:
        await _CONNECTIONS.drop_companies(work.connection, **_key(after))
        await _CONNECTIONS.add_companies(work.connection, [_key(after) | company.model_dump() for company in after.companies])


def _key(of: Claim | Connection) -> dict[str, UUID | int]:
    return {"organization_id": of.organization_id, "visma_customer_id": of.visma_customer_id}


def _asked_by(work: Work) -> dict[str, object]:
    cause = work.cause
    return {
        "organization_id": work.organization_id,
        "now": work.now,
        "correlation_id": cause.correlation_id,
        "causation_id": cause.causation_id,
        "traceparent": cause.traceparent,
    }


async def _connection(database: Database, row: asyncpg.Record) -> Connection:
    key = {"organization_id": row["organization_id"], "visma_customer_id": row["visma_customer_id"]}
    companies = _CONNECTIONS.companies(database, **key)
    return Connection(
        **key,
        connected=row["connected"],
        denial=None if row["denial"] is None else DenialReason(row["denial"]),
        failures=row["failures"],
        companies=tuple([VismaCompany.model_validate(dict(company)) async for company in companies]),
        listed=row["listed"],
    )
