"""How every command runs: connect, work, show, and an exit status that a script can use.

0 all is well; 1 something was found, or refused; 2 wrong usage or settings; 3 a server is away; 130 stopped by Ctrl-C.
"""

import asyncio
import getpass
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, TypeVar

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.console import RenderableType

from opsctl import moments, render
from opsctl.settings import Settings
from opsctl.system import Away, Refused, System
from servicekit.configuration import load
from servicekit.redaction import redact_text

FINE, FOUND, USAGE, AWAY, INTERRUPTED = 0, 1, 2, 3, 130

R = TypeVar("R", bound=render.Report)
T = TypeVar("T")


def _spelled(read: Callable[[str], T]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse


moment = _spelled(moments.moment)
span = _spelled(moments.span)

Services = Annotated[list[str] | None, typer.Option("--service", "-s", help="Only this service; may be repeated.")]
Why = Annotated[str, typer.Option(help="The reason, for those who read it later.")]
By = Annotated[str, typer.Option(default_factory=getpass.getuser, help="Who asks for it.", show_default="$USER")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON: stable names, UTC, seconds, bare numbers.")]


def answer(
    collect: Callable[[System], Awaitable[R]],
    tables: Callable[[R], Iterable[RenderableType | str]],
    *,
    as_json: bool,
    found: Callable[[R], int] = lambda _: FINE,
) -> None:
    """Collect a report, show it, and end with the status that ``found`` gives it: true, or 1, when it holds something to act on."""

    async def work(system: System) -> int:
        report = await collect(system)
        render.show(report, tables, as_json=as_json)
        return found(report)

    run(work)


def run(work: Callable[[System], Awaitable[int | None]]) -> None:
    """Run ``work`` on the system that the environment names, and end with the status it gives."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is raised, and said once in our own words
    settings = load(Settings)
    try:
        status = asyncio.run(_connected(settings, work))
    except Refused as refused:
        render.aside(str(refused))
        raise typer.Exit(FOUND) from None
    except Away as away:
        render.aside(str(away))
        raise typer.Exit(AWAY) from None
    except asyncpg.UndefinedTableError as error:
        render.aside(f"{error}: the service has not been started with this version yet, or its migrations have not run")
        raise typer.Exit(FOUND) from None
    except asyncpg.InsufficientPrivilegeError as error:
        render.aside(f"{error}: the operator's role needs the schema eventing of each service")
        raise typer.Exit(FOUND) from None
    except (
        BrokenPipeError
    ):  # whoever read has seen enough (`opsctl tail … | head`); Python would complain once more when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FINE) from None
    except (KafkaError, TimeoutError, OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        render.aside(redact_text(f"a server went away: {type(error).__name__}: {error}"))
        raise typer.Exit(AWAY) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(int(status or FINE))


async def _connected(settings: Settings, work: Callable[[System], Awaitable[int | None]]) -> int | None:
    async with System(settings) as system:
        return await work(system)
