"""From a command to its outcome, at rest, against the same number of hops through Kafka alone.

Two hops either way: the command to the one who answers, the answer back. The other side is a bare consumer that sends each record on.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.consume import founded, migrate_service
from bench.messages import Sent, commands_add_member
from bench.rounds import Comparison, compare
from bench.servers import Servers
from contracts.org import AddMember
from eventing.consumer import Consumer
from eventing.inbox import Inbox
from eventing.kafka import KafkaAccess
from eventing.outbox import Outbox
from eventing.parking import Parking
from eventing.relay import Relay
from org_service.handlers import add_member

TRIPS = 150
WARM_UP = 350  # the broker compiles as it runs, and of a service at rest that was long ago
THERE, BACK = "org-commands", "command-results"
ORGANIZATION = UUID(int=1)


@asynccontextmanager
async def a_service(servers: Servers, kafka: KafkaAccess) -> AsyncIterator[None]:
    """org-service's way of a command: consumer, inbox, handler, outbox, relay."""
    async with servers.database("bench", migrate_service) as dsn, servers.pool(dsn) as pool:
        await founded([ORGANIZATION])(pool)
        outbox = Outbox(pool, "/org-service")
        inbox = Inbox(outbox, {AddMember: add_member}, service="org-service")
        parking = Parking(inbox)
        consumer = Consumer(kafka, inbox, parking, [THERE])
        relaying = asyncio.create_task(Relay(outbox, kafka).run())
        await consumer.start()
        yield
        await consumer.stop()
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)


@asynccontextmanager
async def an_echo(servers: Servers, kafka: KafkaAccess) -> AsyncIterator[None]:
    """A bare consumer and a bare producer that waits for the broker."""
    del servers
    async with AsyncExitStack() as exits:
        consumer = await exits.enter_async_context(reading(kafka, THERE))
        producer = await exits.enter_async_context(AIOKafkaProducer(**kafka.options, acks="all", enable_idempotence=True))

        async def echo() -> None:
            async for record in consumer:
                await producer.send_and_wait(kafka.topic_prefix + BACK, record.value, record.key, headers=list(record.headers))

        echoing = asyncio.create_task(echo())
        yield
        echoing.cancel()
        await asyncio.gather(echoing, return_exceptions=True)


def reading(kafka: KafkaAccess, topic: str) -> AIOKafkaConsumer:
    """All partitions of a topic from the start."""
    return AIOKafkaConsumer(kafka.topic_prefix + topic, **kafka.options, auto_offset_reset="earliest")


Answering = Callable[[Servers, KafkaAccess], AbstractAsyncContextManager[None]]


async def milliseconds(servers: Servers, answering: Answering) -> list[float]:
    """The sorted times of one trip after the other."""
    async with servers.access("org-service") as kafka, answering(servers, kafka), AsyncExitStack() as exits:
        reader = await exits.enter_async_context(reading(kafka, BACK))
        producer = await exits.enter_async_context(AIOKafkaProducer(**kafka.options, acks="all", enable_idempotence=True))
        found = []
        for number, command in enumerate(commands_add_member([ORGANIZATION], WARM_UP + TRIPS)):
            took = await _one(producer, reader, kafka, command)
            if number >= WARM_UP:
                found.append(took * 1000)
        return sorted(found)


async def _one(producer: AIOKafkaProducer, reader: AIOKafkaConsumer, kafka: KafkaAccess, command: Sent) -> float:
    key, value, headers = command
    start = time.perf_counter()
    await producer.send(kafka.topic_prefix + THERE, value, key, headers=headers)
    async with asyncio.timeout(30):  # whoever answers has died
        await reader.getone()
    return time.perf_counter() - start


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Median and 99th percentile."""

    def of(answering: Answering, at: float) -> Callable[[], Awaitable[float]]:
        async def figure() -> float:
            times = await milliseconds(servers, answering)
            return times[int(at * (len(times) - 1))]

        return figure

    return [
        await compare(
            f"command to outcome at rest, {label}",
            "a bare Kafka round trip of two hops",
            "ms",
            of(a_service, at),
            of(an_echo, at),
            rounds=rounds,
            at_most=2.5,
        )
        for label, at in (("p50", 0.5), ("p99", 0.99))
    ]
