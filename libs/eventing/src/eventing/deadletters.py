"""Dead letters: a record that cannot be read or handled is copied to the service's own topic, byte for byte, with the reason beside it.

The copy goes through the outbox, in the transaction that passes over the record: neither can happen without the other.
"""

from dataclasses import replace
from functools import partial

import structlog

from eventing import crash, metrics
from eventing.record import Record
from eventing.sql import queries
from eventing.work import Work

_DEAD_LETTERS = queries(__file__, "deadletters")
_LOG = structlog.get_logger("eventing.deadletters")


async def copy(work: Work, record: Record, *, service: str, reason: str, error: str) -> None:
    """Copy ``record`` to ``<service>-dlq`` once; ``x-dlq-*`` headers say from where, when and why."""
    error = error.replace("\0", "\\0")  # PostgreSQL text cannot hold a NUL, which may come with what is quoted of the record
    noted = await _DEAD_LETTERS.note(
        work.connection,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason,
        error=error,
    )
    if noted is None:
        return
    work.afterwards(metrics.DEAD_LETTERS.labels(record.topic, reason).inc)
    work.afterwards(partial(_LOG.error, "deadletters.copied", place=record.place, reason=reason, error=error))
    why = {
        "reason": reason,
        "error": error[:2000],
        "service": service,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp_ms),
        "at": work.now.isoformat(),
    }
    headers = (*record.headers, *((f"x-dlq-{name}", text.encode()) for name, text in why.items()))
    work.publish_raw(replace(record, topic=f"{service}-dlq", headers=headers))
    crash.point("deadletter.written")
