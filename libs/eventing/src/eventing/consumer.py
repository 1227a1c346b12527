"""The consumer: batches from Kafka, walked in lanes, committed only when every record of the batch is dealt with.

A record's own failure never leaves its lane: it is refused, parked or copied to the dead letters, in PostgreSQL. When PostgreSQL itself is
away the batch is held and tried again in place. It is not handed back to the framework, whose way to give back a batch moves the position
partition by partition and stops at the first one that a rebalance has taken away, after which the next commit would pass over the rest.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaMessage

from eventing import crash, metrics
from eventing.inbox import Inbox, Result
from eventing.kafka import KafkaAccess
from eventing.lanes import Share, shares_of, side_by_side
from eventing.parking import AWAY, Parking, is_away
from eventing.pause import KINDS
from eventing.record import Record

_LOG = structlog.get_logger("eventing.consumer")
_LOST_RACES = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_RACES = 5
_ANSWER_SECONDS = 1.5
_PAUSE_SECONDS = 1.0
_POLL_SECONDS = 1.0
_LEAVE_SECONDS = 5.0
_UNREADABLE_SECONDS = 2.0


class Consumer:
    """Consumes ``topics`` as group ``<prefix><service>``, from the first record on when the group is new."""

    def __init__(
        self,
        kafka: KafkaAccess,
        inbox: Inbox,
        parking: Parking,
        topics: Sequence[str],
        *,
        shares: int = 8,
        at_once: int = 64,
        batch: int = 500,
        graceful_timeout: float = 20,
    ) -> None:
        self._prefix = kafka.topic_prefix
        self._inbox = inbox
        self._parking = parking
        self._shares = shares
        self._at_once = at_once
        self._graceful_timeout = graceful_timeout
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._watching: asyncio.Task[None] | None = None
        self.holding: str | None = None
        self.unreadable: str | None = None
        self.broker = kafka.broker(graceful_timeout=graceful_timeout)
        self._subscriber = self.broker.subscriber(
            *(self._prefix + topic for topic in topics),
            group_id=self._prefix + inbox.service,
            group_instance_id=kafka.group_instance_id,
            batch=True,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            auto_offset_reset="earliest",
            session_timeout_ms=45_000,
            rebalance_timeout_ms=60_000,
            listener=_Drain(self._idle, self._obey_pause),
            parser=_keep_raw,
            decoder=_no_decoding,
        )
        self._subscriber(self._consume)
        # FastStream's own sleeps after every poll that brought nothing, as long as the poll took: an idle service would either wake many
        # times a second or make a message wait.
        self._subscriber.get_msg = partial(self._next_batch, most=batch)  # type: ignore[method-assign]

    async def start(self) -> None:
        """Join the group and begin; a paused service joins as well and takes nothing."""
        await self._ask_for_pause()
        await self.broker.start()
        self._watching = asyncio.create_task(self._watch_pause(), name="consumer-pause")

    async def stop(self) -> None:
        """Finish the batch in hand, commit, and leave the group; a batch held because PostgreSQL is away is left uncommitted.

        A group that waits for a member that died answers only when that one's session has expired: we do not wait for it.
        """
        self._stopping = True
        try:
            async with asyncio.timeout(_LEAVE_SECONDS + (0 if self._idle.is_set() else self._graceful_timeout)):
                await self.broker.stop()
        except TimeoutError:
            _LOG.warning("consumer.left_without_answer", seconds=_LEAVE_SECONDS)
            await self._close_what_is_left()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})

    async def _close_what_is_left(self) -> None:
        """aiokafka gave up in the middle of leaving the group; what it would have closed afterwards goes on by itself otherwise."""
        consumer: Any = self._subscriber.consumer
        coordinator, fetcher = (consumer._coordinator, consumer._fetcher) if consumer is not None else (None, None)  # noqa: SLF001
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                if coordinator is not None:
                    await coordinator._stop_heartbeat_task()  # noqa: SLF001
                    await coordinator._stop_commit_offsets_refresh_task()  # noqa: SLF001
                if fetcher is not None:
                    await fetcher.close()
                    await consumer._client.close()  # noqa: SLF001
                await self.broker.stop()

    async def problem(self) -> str | None:
        """Why it is not consuming; None when it is, a broker's answer included: an idle consumer would not notice that all are away."""
        consumer = self._subscriber.consumer
        if not self._subscriber.running or consumer is None:
            return "the consumer is not running"
        if self.holding is not None:
            return f"holding a batch: {self.holding}"
        if self.unreadable is not None:
            return f"cannot read what the broker sends: {self.unreadable}"
        if self._parking.pauses.current is not None:
            return str(self._parking.pauses.current)
        if not consumer.assignment():
            return "no partitions assigned yet"
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await consumer.topics()
        except (KafkaError, TimeoutError, OSError) as error:
            return f"no broker answers: {type(error).__name__}"
        return None

    async def lag(self) -> dict[tuple[str, int], int]:
        """How many records of each ``(topic, partition)`` it holds are not committed. Raises `KafkaError`, `TimeoutError`."""
        consumer = self._subscriber.consumer
        if consumer is None:
            return {}
        places = sorted(consumer.assignment())
        if not places:
            return {}  # while it starts the client has nothing to ask with
        async with asyncio.timeout(_ANSWER_SECONDS):
            ends = await consumer.end_offsets(places)
            done = await asyncio.gather(*(consumer.committed(place) for place in places))
            # A group that has never committed reads from the first record on.
            starts = await consumer.beginning_offsets(places) if None in done else {}
        return {
            (place.topic.removeprefix(self._prefix), place.partition): ends[place] - (starts[place] if offset is None else offset)
            for place, offset in zip(places, done, strict=True)
        }

    async def _next_batch(self, consumer: AIOKafkaConsumer, *, most: int) -> tuple[ConsumerRecord[Any, Any], ...]:
        """As soon as there is something; empty when nothing came within `_POLL_SECONDS`, or what came cannot be read.

        An error that the framework does not know ends its task, which it begins anew at once: thousands of times a second, and each time
        some memory is lost.
        """
        try:
            if self.unreadable is not None:
                await _read_again(consumer)
            batches = await consumer.getmany(timeout_ms=int(_POLL_SECONDS * 1000), max_records=most)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            self.unreadable = f"{type(error).__name__}: {error}"
            _LOG.exception("consumer.cannot_read", again_in_seconds=_UNREADABLE_SECONDS)
            await asyncio.sleep(_UNREADABLE_SECONDS)
            return ()
        self.unreadable = None
        return tuple(chain.from_iterable(batches.values()))

    async def _consume(self, message: KafkaMessage) -> None:
        raw: Any = message.raw_message
        shares = shares_of((Record.of(record, self._prefix) for record in raw), self._shares)
        crash.point("batch.received")
        self._idle.clear()
        try:
            await self._until_done(shares)
            await self._commit(message)
        finally:
            self._idle.set()
            self._obey_pause()

    async def _watch_pause(self) -> None:
        begun = self._parking.pauses.begun
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE_SECONDS):
                    await begun.wait()
            begun.clear()
            await self._ask_for_pause()
            self._obey_pause()

    async def _ask_for_pause(self) -> None:
        """Until the database answers: a member that does not know may not begin, and one that knew goes on as it was."""
        while True:
            try:
                await self._parking.pauses.refresh()
            except AWAY as error:
                _LOG.warning("consumer.pause_unknown", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    def _obey_pause(self) -> None:
        # What the client has fetched ahead of a paused partition it drops, and fetches again later: the position stays.
        consumer = self._subscriber.consumer
        if consumer is None:
            return
        pause = self._parking.pauses.current
        for kind in KINDS:
            metrics.PAUSED.labels(kind).set(pause is not None and pause.kind == kind)
        if pause is not None:
            consumer.pause(*consumer.assignment())
        else:
            consumer.resume(*consumer.paused())

    async def _commit(self, message: KafkaMessage) -> None:
        """Here and not by the framework, so that a rebalance waits for it. One that fails costs nothing: the next one commits more, or
        another member reads again what we did, to no effect."""
        crash.point("batch.done")
        try:
            await message.ack()
        except (KafkaError, ConsumerStoppedError) as error:
            _LOG.warning("consumer.not_committed", error=f"{type(error).__name__}: {error}")
        crash.point("batch.committed")

    async def _until_done(self, shares: list[Share]) -> None:
        pause = 0.2
        while True:
            try:
                await self._walk_all(shares)
            except Exception as error:
                if self._stopping:
                    raise
                # Whatever it is, it is not the record's: that would have been parked. Handing the batch back could lose part of it.
                self.holding = f"{type(error).__name__}: {error}"
                _LOG.warning("consumer.holding_batch", error=self.holding, again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)
            else:
                self.holding = None
                return

    async def _walk_all(self, shares: list[Share]) -> None:
        keys = {record.stream for share in shares for record in share if record.key}
        queued = await self._parking.keys_with_queue(keys) if keys else set()
        await side_by_side(shares, lambda share: self._walk(share, queued))

    async def _walk(self, share: Share, queued: set[tuple[str, bytes | None]]) -> None:
        """Many records in one transaction while all goes well. When one fails, those before it go first, it is parked, the rest goes on."""
        await self._park_behind(share, queued)
        size, races, failed = self._at_once, 0, None
        while share:
            if failed is not None and share[0] is failed[0]:
                await self._parking.park_failed(*failed)
                del share[0]
                await self._park_behind(share, {failed[0].stream})
                size, failed = self._at_once, None
                continue
            results: list[Result] = []
            some = share[:size]
            try:
                await self._inbox.handle_all(some, results)
            except Exception as error:
                if is_away(error):
                    raise
                reached = len(results)
                if isinstance(error, _LOST_RACES) and races < _RACES:
                    size, races = max(1, len(some) // 2), races + 1
                elif reached < len(some):
                    size, failed = reached, (some[reached], error)
                elif reached > 1:  # the commit failed, which does not say whose fault it is
                    size = reached // 2
                else:
                    failed = (some[0], error)
            else:
                del share[: len(some)]
                size, races = self._at_once, 0
                for result in results:
                    await self._parking.pauses.note(broken=result is Result.DEAD)

    async def _park_behind(self, share: Share, queued: Collection[tuple[str, bytes | None]]) -> None:
        """What has something of its own key waiting before it leaves the share for that queue."""
        behind = [record for record in share if record.stream in queued]
        if behind:
            await self._parking.park_behind(behind)
            share[:] = [record for record in share if record.stream not in queued]


class _Drain(ConsumerRebalanceListener):  # type: ignore[misc]
    """Partitions are given up only between batches, so that two members rarely work on one record; the inbox is right even if they do."""

    def __init__(self, idle: asyncio.Event, obey_pause: Callable[[], None]) -> None:
        self._idle = idle
        self._obey_pause = obey_pause

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        _LOG.info("consumer.partitions_revoked", partitions=sorted(map(str, revoked)))
        try:
            async with asyncio.timeout(20):
                await self._idle.wait()
        except TimeoutError:
            _LOG.warning("consumer.rebalance_did_not_wait")

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        self._obey_pause()  # before anything else is awaited: nothing has been fetched yet
        _LOG.info("consumer.partitions_assigned", partitions=sorted(map(str, assigned)))


async def _read_again(consumer: AIOKafkaConsumer) -> None:
    """From what is committed. What the client had read of other partitions before one failed is lost with the error, but not their new
    position, and the next commit would pass over it."""
    for place, committed in (await consumer.seek_to_committed()).items():
        if not committed:
            await consumer.seek_to_beginning(place)


async def _keep_raw(records: tuple[ConsumerRecord[Any, Any], ...], original: Callable[[Any], Awaitable[KafkaMessage]]) -> KafkaMessage:
    # The framework decodes every header as UTF-8 and drops the whole batch when one is not. It is shown none; we read the raw records.
    message = await original((dataclasses.replace(records[0], headers=()),))
    message.raw_message = records
    return message


async def _no_decoding(message: KafkaMessage) -> KafkaMessage:
    return message
