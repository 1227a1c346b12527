"""When to probe again."""

from dataclasses import dataclass
from datetime import timedelta

from visma_connector.domain.connection import Connection
from visma_connector.domain.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Pauses between two probes of one Visma customer ID."""

    connected: timedelta
    denied: timedelta
    unreachable_first: timedelta
    unreachable_longest: timedelta

    def pause(self, after: Connection, finding: Finding) -> timedelta:
        """The pause after a probe: short while somebody may be at work on a remedy, doubling while Visma is away."""
        if after.failures:
            return min(self.unreachable_first * 2.0 ** min(after.failures - 1, 30), self.unreachable_longest)
        return self.connected if after.connected and finding.complete else self.denied
