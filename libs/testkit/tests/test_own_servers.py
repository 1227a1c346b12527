import asyncio

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from local_stack.provision import create_database, create_topics
from testkit import OwnKafka, OwnPostgres
from testkit.patience import patient
from testkit.topics import _Topic


async def read(bootstrap_servers: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    async with consumer:
        return [(await asyncio.wait_for(consumer.getone(), patient(10))).value for _ in range(count)]


async def test_a_producer_outlives_a_cut_and_a_restart_of_its_broker(own_kafka: OwnKafka) -> None:
    await create_topics(own_kafka.bootstrap_servers, [_Topic("orders", 1, {})])
    async with AIOKafkaProducer(bootstrap_servers=own_kafka.bootstrap_servers, enable_idempotence=True) as producer:
        await producer.send_and_wait("orders", b"1")
        await own_kafka.proxy.refuse()
        waiting = await producer.send("orders", b"2")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.5)
        await own_kafka.proxy.restore()
        await asyncio.wait_for(waiting, patient(20))
        own_kafka.server.kill()
        waiting = await producer.send("orders", b"3")
        await own_kafka.server.start()
        await asyncio.wait_for(waiting, patient(30))
    assert own_kafka.proxy.accepted > 1  # the broker sends its clients back through the proxy
    assert await read(own_kafka.bootstrap_servers, "orders", 3) == [b"1", b"2", b"3"]


async def test_committed_rows_outlive_a_killed_server(own_postgres: OwnPostgres) -> None:
    dsn = own_postgres.address.database("ledger", "ledger", "secret")
    await create_database(own_postgres.address, dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE lines (amount numeric)")
    await connection.execute("INSERT INTO lines VALUES (12.50)")
    own_postgres.server.kill()
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        await connection.fetchval("SELECT pg_sleep(30)")  # our own backend may outlive the others for a moment
    connection.terminate()
    await own_postgres.server.start()
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("SELECT count(*) FROM lines") == 1
    await connection.close()


async def test_the_next_test_finds_the_server_whole(own_postgres: OwnPostgres) -> None:
    await own_postgres.server.stop()
    await own_postgres.proxy.refuse()
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset
        await own_postgres.address.connect()


async def test_a_pause_stops_an_answer_and_loses_nothing(own_postgres: OwnPostgres) -> None:
    connection = await own_postgres.address.connect()
    own_postgres.proxy.pause()
    answer = asyncio.ensure_future(connection.fetchval("SELECT 42"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(answer), 0.3)
    await own_postgres.proxy.restore()
    assert await asyncio.wait_for(answer, 5) == 42
    await connection.close()
