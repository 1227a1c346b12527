"""What the doctor looks at in each service: its database, its message core, its own word on its health."""

import hashlib
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import asyncpg
import httpx

from eventing.sql import queries
from opsctl import moments, pause
from opsctl.finding import Check, Examination, Severity
from opsctl.system import System
from servicekit.migrations import MigrationSet

_DOCTOR = queries(__file__, "doctor")
_SKEW = timedelta(seconds=2)
_OUTBOX_OLD = timedelta(seconds=30)
_WAITING_LONG = timedelta(minutes=10)
_CROWDED = 0.8
_IDLE_LONG = timedelta(minutes=1)
_MANY_WAIT = 5


async def core(system: System, service: str) -> Check:
    """Outbox, queues, gaps, dead letters, pause."""
    seen = Examination("message core", service)
    database = await system.database(service)
    row = await _DOCTOR.core(database)
    seen.seen = f"outbox {row['outbox']}, queued {row['queued']}, open gaps {row['gaps']}"
    if row["outbox_oldest"] and row["now"] - row["outbox_oldest"] > _OUTBOX_OLD:
        old = f"{row['outbox']} messages are not published, the oldest for {moments.in_words(row['now'] - row['outbox_oldest'])}"
        seen.find(Severity.ERROR, old, "Look at the check `relay` of its /readyz: Kafka or one topic is away, or the service does not run.")
    if row["refused"]:
        refused = f"Kafka has refused {row['refused']} messages for good ({row['refused_error']})"
        seen.find(
            Severity.ERROR, refused, "They are in eventing.outbox_refused. Raise max_message_bytes in contracts/topics, or have them split."
        )
    if row["parked_keys"]:
        parked = f"{row['parked_keys']} keys are parked, {row['queued']} messages wait"
        seen.find(Severity.ERROR, parked, f"`park list -s {service}` says why; after the cause is repaired `dlq redrive {service}`.")
    if row["waiting_since"] and row["now"] - row["waiting_since"] > _WAITING_LONG:
        waits = f"a message has been tried again for {moments.in_words(row['now'] - row['waiting_since'])}"
        seen.find(Severity.WARNING, waits, f"`park list -s {service}` says what it waits for.")
    if row["gaps"]:
        seen.find(
            Severity.ERROR, f"{row['gaps']} gaps in subjects' numbers", f"`gaps -s {service}` shows them; `key` finds where they were lost."
        )
    if row["dead_today"]:
        dead = f"{row['dead_today']} messages could not be read today"
        seen.find(Severity.WARNING, dead, f"`dlq list -s {service}`, then `dlq diff` for what their sender did wrong.")
    if row["operations_left"]:
        left = f"{row['operations_left']} requested operations have not been taken up"
        seen.find(Severity.WARNING, left, "The service plans and applies them: does it run? `journal` shows them.")
    if paused := await pause.paused(system, service):
        severity = Severity.ERROR if paused.kind == "too_many_broken" else Severity.WARNING
        since = moments.in_words(row["now"] - paused.since) if paused.since else "?"
        seen.find(severity, f"paused for {since} by {paused.by}: {paused.why}", f"`resume {service}` when the cause is repaired.")
    return seen.done()


async def database(system: System, service: str) -> Check:
    """Connections, transactions left open, and the clock."""
    seen = Examination("database", service)
    connection = await system.database(service)
    asked = moments.now()
    there: datetime = await connection.fetchval("SELECT clock_timestamp()")
    answered = moments.now()
    row = await _DOCTOR.sessions(connection)
    skew = there - asked - (answered - asked) / 2
    speed = f"clock {moments.in_words(skew)} off, answers in {moments.in_words(answered - asked)}"
    seen.seen = f"{row['connections']} of {row['allowed']} connections, {speed}"
    if row["connections"] > row["allowed"] * _CROWDED:
        seen.find(
            Severity.WARNING,
            f"{row['connections']} of {row['allowed']} connections are taken",
            "Lower POSTGRES__POOL_MAX, or raise max_connections.",
        )
    if row["idle_in_transaction"] and row["idle_in_transaction"] > _IDLE_LONG:
        idle = f"a transaction has been open and idle for {moments.in_words(row['idle_in_transaction'])}"
        seen.find(Severity.WARNING, idle, "It holds locks and keeps dead rows: find it in pg_stat_activity and end it.")
    if row["waiting_for_locks"] > _MANY_WAIT:
        seen.find(Severity.WARNING, f"{row['waiting_for_locks']} sessions wait for locks", "Look at pg_blocking_pids() for who holds them.")
    _clock(seen, skew, "the database's server")
    return seen.done()


