"""The whole system on this machine: Kafka, PostgreSQL, the simulators and the services."""

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Column, Table

from local_stack import background, logs
from local_stack.background import StartFailed, State
from local_stack.child import resident
from local_stack.ladder import LadderError
from local_stack.stack import AlreadyRunning

cli = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)

Directory = Annotated[Path, typer.Option(help="Where data, logs and addresses are kept.", resolve_path=True)]
Without = Annotated[list[str] | None, typer.Option(help="A program that you run yourself; may be repeated.")]
Unprotected = Annotated[bool, typer.Option("--unprotected", help="A Kafka without users and encryption, for a look with plain tools.")]
LOCAL = Path(".local")


@cli.command()
def up(directory: Directory = LOCAL, without: Without = None, unprotected: Unprotected = False) -> None:
    """Start everything in the background, wait until it is ready, print the addresses."""
    began = time.monotonic()
    try:
        with console.status("starting") as status:
            state = background.up(
                directory, lambda: status.update(f"starting, {time.monotonic() - began:.0f} s"), without or (), protect=not unprotected
            )
    except AlreadyRunning as running:
        console.print(str(running))
        _print_addresses(directory)
        return
    except StartFailed as failure:
        console.print(f"not started: {failure}", style="red", markup=False)
        raise typer.Exit(1) from None
    console.print(state.servers)
    for warning in state.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    _print_addresses(directory)
    console.print(f"Ready after {time.monotonic() - began:.1f} s. The addresses, with passwords, are in {directory / 'env'}.")


@cli.command()
def down(directory: Directory = LOCAL) -> None:
    """Stop everything and keep the data."""
    console.print("stopped" if background.down(directory) else "nothing was running")


@cli.command()
def clean(directory: Directory = LOCAL) -> None:
    """Stop everything and delete the data."""
    try:
        background.clean(directory)
    except LadderError as error:
        console.print(str(error), style="red")
        raise typer.Exit(1) from None
    console.print(f"{directory} is gone")


@cli.command("logs")
def show_logs(
    name: Annotated[str | None, typer.Argument(help="A program or server; all of them unless given.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing new lines until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines of each.")] = 30,
    directory: Directory = LOCAL,
) -> None:
    """Print the last lines of the logs."""
    try:
        for line in logs.read(directory / "logs", name, lines, follow=follow):
            typer.echo(line)
    except FileNotFoundError as error:
        console.print(str(error), style="red")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        return


@cli.command()
def status(directory: Directory = LOCAL) -> None:
    """Say what runs, how much memory it takes, and whether it is ready; exit status 1 when the whole is not."""
    state = State.read(directory) if background.owner(directory) else None
    if state is None or state.phase != "ready":
        console.print(f"not running in {directory}" if state is None else state.phase)
        raise typer.Exit(1)
    console.print(state.servers)
    answers = asyncio.run(_answers([part.ready_url for part in state.parts if part.ready_url]))
    table = Table("part", Column("address", overflow="fold"), "process", "memory", "restarts", "ready")
    total = 0
    for part in state.parts:
        memory = resident(part.pid) if part.pid else 0
        total += memory
        ready = answers[part.ready_url] if part.ready_url else "yes" if memory or part.pid is None else "no"
        table.add_row(part.name, part.address, str(part.pid or "–"), _megabytes(memory), str(part.restarts), ready)
    console.print(table)
    console.print(f"{_megabytes(total)} in all")
    if set(answers.values()) != {"yes"}:
        raise typer.Exit(1)


@cli.command(hidden=True)
def own(directory: Directory = LOCAL, without: Without = None, unprotected: Unprotected = False) -> None:
    """The detached process behind `up`."""
    try:
        asyncio.run(background.own(directory, without or (), protect=not unprotected))
    except asyncio.CancelledError:
        return


def _print_addresses(directory: Path) -> None:
    """Those of the file, without passwords and without what is there for `opsctl` alone."""
    table = Table(Column("variable"), Column("address", overflow="fold"))
    for line in (directory / "env").read_text().splitlines():
        if line.startswith("OPSCTL__"):
            continue
        variable, address = re.sub(r"(//[^:/]+):[^@]*@", r"\1@", line).split("=", 1)
        table.add_row(variable, "in the file" if variable.endswith("PASSWORD") else address)
    console.print(table)


async def _answers(urls: list[str]) -> dict[str, str]:
    async def ask(url: str) -> str:
        try:
            response = await client.get(url)
        except httpx.HTTPError as error:
            return type(error).__name__
        return "yes" if response.status_code == httpx.codes.OK else f"{response.status_code}"

    async with httpx.AsyncClient(timeout=5) as client:
        return dict(zip(urls, await asyncio.gather(*map(ask, urls)), strict=True))


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB" if size else "–"


if __name__ == "__main__":
    cli(prog_name="local_stack")
