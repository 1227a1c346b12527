"""A service from start to end: wait for the servers, migrate, consume and publish until told to stop, finish what is in hand, leave.

The order matters. Health answers first, so that waiting is visible; the consumer starts last and stops first, so that it never runs without
the relay; the pool closes when nothing uses it any more.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import structlog
import uvloop
from aiokafka.errors import ConsumerStoppedError, KafkaError
from pydantic import SecretStr

from contracts.message import Message
from eventing import metrics as eventing_metrics
from eventing.consumer import Consumer
from eventing.inbox import Handler, Inbox
from eventing.operations import Operations
from eventing.outbox import Outbox
from eventing.parking import Parking
from eventing.rebuilt import EVERYTHING, Rebuilt
from eventing.relay import Relay
from eventing.shadow import Scratch
from servicekit.configuration import describe, load
from servicekit.health import Health, NotWell
from servicekit.kafka import kafka_access, wait_for_kafka, wait_for_topics
from servicekit.logs import configure
from servicekit.metrics import REGISTRY
from servicekit.migrations import MigrationSet, migrate
from servicekit.postgres import AWAY, postgres_pool
from servicekit.scratch import emptied
from servicekit.settings import PostgresSettings, ServiceSettings
from servicekit.telemetry import exported
from servicekit.waiting import wait_for

_LOG = structlog.get_logger(__name__)
_LAST_MESSAGES_SECONDS = 5.0
_GAUGE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is built from. ``exits`` closes what it opens, after the last task has ended."""

    pool: asyncpg.Pool
    outbox: Outbox
    health: Health
    exits: AsyncExitStack

    async def bring_up_to_date(self, dsn: SecretStr, sets: Sequence[MigrationSet]) -> None:
        """Wait for a database that this service shares with others, and apply what is missing there."""
        address = PostgresSettings(dsn=dsn)

        async def bring() -> None:
            await migrate(dsn.get_secret_value(), sets)

        await wait_for(f"PostgreSQL at {address.place}", bring, health=self.health, away=AWAY)


@dataclass(frozen=True, slots=True)
class Service:
    """What a service does: a handler for each message it takes, and tasks that run beside, until they are cancelled."""

    handlers: Mapping[type[Message], Handler]
    tasks: Sequence[Callable[[], Coroutine[Any, Any, None]]] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A service as a program: its name is also consumer group, Kafka client id and CloudEvents source."""

    name: str
    schema: str
    migrations: Path
    settings: type[Any]
    build: Callable[[Any, Parts], Awaitable[Service]]
    rebuilt: Rebuilt = EVERYTHING
    """What messages alone make of its database."""

    def migration_sets(self) -> list[MigrationSet]:
        """The schemas of this service's database: the message core's, the members', its own."""
        return [
            MigrationSet.of_package("eventing", "eventing"),
            MigrationSet.of_package("tenancy", "tenancy"),
            MigrationSet(self.schema, self.migrations),
        ]


def run(program: Program) -> None:
    """Run until SIGTERM or Ctrl-C. Exit status 0 after an orderly stop, 1 when a part failed, 2 for wrong settings."""
    settings = load(program.settings)
    configure(settings.log, service=program.name)
    with exported(service=program.name, instance=settings.kafka.group_instance_id, endpoint=settings.otel_exporter_otlp_endpoint):
        status = uvloop.run(_until_signalled(program, settings))
    sys.exit(status)


async def _until_signalled(program: Program, settings: ServiceSettings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return 0 if await serve(program, settings, stop) else 1


async def serve(program: Program, settings: ServiceSettings, stop: asyncio.Event) -> bool:
    """Run until ``stop`` is set; False when a part failed before."""
    async with AsyncExitStack() as exits:
        health = Health()
        url = await exits.enter_async_context(health.serve(settings.health))
        _LOG.info("service.starting", service=program.name, health=url, settings=describe(settings))
        starting = asyncio.create_task(_start(program, settings, health, exits))
        told_to_stop = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, told_to_stop}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                _LOG.info("service.stopped_while_starting", service=program.name)
                return True
            running = await starting
            _LOG.info("service.ready", service=program.name)
            return await running.until(told_to_stop)
        finally:
            await _cancel([starting, told_to_stop])


