"""Who is waiting for an answer: a person, or nobody in particular.

The lane belongs to whatever makes the calls, so it is set around them and not passed through them:

    with in_lane(Lane.INTERACTIVE):
        await visma.probe(12345)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum


class Lane(StrEnum):
    """Interactive requests leave before those of the background, as long as they take no more than their share."""

    INTERACTIVE = "interactive"
    BACKGROUND = "background"


_LANE: ContextVar[Lane] = ContextVar("visma_lane", default=Lane.BACKGROUND)


def current_lane() -> Lane:
    """The lane of the calls made here."""
    return _LANE.get()


@contextmanager
def in_lane(lane: Lane) -> Iterator[None]:
    """Calls made inside, and by tasks started inside, go in this lane."""
    token = _LANE.set(lane)
    try:
        yield
    finally:
        _LANE.reset(token)
