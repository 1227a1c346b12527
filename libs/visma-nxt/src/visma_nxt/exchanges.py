"""What Visma was asked and when, for those who keep a receipt of it.

with noting() as exchanges:
    await visma.grouped(...)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question that was answered: all that is needed to ask it again. It holds no token."""

    operation: str
    document: str
    variables: dict[str, Any]
    asked_at: datetime
    answered_at: datetime


_NOTED: ContextVar[list[Exchange] | None] = ContextVar("visma_exchanges", default=None)


@contextmanager
def noting() -> Iterator[list[Exchange]]:
    """Questions asked inside are added to the list as they are answered."""
    noted: list[Exchange] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note(exchange: Exchange) -> None:
    """Add to what is being noted here, if anything is."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append(exchange)