async def _start(program: Program, settings: ServiceSettings, health: Health, exits: AsyncExitStack) -> "_Running":
    pool = await postgres_pool(settings.postgres, application=program.name, health=health)
    exits.push_async_callback(_close, pool)
    health.starting("migrating the database")
    await migrate(settings.postgres.dsn.get_secret_value(), program.migration_sets())
    kafka = kafka_access(settings.kafka, client_id=program.name)
    outbox = Outbox(pool, f"/{program.name}")
    service = await program.build(settings, Parts(pool, outbox, health, exits))
    topics = sorted({message.TOPIC for message in service.handlers})
    await wait_for_kafka(settings.kafka, health=health)
    await wait_for_topics(kafka, topics, health=health)
    inbox = Inbox(outbox, service.handlers, service=program.name)
    parking = Parking(inbox)
    scratch = Scratch(partial(emptied, settings.postgres, program.migration_sets(), application=program.name), program.rebuilt)
    operations = Operations(kafka, inbox, topics, scratch)
    running = _Running(health, Consumer(kafka, inbox, parking, topics), Relay(outbox, kafka), parking, operations, outbox, service)
    await running.start()
    return running


class _Running:
    def __init__(
        self,
        health: Health,
        consumer: Consumer,
        relay: Relay,
        parking: Parking,
        operations: Operations,
        outbox: Outbox,
        service: Service,
    ) -> None:
        self._health = health
        self._consumer = consumer
        self._relay = relay
        self._parking = parking
        self._operations = operations
        self._outbox = outbox
        self._service = service
        self._tasks: list[asyncio.Task[None]] = []
        self._relaying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        for metric in eventing_metrics.ALL:
            with suppress(ValueError):  # a second service in one process, in tests
                REGISTRY.register(metric)
        self._health.register("consumer", self._consuming)
        self._health.register("relay", self._publishing)
        self._relaying = asyncio.create_task(self._relay.run(), name="relay")
        beside = [self._parking.run, self._operations.run, self._measure_outbox, self._measure_lag, *self._service.tasks]
        self._tasks = [asyncio.create_task(task(), name=getattr(task, "__qualname__", "task")) for task in beside]
        try:
            await self._consumer.start()
        except BaseException:  # told to stop, or the group cannot be joined: nothing that has begun may outlive us
            await self._consumer.stop()
            await _cancel([*self._tasks, self._relaying])
            raise
        self._health.started()

    async def until(self, told_to_stop: asyncio.Task[Any]) -> bool:
        assert self._relaying is not None  # noqa: S101
        await asyncio.wait({told_to_stop, self._relaying, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in (self._relaying, *self._tasks) if task.done()]
        for task in failed:
            _LOG.critical("service.part_failed", part=task.get_name(), exc_info=task.exception())
        self._health.stopping()
        _LOG.info("service.stopping")
        await self._consumer.stop()
        await _cancel(self._tasks)
        await self._publish_the_last()
        await _cancel([self._relaying])
        return not failed

    async def _publish_the_last(self) -> None:
        """Give the relay a moment for what the last handlers wrote; what stays is published at the next start."""
        with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with asyncio.timeout(_LAST_MESSAGES_SECONDS):
                # The table is the only one to know when the relay, in its own task, is done.
                while self._relay.publishing and (await self._outbox.oldest())[0]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    async def _consuming(self) -> None:
        if problem := await self._consumer.problem():
            raise NotWell(problem)

    async def _publishing(self) -> None:
        if self._relay.last_error is not None:
            raise NotWell(self._relay.last_error)

    async def _measure_outbox(self) -> None:
        while True:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                messages, age = await self._outbox.oldest()
                eventing_metrics.OUTBOX_MESSAGES.set(messages)
                eventing_metrics.OUTBOX_AGE.set(age)
            await asyncio.sleep(_GAUGE_SECONDS)

    async def _measure_lag(self) -> None:
        while True:
            with suppress(OSError, TimeoutError, KafkaError, ConsumerStoppedError):
                lag = await self._consumer.lag()
                eventing_metrics.CONSUMER_LAG.clear()  # of partitions that others hold now
                for (topic, partition), records in lag.items():
                    eventing_metrics.CONSUMER_LAG.labels(topic, partition).set(records)
            await asyncio.sleep(_GAUGE_SECONDS)


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _close(pool: asyncpg.Pool) -> None:
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except (TimeoutError, OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
        pool.terminate()
