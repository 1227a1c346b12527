"""Everything that a running system has written, by the place where it stands, and the secrets that must stand nowhere."""

import io
import json
import re
from collections.abc import Iterable
from pathlib import Path

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from local_stack.programs import VISMA_CLIENT, VISMA_WEBHOOK_KEY
from local_stack.stack import LocalStack
from provisioning.cluster import admin
from servicekit.kafka import client_options
from servicekit.settings import KafkaSettings
from skatteetaten_simulator.employer import Employer, employer
from skatteetaten_simulator.scenario import Scenario

WEB_TOKEN = re.compile(rb"eyJ[\w-]{10,}\.[\w-]{10,}")
"""Access tokens and signed grants alike."""

_TABLES = """
SELECT schemaname, tablename FROM pg_tables WHERE schemaname <> 'information_schema' AND NOT starts_with(schemaname, 'pg_')
"""

Written = dict[str, bytes]


def planted(stack: LocalStack, administrator: KafkaSettings) -> dict[str, bytes]:
    """The secrets of this system, each by a name fit to be shown."""
    passwords = {f"password of {name}": value for name, value in json.loads((stack.directory / "passwords.json").read_text()).items()}
    key = (stack.directory / "maskinporten-client.pem").read_text().splitlines()
    lines = {f"line {number} of the private key": line for number, line in enumerate(key[1:-1], start=1)}
    others = {"secret of the Visma client": VISMA_CLIENT["VISMA__CLIENT_SECRET"], "key of the webhooks": VISMA_WEBHOOK_KEY}
    if administrator.sasl_password:
        others["password of Kafka's administrator"] = administrator.sasl_password.get_secret_value()
    return {name: value.encode() for name, value in (passwords | lines | others).items()}


def employers(organisation_numbers: Iterable[str]) -> list[Employer]:
    """Who the companies are in the A07 reports of the simulator."""
    return [employer(Scenario().seed, number) for number in sorted(organisation_numbers)]


def people(found: Iterable[Employer]) -> dict[str, bytes]:
    """The national identity numbers in their A07 reports, each by a name fit to be shown."""
    return {
        f"number of employee {person.employee_number} at {unit.organisation_number}": person.number.encode()
        for each in found
        for unit in each.workplaces
        for person in unit.people
    }


async def everything(stack: LocalStack, administrator: KafkaSettings, *logs: Path) -> Written:
    """Logs, topics with headers, tables, and what the services answer."""
    found = {f"log {path.name}": path.read_bytes() for folder in (stack.directory / "logs", *logs) for path in folder.glob("*.log")}
    return found | await _topics(stack, administrator) | await _tables(stack) | await _answers(stack)


def leaks(written: Written, secrets: dict[str, bytes]) -> list[str]:
    """Which secret stands where."""
    return [f"{secret} in {place}" for place, content in written.items() for secret, value in secrets.items() if value in content] + [
        f"a token in {place}: {token[:12]!r}…" for place, content in written.items() for token in WEB_TOKEN.findall(content)
    ]


async def _topics(stack: LocalStack, administrator: KafkaSettings) -> Written:
    found: Written = {}
    async with admin(administrator) as client:
        names = [name for name in await client.list_topics() if name.startswith(stack.clients["operators"].topic_prefix)]
        described = await client.describe_topics(names)
    partitions = [TopicPartition(topic["topic"], place["partition"]) for topic in described for place in topic["partitions"]]
    consumer = AIOKafkaConsumer(**client_options(administrator), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            content = io.BytesIO()
            while await consumer.position(partition) < ends[partition]:
                for record in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, ()):
                    content.write(b"\n".join([record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers), b""]))
            found[f"topic {partition.topic} {partition.partition}"] = content.getvalue()
    finally:
        await consumer.stop()
    return found


async def _tables(stack: LocalStack) -> Written:
    found: Written = {}
    for service, dsn in stack.databases.items():
        connection = await asyncpg.connect(dsn, server_settings={"accountflow.every_organization": "on"})
        try:
            for schema, table in await connection.fetch(_TABLES):
                content = io.BytesIO()
                # Binary COPY holds texts, JSON and bytes as they are.
                await connection.copy_from_table(table, schema_name=schema, output=content, format="binary")
                found[f"table {service} {schema}.{table}"] = content.getvalue()
        finally:
            await connection.close()
    return found


async def _answers(stack: LocalStack) -> Written:
    urls = [f"{stack.urls[service]}/{path}" for service in stack.operator_databases for path in ("metrics", "readyz", "livez")]
    async with httpx.AsyncClient(timeout=10) as client:
        return {f"answer of {url}": (await client.get(url)).content for url in urls}
