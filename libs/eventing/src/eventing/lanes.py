"""Per-key lanes: records of one key one after the other, different keys side by side."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from eventing.record import Record

Lane = deque[Record]


def lanes_of(records: Iterable[Record]) -> list[Lane]:
    """Split a batch by topic, partition and key, each lane in the order of offsets. Records without a key stand alone."""
    lanes: dict[tuple[str, int, bytes | int], Lane] = {}
    for record in records:
        lanes.setdefault((record.topic, record.partition, record.key or record.offset), deque()).append(record)
    return list(lanes.values())


async def run_lanes(lanes: Iterable[Lane], walk: Callable[[Lane], Awaitable[None]], *, side_by_side: int) -> None:
    """Walk all lanes. The first error stops the others at their next await and is raised; what is done has left its lane."""
    places = asyncio.Semaphore(side_by_side)

    async def one(lane: Lane) -> None:
        async with places:
            await walk(lane)

    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                if lane:
                    group.create_task(one(lane))
    except* Exception as errors:
        raise _first(errors) from None


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
