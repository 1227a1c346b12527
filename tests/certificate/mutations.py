"""What the certificate must say of a service without one of its protections."""

import sys
from dataclasses import dataclass
from pathlib import Path

from .certificate import Entry
from .conftest import Certifier

MUTANTS = Path(__file__).with_name("mutants.py")


@dataclass(frozen=True)
class Mutation:
    """Where the mutated service is killed, and which column of the certificate turns red."""

    name: str
    service: str
    point: str
    column: str
    patience: float = 20
    """Seconds for what will never come."""


ALL = (
    Mutation("no_inbox", "org-service", "batch.done", "doubled", patience=120),
    Mutation("no_key_lock", "org-service", "work.written", "lost"),
    Mutation("no_outbox_transaction", "org-service", "work.committed", "lost"),
    Mutation("early_offsets", "org-service", "batch.received", "lost"),
)


async def judged(certifier: Certifier, mutation: Mutation) -> Entry:
    """The line of the certificate for the mutant."""
    command = [sys.executable, "-P", str(MUTANTS), mutation.name, mutation.service.replace("-", "_")]
    [entry] = await certifier.killed_at({mutation.service: mutation.point}, command=command, patience=mutation.patience)
    return entry
