"""The relay publishes what the outbox holds: in order per key, at least once, safe to kill at any line.

One relay works at a time per database: it holds a session lock, the other replicas stand by. Rows are deleted when the broker has
acknowledged them, so a crash between the two publishes again, and the receiver's inbox knows the numbers. Should the lock be lost to
another relay while a send is under way, the late copies carry numbers already seen and are dropped the same way.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from eventing import crash, metrics, tracing
from eventing.kafka import KafkaAccess
from eventing.outbox import Outbox
from eventing.session_lock import locked
from eventing.sql import queries

_OUTBOX = queries(__file__, "outbox")
_LOCK = 0x6F7574626F78  # "outbox"
_REFUSED_FOR_GOOD = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError, InvalidTopicError)
_TOPIC_FAULTS = (TopicAuthorizationFailedError, UnknownTopicOrPartitionError)
_METADATA_SECONDS = 3.0
_FINISH_SECONDS = 2.0
_LOG = structlog.get_logger("eventing.relay")


class Relay:
    """Run `run` as a task; cancel it to stop. ``publishing`` tells whether this replica holds the lock.

    In seconds: ``idle_poll`` between looks at an outbox that other processes may fill, ``send_timeout`` for a batch, ``avoid`` for a topic
    that cannot be written to.
    """

    def __init__(
        self,
        outbox: Outbox,
        kafka: KafkaAccess,
        *,
        batch: int = 1000,
        idle_poll: float = 0.25,
        send_timeout: float = 30,
        avoid: float = 10,
    ) -> None:
        self._outbox = outbox
        self._kafka = kafka
        self._batch = batch
        self._idle_poll = idle_poll
        self._send_timeout = send_timeout
        self._avoid = avoid
        self._unreachable: dict[str, float] = {}
        self._checked: set[str] = set()
        self.publishing = False
        self.last_error: str | None = None

    async def run(self) -> None:
        """Publish until cancelled; every fault is waited out."""
        pause = 0.1
        while True:
            try:
                await self._with_lock()
            except _TopicUnreachable as error:
                self._unreachable[error.topic] = asyncio.get_running_loop().time() + self._avoid
                self.last_error = f"cannot write to the topic {error.topic}: {type(error.__cause__).__name__}: does it exist, and may we?"
                _LOG.error("relay.topic_unreachable", topic=error.topic, error=str(error.__cause__), again_in_seconds=self._avoid)
            except (KafkaError, TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                self.last_error = f"{type(error).__name__}: {error}"
                _LOG.warning("relay.interrupted", error=self.last_error, again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)
            else:
                pause = 0.1

    async def _with_lock(self) -> None:
        # The lock lives on its own connection: losing it ends the publishing below at the next batch.
        async with self._outbox.pool.acquire() as guard:
            if not await locked(guard, _LOCK):
                await asyncio.sleep(1)
                return
            # Returning the connection to the pool releases the lock.
            producer = self._kafka.producer()
            try:
                await producer.start()
                self.publishing, self._checked = True, set()
                if not self._unreachable:
                    self.last_error = None
                await self._publish_forever(guard, producer)
            finally:
                self.publishing = False
                await _abandon(producer)

    async def _publish_forever(self, guard: Any, producer: AIOKafkaProducer) -> None:
        pause = 0.025
        while True:
            self._outbox.filled.clear()
            if await self._publish_whole_batch(guard, producer):
                pause = 0.025
                continue
            # Another process may have written: poll, slower the longer nothing comes; our own writers wake us at once.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._outbox.filled.wait()
                    pause = 0.025
                    continue
            pause = min(pause * 2, self._idle_poll)

    async def _publish_whole_batch(self, guard: Any, producer: AIOKafkaProducer) -> int:
        """Also when it is told to stop: what the broker has and the outbox still holds would be published twice."""
        batch = asyncio.create_task(self._publish_batch(guard, producer))
        try:
            return await asyncio.shield(batch)
        except asyncio.CancelledError:
            with suppress(Exception):
                async with asyncio.timeout(_FINISH_SECONDS):
                    await batch
            raise

    async def _publish_batch(self, guard: Any, producer: AIOKafkaProducer) -> int:
        rows = [row async for row in _OUTBOX.oldest_batch(guard, size=self._batch, avoid=self._topics_to_avoid())]
        if not rows:
            return 0
        crash.point("relay.taken")
        async with asyncio.timeout(self._send_timeout):
            await self._check_topics(producer, {row["topic"] for row in rows})
            refused = await self._send(producer, rows)
        crash.point("relay.acknowledged")
        for row, error in refused:
            _LOG.error("relay.message_refused", outbox_id=row["id"], topic=row["topic"], error=str(error))
            metrics.OUTBOX_REFUSED.labels(row["topic"]).inc()
        await _OUTBOX.strike_off(
            guard,
            ids=[row["id"] for row in rows],
            refused=[row["id"] for row, _ in refused],
            errors=[f"{type(error).__name__}: {error}" for _, error in refused],
        )
        crash.point("relay.committed")
        metrics.PUBLISHED.inc(len(rows) - len(refused))
        return len(rows)

    def _topics_to_avoid(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        self._unreachable = {topic: until for topic, until in self._unreachable.items() if until > now}
        return sorted(self._unreachable)

    async def _check_topics(self, producer: AIOKafkaProducer, topics: set[str]) -> None:
        """A topic that is missing or forbidden must not hold up the others: its messages are left in the outbox for a while."""
        for topic in sorted(topics - self._checked):
            try:
                async with asyncio.timeout(_METADATA_SECONDS):
                    await producer.partitions_for(self._kafka.topic_prefix + topic)
            except _TOPIC_FAULTS as error:
                raise _TopicUnreachable(topic) from error
            except TimeoutError as error:
                if await producer.client.force_metadata_update():
                    raise _TopicUnreachable(topic) from error
                raise  # no broker answers, so that nothing can be said of the topic
            self._checked.add(topic)

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> list[tuple[asyncpg.Record, Exception]]:
        sent: list[tuple[asyncpg.Record, asyncio.Future[Any]]] = []
        refused: list[tuple[asyncpg.Record, Exception]] = []
        traced = tracing.on()
        for row in rows:
            headers = list(zip(row["header_names"], row["header_values"], strict=True))
            sending = tracing.Sending(row, headers, client_id=self._kafka.client_id) if traced else None
            try:
                future = await producer.send(
                    self._kafka.topic_prefix + row["topic"], row["value"], row["key"], headers=sending.headers if sending else headers
                )
            except _REFUSED_FOR_GOOD as error:
                refused.append((row, error))
                if sending:
                    sending.failed(error)
            else:
                sent.append((row, future))
                crash.point("relay.sent")
                if sending:
                    future.add_done_callback(sending.done)
        failed: list[tuple[str, Exception]] = []
        try:
            for row, future in sent:
                failure = await _failure(future)
                if isinstance(failure, _REFUSED_FOR_GOOD):
                    refused.append((row, failure))
                elif failure is not None:
                    failed.append((row["topic"], failure))
        finally:
            for _, future in sent:  # given up: nobody will ask for what is still to come
                future.cancel()
        for topic, failure in failed:
            if isinstance(failure, _TOPIC_FAULTS):
                raise _TopicUnreachable(topic) from failure
            raise failure
        return refused


async def _failure(sent: "asyncio.Future[Any]") -> Exception | None:
    # One after the other: most are answered when the first one is, and `gather` would take as long as sending them.
    try:
        await sent
    except Exception as error:
        return error
    return None


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer that has nothing to deliver: what was not acknowledged is still in the outbox.

    Its own `stop` first delivers what it holds, and an idempotent one tries for ever: each attempt without a broker would leave tasks and
    batches behind. The order matters: what is on its way goes back into the batches before they are dropped. What went back must not
    be failed: aiokafka would strike it off its list for a second time, and complain.
    """
    if sending := producer._sender.sender_task:  # noqa: SLF001 - there is no public way to drop what a producer holds
        sending.cancel()
        await asyncio.wait({sending})
    producer._message_accumulator._batches.clear()  # noqa: SLF001
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001
    await producer.stop()


class _TopicUnreachable(Exception):
    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(topic)
