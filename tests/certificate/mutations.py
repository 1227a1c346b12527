"""What the certificate must say of a service without one of its protections."""

import sys
from dataclasses import dataclass
from pathlib import Path

from .certificate import Entry
from .conftest import Certifier

MUTANTS = Path(__file__).with_name("mutants.py")


@dataclass(frozen=True)
class Mutation:
    """Where the mutated service is killed, which column of the certificate turns red, and by what: slowness alone would not say that."""

    name: str
    service: str
    point: str
    column: str
    sign: str
    patience: float = 120
    """Seconds; few where something will never come."""

    def shows(self, entry: Entry) -> bool:
        """Whether the certificate says so."""
        return entry.kills == 1 and any(self.sign in each for each in getattr(entry.verdict, self.column))


ALL = (
    Mutation("no_inbox", "org-service", "batch.done", "doubled", "/org-service command-results"),
    Mutation("no_key_lock", "org-service", "work.written", "lost", "1 never came"),
    Mutation("no_outbox_transaction", "org-service", "work.committed", "lost", "/org-service command-results", patience=30),
    Mutation("early_offsets", "org-service", "batch.received", "lost", "org-service tenancy.organization", patience=30),
)


async def judged(certifier: Certifier, mutation: Mutation) -> Entry:
    """The line of the certificate for the mutant."""
    command = [sys.executable, "-P", str(MUTANTS), mutation.name, mutation.service.replace("-", "_")]
    [entry] = await certifier.killed_at({mutation.service: mutation.point}, command=command, patience=mutation.patience)
    return entry
