"""What a session needs of whoever keeps it within Visma's limits."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Held(Exception):
    """Nothing may leave now, and by when it may is later than the caller waits.

    `seconds` is what Visma asked for; None when the company's places are all taken, and nobody knows for how long.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        super().__init__(f"held back for {seconds} s" if seconds is not None else "no place is free")


class Budget(Protocol):
    """Kept by this process alone (`limits.Limits`), or by many together (`shared_budget.SharedBudget`)."""

    def passage(self, scope: str, patience: float) -> AbstractAsyncContextManager[None]:
        """Enter when one request for this company or customer may leave, and stay inside until its answer is there.

        Raises `Held` when that is sure to take longer than `patience` seconds. Whoever leaves with `transport.Abandoned`
        or cancelled has gone away from a request that Visma still counts.
        """

    async def stop(self, seconds: float | None) -> None:
        """Visma refused a request with 429: nobody sends for so many seconds, for a while when Visma did not say."""

    def learn(self, *, troubled: bool) -> None:
        """An answer came, or did not."""
