"""PostgreSQL and Kafka as local processes: what they keep over a stop and a crash, and when they do not start."""

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import psutil
import pytest

from local_stack import postgres
from local_stack.child import ChildDied
from local_stack.kafka import KafkaServer, cluster_id
from local_stack.postgres import PostgresServer
from local_stack.throwaway import throwaway_folder

pytestmark = pytest.mark.servers


@pytest.fixture
def folder() -> Iterator[Path]:
    with throwaway_folder() as folder:
        yield folder


async def test_postgres_keeps_address_password_and_data(folder: Path) -> None:
    server = PostgresServer(folder / "postgres", folder / "log")
    await server.start()
    assert server.process.pid
    assert pwd.getpwuid(psutil.Process(server.process.pid).uids().real).pw_name != "root"
    connection = await server.address.connect()
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    assert await connection.fetchval("SHOW fsync") == "on"
    await connection.close()
    server.kill()
    await server.start()
    await server.stop()
    again = PostgresServer(folder / "postgres", folder / "log", durable=False, port=server.port)
    assert again.address == server.address
    await again.start()
    connection = await again.address.connect()
    assert await connection.fetchval("SELECT one FROM kept") == 1
    assert await connection.fetchval("SHOW fsync") == "off"
    await connection.close()
    await again.stop()
    again.remove()
    assert not (folder / "postgres").exists()


async def test_postgres_wants_the_password(folder: Path) -> None:
    server = PostgresServer(folder / "postgres", folder / "log", durable=False)
    await server.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.address.database("postgres", "postgres", "guessed"))
    await server.stop()


async def test_postgres_starts_where_its_folder_and_its_wheel_are_closed_to_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root runs it as another user, from a copy that this user can read; for everybody else nothing is closed."""
    monkeypatch.setattr(postgres, "WHEEL_COPY", folder / "copy")
    monkeypatch.setattr(postgres, "WHEEL", _closed_copy(folder / "closed"))
    private = folder / "private"
    private.mkdir(mode=0o700)
    server = PostgresServer(private / "postgres", folder / "log", durable=False)
    await server.start()
    assert private.stat().st_mode & 0o777 == 0o700
    assert (folder / "copy").exists() == (os.geteuid() == 0)
    await server.stop()
    server.remove()


def _closed_copy(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    for part in (postgres.WHEEL, postgres.WHEEL.parent / f"{postgres.WHEEL.name}.libs"):
        shutil.copytree(part, folder / part.name)
    return folder / postgres.WHEEL.name


async def test_a_taken_port_is_told_with_the_servers_own_words(folder: Path) -> None:
    server = PostgresServer(folder / "postgres", folder / "log", durable=False)
    await server.start()
    other = PostgresServer(folder / "other", folder / "other-log", durable=False, port=server.port)
    with pytest.raises(ChildDied, match="Address already in use"):
        await other.start()
    await server.stop()


async def test_a_broker_that_cannot_start_is_told_with_its_own_words(folder: Path) -> None:
    (folder / "kafka" / "data").mkdir(parents=True)
    (folder / "kafka" / "data" / "meta.properties").write_text("version=1\ncluster.id=another\nnode.id=99\n")
    with pytest.raises(ChildDied, match="Stored node id 99"):
        await KafkaServer(folder / "kafka", folder / "log", short_lived=True).start()


def test_a_cluster_id_never_looks_like_an_option() -> None:
    assert cluster_id(UUID(bytes=b"\xf8" + b"\x00" * 15)) == "_" + "A" * 21
