"""What the doctor says of clocks, connections, gaps and replicas; of the rest it speaks in `test_trouble`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from opsctl import examine_kafka, examine_services, moments
from opsctl.finding import Check, Examination, Severity
from opsctl.settings import ServiceAddress, Settings
from opsctl.system import System
from servicekit.health import Health
from servicekit.settings import HealthSettings, KafkaSettings, PostgresSettings
from testkit.databases import DatabaseFactory
from testkit.probe import probe

from .conftest import migrate_company_service

SERVICE = "company-service"
REAL = moments.now


@pytest.fixture
async def dsn(database: DatabaseFactory) -> str:
    return await database("company_service", migrate_company_service)


@pytest.fixture
async def system(kafka: str, dsn: str) -> AsyncIterator[System]:
    """As an operator sees it; nothing runs but its database, and a machine that answers `/readyz`."""
    async with Health().serve(HealthSettings()) as url:
        address = ServiceAddress(postgres=PostgresSettings(dsn=SecretStr(dsn)), health_url=url)
        async with System(Settings(kafka=KafkaSettings(bootstrap_servers=kafka), services={SERVICE: address})) as opened:
            yield opened


def said(check: Check | None) -> list[tuple[Severity, str]]:
    assert check is not None
    assert all(finding.remedy for finding in check.findings)
    return [(finding.severity, finding.what) for finding in check.findings]


@pytest.mark.parametrize(("ours", "theirs"), [(timedelta(hours=-1), "ahead of"), (timedelta(hours=1), "behind")])
async def test_a_clock_that_differs_from_ours(system: System, monkeypatch: pytest.MonkeyPatch, ours: timedelta, theirs: str) -> None:
    for examine, whose in ((examine_services.database, "the database's server"), (examine_services.readiness, "its machine")):
        with monkeypatch.context() as patched:
            assert clocks(await examine(system, SERVICE)) == []
            patched.setattr(moments, "now", lambda: REAL() + ours)
            ((severity, what),) = clocks(await examine(system, SERVICE))
        assert severity is Severity.WARNING
        assert what.startswith(f"the clock of {whose} is ")
        assert what.endswith(f" {theirs} ours")


def clocks(check: Check | None) -> list[tuple[Severity, str]]:
    return [(severity, what) for severity, what in said(check) if "clock" in what]


async def test_connections_that_crowd_stand_idle_or_wait(system: System, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine_services, "_CROWDED", 0.0)
    monkeypatch.setattr(examine_services, "_IDLE_LONG", timedelta())
    async with AsyncExitStack() as exits:
        holder, *waiting = [await asyncpg.connect(dsn) for _ in range(7)]
        for connection in (holder, *waiting):
            exits.callback(connection.terminate)
        await holder.execute("BEGIN; SELECT pg_advisory_xact_lock(7)")
        locked = [asyncio.create_task(connection.execute("SELECT pg_advisory_lock(7)")) for connection in waiting]
        exits.push_async_callback(_ended, locked)

        async def seen() -> list[tuple[Severity, str]]:
            found = said(await examine_services.database(system, SERVICE))
            assert len(found) == 3
            return found

        crowded, idle, wait = await probe(seen, within=20)
    assert {severity for severity, _ in (crowded, idle, wait)} == {Severity.WARNING}
    assert crowded[1].endswith("connections are taken")
    assert idle[1].startswith("a transaction has been open and idle for ")
    assert wait[1] == "6 sessions wait for locks"


async def _ended(tasks: list[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_gap_until_it_is_closed(system: System, dsn: str) -> None:
    assert said(await examine_services.core(system, SERVICE)) == []
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "INSERT INTO eventing.gap (kind, source, topic, subject, after_sequence, next_sequence, place)"
            " VALUES ('missing', '/org-service', 'org-events', 's', 2, 7, 'org-events/0/9'),"
            " ('discarded', '/org-service', 'org-events', 's', 7, 9, 'org-events/0/10')"
        )
        assert said(await examine_services.core(system, SERVICE)) == [(Severity.ERROR, "1 gaps in subjects' numbers")]
        await connection.execute("UPDATE eventing.gap SET closed_at = clock_timestamp(), closed_by = 'kari', closed_why = 'sent by hand'")
    finally:
        await connection.close()
    assert said(await examine_services.core(system, SERVICE)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"isr": [1, 3]}, [(Severity.WARNING, "org-events/4 has 2 of 3 replicas in step")]),
        ({"leader": -1, "isr": []}, [(Severity.ERROR, "org-events/4 has no leader")]),
        ({"error_code": 5}, [(Severity.ERROR, "org-events/4 has no leader")]),
    ],
)
def test_replicas_out_of_step(changes: dict[str, Any], expected: list[tuple[Severity, str]]) -> None:
    """As a cluster of three describes a partition: a broker alone has none to lag behind."""
    seen = Examination("brokers", "Kafka")
    examine_kafka.replicas(
        seen, "org-events", {"error_code": 0, "partition": 4, "leader": 1, "replicas": [1, 2, 3], "isr": [1, 2, 3]} | changes
    )
    assert said(seen.done()) == expected
