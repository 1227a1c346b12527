"""`doctor`: looks at everything, and says of each thing that is not as it should be what to do about it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import asyncpg
from aiokafka.errors import KafkaError
from rich.console import RenderableType

from opsctl import examine_kafka, examine_services
from opsctl.command import AWAY, FINE, FOUND, AsJson, answer
from opsctl.finding import Check, Examination, Finding, Severity
from opsctl.render import Column, Report, table
from opsctl.system import Away, System

_STYLES = {Severity.AWAY: "bold red", Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_START = "Start it, or repair the network or the settings that lead there."


class Diagnosis(Report):
    """Answer of `doctor`."""

    checks: list[Check]


def command(*, as_json: AsJson = False) -> None:
    """Look at servers, topics, permissions, groups, migrations, clocks, outboxes, queues, gaps, dead letters and connections.

    Status 3 when a server is away, 1 when there is an error or a warning, 0 when there is at most something good to know.
    """
    answer(collect, tables, as_json=as_json, found=_status)


async def collect(system: System) -> Diagnosis:
    """Everything, one after the other: a doctor must not be a load."""
    looks: list[tuple[str, str, Callable[[], Awaitable[Check | None]]]] = [
        (look.__name__, "Kafka", lambda look=look: look(system))  # type: ignore[misc]
        for look in (examine_kafka.brokers, examine_kafka.declared_topics, examine_kafka.consumer_groups, examine_kafka.permissions)
    ]
    for service in system.services:
        looks += [
            (look.__name__, service, lambda look=look, service=service: look(system, service))  # type: ignore[misc]
            for look in (examine_services.readiness, examine_services.database, examine_services.migrations, examine_services.core)
        ]
    away: set[str] = set()
    checks = []
    for name, where, look in looks:
        check = await _looked(name, where, look, away)
        if check is not None:
            checks.append(check)
    return Diagnosis(checks=checks)


async def _looked(name: str, where: str, look: Callable[[], Awaitable[Check | None]], away: set[str]) -> Check | None:
    seen = Examination(name.replace("_", " "), where)
    if where in away and name != "readiness":
        return None
    try:
        async with asyncio.timeout(30):
            return await look()
    except Away as error:
        away.add(where)
        seen.find(Severity.AWAY, str(error), _START)
    except asyncpg.UndefinedTableError as error:
        seen.find(Severity.ERROR, str(error), f"Start {where} in the version of this opsctl: it migrates at its start.")
    except asyncpg.InsufficientPrivilegeError as error:
        seen.find(Severity.ERROR, str(error), "Give the operator's role its rights on the schema eventing.")
    except (KafkaError, OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        away.add(where)
        seen.find(Severity.AWAY, f"{where} went away: {type(error).__name__} {error}", _START)
    return seen.done()


def _findings(report: Diagnosis) -> list[Finding]:
    order = list(Severity)
    return sorted((finding for check in report.checks for finding in check.findings), key=lambda finding: order.index(finding.severity))


def _status(report: Diagnosis) -> int:
    severities = {finding.severity for finding in _findings(report)}
    if Severity.AWAY in severities:
        return AWAY
    return FOUND if severities & {Severity.ERROR, Severity.WARNING} else FINE


def tables(report: Diagnosis) -> Iterable[RenderableType | str]:
    yield table(
        "looked at",
        report.checks,
        Column("check", lambda row: row.check),
        Column("where", lambda row: row.where),
        Column("", lambda row: len(row.findings) or "well", lambda row: "yellow" if row.findings else "green"),
        Column("seen", lambda row: row.seen),
    )
    yield ""
    yield table(
        "findings",
        _findings(report),
        Column("", lambda row: row.severity, lambda row: _STYLES[row.severity]),
        Column("where", lambda row: row.where),
        Column("what", lambda row: row.what),
        Column("remedy", lambda row: row.remedy),
    )
