"""Services with one of their protections taken out: `python mutants.py MUTATION MODULE` runs the service's module without it.

The product knows nothing of this. Each mutation is what a well-meant simplification would look like.
"""

import functools
import runpy
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from faststream.kafka import KafkaMessage

from eventing import crash, inbox, work
from eventing.consumer import Consumer
from eventing.outbox import Outbox
from eventing.work import Connection, Together


class _With:
    """Named queries, some of them replaced."""

    def __init__(self, queries: Any, **replaced: Callable[..., Any]) -> None:
        self._queries = queries
        vars(self).update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queries, name)


def no_inbox() -> None:
    """Every delivery counts as the first."""
    queries = inbox._INBOX

    async def advance(connection: Connection, **read: Any) -> AsyncIterator[dict[str, Any]]:
        _ = [row async for row in queries.advance(connection, **read)]
        for source, topic, subject in zip(read["sources"], read["topics"], read["subjects"], strict=True):
            yield {"source": source, "topic": topic, "subject": subject, "previous": 0}

    async def claim_command(connection: Connection, **command: Any) -> dict[str, bool]:
        await queries.claim_command(connection, **command)
        return {"first": True, "new_delivery": True}

    inbox._INBOX = _With(queries, advance=advance, claim_command=claim_command)


def no_key_lock() -> None:
    """Numbers are taken on a connection of their own, so that the row of the key is not locked until the transaction commits."""
    queries = work._OUTBOX
    pools: list[Any] = []
    opened = Outbox.__init__

    def remembering(self: Outbox, pool: Any, *given: Any, **more: Any) -> None:
        pools.append(pool)
        opened(self, pool, *given, **more)

    Outbox.__init__ = remembering  # type: ignore[method-assign]
    work._OUTBOX = _With(queries, take_sequences=lambda _connection, **wanted: queries.take_sequences(pools[0], **wanted))


def no_outbox_transaction() -> None:
    """The state commits first, its events are written afterwards."""

    @asynccontextmanager
    async def two_transactions(self: Outbox, *, connection: Connection | None = None) -> AsyncIterator[Together]:
        async with self._connected(connection) as connected:
            async with connected.transaction():
                together = Together(connected, self.clock(), self.source)
                yield together
            crash.point("work.committed")
            if await together.write_outbox():
                self.filled.set()

    Outbox.together = two_transactions  # type: ignore[method-assign]


def early_offsets() -> None:
    """Offsets are committed when a batch has been read, not when it is done."""
    consume = Consumer._consume

    @functools.wraps(consume)
    async def committed_first(self: Consumer, message: KafkaMessage) -> None:
        await message.ack()
        await consume(self, message)

    Consumer._consume = committed_first  # type: ignore[method-assign]


MUTATIONS = {each.__name__: each for each in (no_inbox, no_key_lock, no_outbox_transaction, early_offsets)}

if __name__ == "__main__":
    mutation, module = sys.argv[1:]
    MUTATIONS[mutation]()
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__")
