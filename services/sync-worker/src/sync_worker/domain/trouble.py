"""Why an item cannot go on: what is wrong, for whom, and what to do about it."""

import random
from dataclasses import dataclass
from datetime import timedelta

from contracts.sync import SyncStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """``status`` is retrying, needs_attention or needs_consent. ``reason`` is a stable code, the rest is for people.

    With ``whole_source`` nothing else of the company can be had from the same source either. ``retry_after`` is what the source asked for.
    """

    status: SyncStatus
    reason: str
    message: str
    hint: str
    whole_source: bool = False
    retry_after: timedelta | None = None


class Troubled(Exception):
    """An item that cannot go on, for a reason of its own data."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(f"{trouble.reason}: {trouble.message}")


def pause_after(attempts: int, *, first: timedelta, longest: timedelta, asked: timedelta | None = None) -> timedelta:
    """How long to wait after so many failures in a row: doubling, never less than the source asked for, with jitter on top."""
    pause = min(first * 2.0 ** min(attempts, 30), longest)
    return max(pause, asked or timedelta(0)) * random.uniform(1, 1.2)  # noqa: S311
