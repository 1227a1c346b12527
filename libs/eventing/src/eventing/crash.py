"""Crash points: every place between two effects where a process may die, by name.

`CRASH_AT=page.committed:3` kills the process with SIGKILL at its third passing of that point (without a number, at the first);
`CRASH_AT=page.committed/ledger_lines` counts only the passings for ledger lines, where a point says what it is passed for. Only the crash
certificate sets it (`make certify`). It is read once, at import: unarmed, a passing is the call of an empty function.
"""

import os
import signal
from typing import Protocol

POINTS = {
    # the consumer (consumer.py)
    "batch.received": "records are in memory, nothing is done with them",
    "batch.done": "every record is dealt with, no offset is committed",
    "batch.committed": "the offsets are committed",
    # any unit of work (outbox.py): a record handled, refused or copied to the dead letters, a page, a probe
    "work.written": "state, inbox and outbox are written, the transaction is open",
    "work.committed": "they are committed, nothing is published",
    "deadletter.written": "a copy is on its way into the outbox, the transaction is open",
    # the relay (relay.py)
    "relay.taken": "messages of the outbox are in memory, nothing is sent",
    "relay.sent": "one more message is handed to the producer",
    "relay.acknowledged": "the broker has acknowledged them all, they are in the outbox still",
    "relay.committed": "they are gone from the outbox",
    # the parking place (parking.py)
    "parked.written": "a failed record is in its key's queue, the transaction is open",
    "parked.committed": "it is committed",
    "parked.behind": "a record has joined the queue of its key",
    "retry.written": "the head of a queue is handled or put off, the transaction is open",
    "retry.committed": "it is committed",
    # what operators ask for (operations.py)
    "rehearsal.written": "what an operation would do is noted, nothing of it is done, the transaction is open",
    "rehearsal.committed": "it is committed, an operator may have it applied",
    "operation.written": "all that it does and its end are written, the transaction is open",
    "operation.committed": "they are committed",
    # visma-connector: the probe of a Visma customer ID
    "probe.claimed": "the lease is committed, Visma is not asked",
    "probe.extended": "the lease is renewed while Visma thinks",
    "probe.fetched": "Visma has answered, nothing is written",
    "probe.written": "the finding is written, the transaction is open",
    "probe.committed": "it is committed",
    # visma-connector: what Visma tells of
    "notice.committed": "a delivery is noted, Visma has no answer",
    "announcement.written": "what is noted has become an event, the transaction is open",
    "announcement.committed": "it is committed",
    # sync-worker: the retrieval
    "item.claimed": "the lease is committed, the source is not asked",
    "item.renewed": "the leases in hand are renewed",
    "start.written": "the company is marked as started, the transaction is open",
    "start.committed": "it is committed, the first page is not asked for",
    "page.fetched": "a page is in memory, nothing is written",
    "page.written": "its rows, cursor and events are written, the transaction is open",
    "page.committed": "they are committed",
    "plan.fetched": "Visma has counted the lines, nothing is written",
    "plan.written": "the items are queued, the transaction is open",
    "plan.committed": "they are committed",
    "proof.claimed": "the periods that are proven by the same question are leased, Visma is not asked",
    "proof.fetched": "Visma's sums are in memory, nothing is written",
    "proof.written": "the proof and its events are written, the transaction is open",
    "proof.committed": "they are committed",
    "deferral.written": "what is summed up waits for what it is compared with, the transaction is open",
    "deferral.committed": "it is committed",
    "sums.fetched": "Visma's answer is in memory, nothing is written",
    "sums.written": "what is summed up has landed, or others are read again, the transaction is open",
    "sums.committed": "it is committed",
    "look.marked": "Visma has said whether anything changed, the sums of what did are not asked for",
    "look.fetched": "all answers are in memory, nothing is written",
    "look.written": "what changed is queued, or the next look is, the transaction is open",
    "look.committed": "it is committed",
    "search.fetched": "a difference is narrowed down by a grouped answer, nothing is written",
    "search.written": "how far is written, the transaction is open",
    "search.committed": "it is committed",
    "repair.fetched": "the wrong vouchers are in memory, nothing is written",
    "repair.written": "their rows and events are written, the transaction is open",
    "repair.committed": "they are committed, the period is not proven",
    "republication.written": "a few rows are on their way into the outbox once more, the transaction is open",
    "republication.committed": "they are committed",
    "report.fetched": "an A07 report is in memory, nothing is written",
    "report.written": "it is written, the transaction is open",
    "report.committed": "it is committed",
    "setback.written": "the trouble of an item is noted, the transaction is open",
    "setback.committed": "it is committed",
}


class Point(Protocol):
    """Takes one of the names in `POINTS` and, where several pass by, who does."""

    def __call__(self, name: str, of: str = "", /) -> None: ...


def _pass_by(name: str, of: str = "", /) -> None:
    """Unarmed."""


def _armed(setting: str) -> Point:
    place, _, number = setting.partition(":")
    deadly, _, only = place.partition("/")
    if deadly not in POINTS:
        raise ValueError(f"CRASH_AT names no crash point: {setting!r}")
    left = int(number or 1)

    def pass_by(name: str, of: str = "", /) -> None:
        nonlocal left
        if name == deadly and only in ("", of):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return pass_by


point: Point = _armed(os.environ["CRASH_AT"]) if "CRASH_AT" in os.environ else _pass_by
"""Passed by at a place between two effects."""
