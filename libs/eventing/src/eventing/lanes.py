"""Per-key lanes: records of one key one after the other, different keys side by side."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from eventing.record import Record

Share = list[Record]
"""Whole lanes, one after the other: what one worker does of a batch."""


def shares_of(records: Iterable[Record], most: int) -> list[Share]:
    """Split a batch by topic, partition and key, each lane in the order of offsets, and deal the lanes out to at most ``most`` shares.

    Records without a key stand alone.
    """
    lanes: dict[tuple[str, int, bytes | int], list[Record]] = {}
    for record in records:
        lanes.setdefault((record.topic, record.partition, record.key or record.offset), []).append(record)
    shares: list[Share] = [[] for _ in range(min(most, len(lanes)))]
    for lane in lanes.values():
        min(shares, key=len).extend(lane)
    return shares


async def side_by_side(shares: Iterable[Share], walk: Callable[[Share], Coroutine[Any, Any, None]]) -> None:
    """Walk all shares. The first error stops the others at their next await and is raised; what is done has left its share."""
    try:
        async with asyncio.TaskGroup() as group:
            for share in shares:
                group.create_task(walk(share))
    except* Exception as errors:
        raise _first(errors) from None


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
