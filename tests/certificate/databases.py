"""The services' databases, as the certificate looks at them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import asyncpg

from contracts import topics
from testkit.patience import patient

from .observer import TooLate

SERVICES = ("org-service", "company-service", "visma-connector", "sync-worker")

HEARD_BY = {topic.name: [service for service in SERVICES if service in topic.consumers] for topic in topics.load()}
"""Which services handle something of a topic, as the contracts say."""

OWN_SCHEMAS = ("tenancy", "org", "company", "connector", "sync")
DECIDED_BY_TIME = (
    "scan", "work_item_id", "requests", "attempts", "lease_token", "lease_until", "correlation_id", "causation_id", "traceparent",
    "cursor", "scanned", "next_attempt_at", "refetched", "newest", "settled", "changed_since", "raw", "report", "counted", "receipt",
    "sha256",
)  # fmt: skip


class Databases:
    """Open it with `connected`; ``pools`` are by service."""

    def __init__(self, pools: Mapping[str, asyncpg.Pool]) -> None:
        self._pools = pools

    async def settled(self, subjects: Sequence[str], *, within: float) -> None:
        """Wait until nothing about these subjects is on its way: outboxes and queues empty, every consumer at the last number.

        Raises `TooLate`.
        """
        under_way = ["nothing was looked at"]
        try:
            async with asyncio.timeout(patient(within)):
                while under_way := await self._under_way(subjects):  # noqa: ASYNC110 - only the tables know
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise TooLate(f"rest: {', '.join(under_way[:5])}") from None

    async def rows(self, organization_id: UUID, company_id: UUID, subjects: Sequence[str]) -> dict[str, Counter[str]]:
        """Every row about the organisation by table, times and the machinery of retrieval left out."""
        found: dict[str, Counter[str]] = {}
        whose = {"organization_id": organization_id, "given_up_by": organization_id, "company_id": company_id}
        for service, pool in self._pools.items():
            for schema, table, columns in await pool.fetch(_TABLES, list(OWN_SCHEMAS), list(DECIDED_BY_TIME)):
                key, value = next((key, value) for key, value in whose.items() if key in columns)
                quoted = ", ".join(f'"{column}"' for column in columns)
                rows = await pool.fetch(f'SELECT {quoted} FROM {schema}."{table}" WHERE {key} = $1', value)
                found[f"{service} {schema}.{table}"] = Counter(repr(tuple(row)) for row in rows)
            for name, query in _CORE.items():
                found[f"{service} eventing.{name}"] = Counter(repr(tuple(row)) for row in await pool.fetch(query, list(subjects)))
        return found

    async def forget_claims(self) -> None:
        """After a walk that did not reach its end: the next one registers the same Visma customer IDs."""
        await self._pools["org-service"].execute("DELETE FROM org.visma_customer_id")

    async def _under_way(self, subjects: Sequence[str]) -> list[str]:
        found = []
        published: dict[tuple[str, str, str], int] = {}
        heard: dict[str, dict[tuple[str, str, str], int]] = {}
        try:
            for service, pool in self._pools.items():
                waiting = await pool.fetchval(_WAITING, subjects)
                found += [f"{waiting} messages in the outbox or the queues of {service}"] * bool(waiting)
                published |= {(f"/{service}", *row[:2]): row[2] for row in await pool.fetch(_OUT, subjects)}
                if service == "sync-worker" and (items := await pool.fetchval(_RETRIEVING, subjects)):
                    found.append(f"{items} items that are retrieved, or looked at")
                heard[service] = {tuple(row[:3]): row[3] for row in await pool.fetch(_IN, subjects)}
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return [f"PostgreSQL: {error}"]
        for stream, last in published.items():
            for consumer in HEARD_BY[stream[1]]:
                if heard[consumer].get(stream) != last:
                    found.append(f"{consumer} at number {last} of {stream[1]} (it is at {heard[consumer].get(stream)})")
        return found


_TABLES = """
SELECT c.table_schema, c.table_name, array_agg(c.column_name::text ORDER BY c.ordinal_position)
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.table_schema = ANY($1) AND c.data_type <> 'timestamp with time zone' AND c.column_name <> ALL($2)
GROUP BY c.table_schema, c.table_name ORDER BY 1, 2
"""
_WAITING = """
SELECT (SELECT count(*) FROM eventing.outbox) + (SELECT count(*) FROM eventing.parked WHERE convert_from(key, 'utf8') = ANY($1))
"""
_RETRIEVING = """
SELECT count(*) FROM sync.work_item i WHERE company_id::text = ANY($1) AND status IN ('queued', 'retrieving', 'verifying', 'retrying')
AND NOT EXISTS (SELECT 1 FROM sync.given_up g WHERE g.source = i.source AND g.company_id = i.company_id)
"""
_OUT = "SELECT topic, subject, last_sequence FROM eventing.stream_out WHERE subject = ANY($1)"
_IN = "SELECT source, topic, subject, last_sequence FROM eventing.stream_in WHERE subject = ANY($1)"
_CORE = {  # how often progress was reported is decided by time
    "stream_out": f"{_OUT} AND topic <> 'sync-progress'",
    "stream_in": _IN,
    "command": "SELECT id, outcome_type FROM eventing.command WHERE id = ANY($1)",
    "parked": "SELECT topic, state, reason FROM eventing.parked WHERE convert_from(key, 'utf8') = ANY($1)",
    "gap": "SELECT kind, source, topic, subject, after_sequence, next_sequence FROM eventing.gap WHERE subject = ANY($1)",
    "outbox_refused": "SELECT topic, key, error FROM eventing.outbox_refused WHERE convert_from(key, 'utf8') = ANY($1)",
}


@asynccontextmanager
async def connected(dsns: Mapping[str, str]) -> AsyncIterator[Databases]:
    """The databases of the services; what they share besides holds nobody's data."""
    async with AsyncExitStack() as exits:
        everything = {"accountflow.every_organization": "on"}
        pools = {name: asyncpg.create_pool(dsns[name], min_size=0, max_size=2, server_settings=everything) for name in SERVICES}
        yield Databases({name: await exits.enter_async_context(pool) for name, pool in pools.items()})
