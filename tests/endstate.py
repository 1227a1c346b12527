"""What two runs of the same walk must have in common, whatever happened on the way: tables and streams, without what time decides."""

from collections import defaultdict
from typing import Any

import asyncpg

from contracts.cloudevents import read
from contracts.registry import MESSAGES
from contracts.sync import SyncProgressed
from demo.gateway import Gateway

SCHEMAS = ("tenancy", "org", "company", "connector", "sync")
DECIDED_BY_TIME = {
    "scan", "work_item_id", "requests", "attempts", "lease_token", "lease_until", "correlation_id", "causation_id", "traceparent",
    "cursor", "scanned", "next_attempt_at", "refetched", "raw",
}  # fmt: skip
TABLES_DECIDED_BY_TIME = {"turn"}


async def tables(databases: dict[str, str]) -> dict[str, list[Any]]:
    """Every row of every table that the services own, sorted; times and the machinery of retrieval left out."""
    found: dict[str, list[Any]] = {}
    for service, dsn in databases.items():
        connection = await asyncpg.connect(dsn)
        try:
            for schema, table in await connection.fetch(_TABLES, list(SCHEMAS)):
                if table not in TABLES_DECIDED_BY_TIME:
                    columns = [row["name"] for row in await connection.fetch(_COLUMNS, schema, table, list(DECIDED_BY_TIME))]
                    rows = await connection.fetch(f'SELECT {", ".join(map(_quoted, columns))} FROM {schema}."{table}"')
                    found[f"{service}: {table}"] = sorted([repr(tuple(row)) for row in rows])
        finally:
            await connection.close()
    return found


def streams(gateway: Gateway) -> dict[str, list[str]]:
    """Per source, topic and subject what was published, in order, each number once. Raises when a number is missing or goes back."""
    found: dict[str, list[str]] = defaultdict(list)
    last: dict[str, int] = defaultdict(int)
    for record in gateway.records:
        attributes = read(record.headers)
        topic = MESSAGES[attributes.type].TOPIC
        if attributes.sequence is None or attributes.type == SyncProgressed.TYPE:
            continue  # commands have no number; how often progress was reported is decided by time
        stream = f"{attributes.source} {topic} {attributes.subject}"
        if attributes.sequence <= last[stream]:
            continue  # the relay may publish again what it was killed in
        assert attributes.sequence == last[stream] + 1, f"{stream}: {last[stream]} is followed by {attributes.sequence}"
        last[stream] = attributes.sequence
        found[stream].append(attributes.type)
    return {stream: sorted(types) for stream, types in found.items() if "command-results" not in stream}


_TABLES = """
SELECT table_schema, table_name FROM information_schema.tables
WHERE table_schema = ANY($1) AND table_type = 'BASE TABLE' ORDER BY 1, 2
"""
_COLUMNS = """
SELECT column_name AS name FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 AND data_type <> 'timestamp with time zone' AND column_name <> ALL($3) ORDER BY ordinal_position
"""


def _quoted(column: str) -> str:
    return f'"{column}"'
