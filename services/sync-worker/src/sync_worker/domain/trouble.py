"""Why an item cannot go on: what is wrong, for whom, and what to do about it."""

import random
from dataclasses import dataclass
from datetime import timedelta

from contracts.sync import SyncStatus

OUR_CREDENTIALS = frozenset({"not_authenticated", "configuration"})
"""Reasons that are ours: a source does not accept our own credentials, whatever the company."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """``status`` is retrying, needs_attention, needs_consent or not_supported. ``reason`` is a stable code, the rest is for people.

    With ``whole_source`` nothing else of the company can be had from the same source either. ``retry_after`` is what the source asked for.
    """

    status: SyncStatus
    reason: str
    message: str
    hint: str
    whole_source: bool = False
    retry_after: timedelta | None = None

    @property
    def ours(self) -> bool:
        """It meets every company alike, and goes away for all of them when operators have mended it."""
        return self.reason in OUR_CREDENTIALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait until something is tried again by itself: at first and at most after a failure that passes, for our own credentials,
    for a consent, and for something that a customer's Visma does not know."""

    first: timedelta
    longest: timedelta
    credentials: timedelta
    consent: timedelta
    support: timedelta

    def pause(self, trouble: Trouble, attempts: int) -> timedelta | None:
        """After so many failures in a row; None when only a person can do something about it."""
        match trouble.status:
            case SyncStatus.RETRYING:
                return pause_after(attempts, first=self.first, longest=self.longest, asked=trouble.retry_after)
            case SyncStatus.NEEDS_ATTENTION if trouble.ours:
                return self.credentials * random.uniform(0.9, 1)  # noqa: S311
            case SyncStatus.NEEDS_CONSENT:
                return self.consent * random.uniform(0.9, 1)  # noqa: S311
            case SyncStatus.NOT_SUPPORTED:
                return self.support * random.uniform(0.9, 1)  # noqa: S311
        return None


class Troubled(Exception):
    """An item that cannot go on, for a reason of its own data."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(f"{trouble.reason}: {trouble.message}")


def pause_after(attempts: int, *, first: timedelta, longest: timedelta, asked: timedelta | None = None) -> timedelta:
    """How long to wait after so many failures in a row: doubling, never less than the source asked for, with jitter on top."""
    pause = min(first * 2.0 ** min(attempts, 30), longest)
    return max(pause, asked or timedelta(0)) * random.uniform(1, 1.2)  # noqa: S311