async def migrations(system: System, service: str) -> Check:
    """Whether the tables of the message core are those this version knows, and whether every migration has been finished."""
    seen = Examination("migrations", service)
    folder = MigrationSet.of_package("eventing", "eventing").folder
    wanted = {path.stem: hashlib.sha256(path.read_text("utf-8").encode()).hexdigest() for path in folder.glob("*.sql")}
    try:
        rows = [row async for row in _DOCTOR.migrations(await system.database(service))]
    except asyncpg.InsufficientPrivilegeError:
        seen.seen = "not shown to this operator"
        seen.find(
            Severity.NOTE,
            "the history of migrations cannot be read",
            "Grant the operator SELECT on public.migration_content, public._pogo_migration.",
        )
        return seen.done()
    applied = {row["migration_id"]: row["sha256"] for row in rows if row["schema_name"] == "eventing" and row["applied"]}
    seen.seen = f"eventing at {max(applied, default='nothing')}, {sum(row['applied'] for row in rows)} applied in all schemas"
    for name in sorted(wanted.keys() - applied.keys()):
        seen.find(
            Severity.ERROR, f"eventing/{name} is not applied", f"Start {service} in the version of this opsctl: it migrates at its start."
        )
    for name in sorted(wanted.keys() & applied.keys()):
        if wanted[name] != applied[name]:
            seen.find(Severity.ERROR, f"eventing/{name} was applied with another content", "A released migration was changed: restore it.")
    for name in sorted(applied.keys() - wanted.keys()):
        seen.find(Severity.WARNING, f"eventing/{name} is newer than this opsctl", "Use the opsctl of the running release.")
    for row in rows:
        if not row["applied"]:
            begun = f"{row['schema_name']}/{row['migration_id']} was begun and not finished"
            seen.find(Severity.ERROR, begun, f"The log of {service} says why; it is tried again at the next start.")
    return seen.done()


async def readiness(system: System, service: str) -> Check | None:
    """The service's own word; None when the settings do not say where to ask."""
    url = system.services[service].health_url
    if url is None:
        return None
    seen = Examination("readiness", service)
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            asked = moments.now()
            response = await client.get(f"{url}/readyz")
            answered = moments.now()
            said = response.json()
    except (httpx.HTTPError, ValueError) as error:
        seen.find(Severity.AWAY, f"{url} does not answer: {type(error).__name__} {error}", f"Start {service}, or look at its log.")
        return seen.done()
    seen.seen = "ready" if said.get("ok") else f"not ready: {said.get('phase')}"
    for name, check in said.get("checks", {}).items():
        if not check.get("ok"):
            seen.find(Severity.ERROR, f"not ready: {name}: {check.get('why')}", "It comes back by itself when that is repaired.")
    if not said.get("ok") and not any(not check.get("ok") for check in said.get("checks", {}).values()):
        seen.find(Severity.WARNING, f"not ready: {said.get('phase')}", "Wait for its start, or look at its log.")
    if "date" in response.headers:
        # The header has whole seconds, cut off: half a second more is the best guess.
        there = parsedate_to_datetime(response.headers["date"]) + timedelta(seconds=0.5)
        _clock(seen, there - asked - (answered - asked) / 2, "its machine")
    return seen.done()


def _clock(seen: Examination, skew: timedelta, whose: str) -> None:
    if abs(skew) > _SKEW:
        off = f"the clock of {whose} is {moments.in_words(abs(skew))} {'ahead of' if skew > timedelta() else 'behind'} ours"
        seen.find(Severity.WARNING, off, "Set both by NTP: times in events and waits are judged by them.")
