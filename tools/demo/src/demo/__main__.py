"""``python -m demo``: the whole guide against the simulators, on a stack of its own that ends with it."""

import asyncio
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from demo import proofs
from demo.display import Display
from demo.gateway import Gateway, TooLate, gateway
from demo.walk import Unexpected, Walk
from local_stack import background
from local_stack.child import ChildDied
from local_stack.jars import JarError
from local_stack.kafka import KafkaNotReady
from local_stack.ladder import LadderError
from local_stack.provision import ProvisioningError
from local_stack.stack import AlreadyRunning, LocalStack, NotReady

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    directory: Annotated[Path, typer.Option(help="Where the demo keeps its servers' files.")] = Path(".local/demo"),
    within: Annotated[float, typer.Option(help="Seconds until everything must be retrieved.")] = 120,
    unprotected: Annotated[bool, typer.Option("--unprotected", help="A Kafka without users and encryption.")] = False,
) -> None:
    """Walk the six steps of the guide and prove what was retrieved. Exit status 0 only if every proof holds."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    try:
        proven = asyncio.run(_run(console, directory, within, protect=not unprotected))
    except (AlreadyRunning, ChildDied, JarError, KafkaNotReady, LadderError, NotReady, ProvisioningError, TooLate, Unexpected) as error:
        console.print(f"[red]{type(error).__name__}[/]: {error}", markup=True)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(130) from None
    raise typer.Exit(0 if proven else 1)


async def _run(console: Console, directory: Path, within: float, *, protect: bool) -> bool:
    began = time.monotonic()
    console.print("Starting Kafka, PostgreSQL, the simulators and the services ...")
    await asyncio.to_thread(background.clean, directory)
    async with LocalStack(directory, durable=False, protect=protect) as stack:
        console.print(f"{stack}\nready after {time.monotonic() - began:.1f} s")
        async with gateway(stack.clients["ui-gateway"]) as connected:
            proven = await _walk(console, stack, connected, within)
    console.print(f"\nDone in {time.monotonic() - began:.1f} s.")
    return proven


async def _walk(console: Console, stack: LocalStack, connected: Gateway, within: float) -> bool:
    display = Display(console)
    walk = Walk(connected, display, today=datetime.now(ZoneInfo("Europe/Oslo")).date())
    await walk.find_and_activate()
    await walk.register()
    listed = await walk.drop_down()
    await walk.refused_forms(listed[0])
    with display.progress(walk.companies) as shown:
        connected.on_message = shown.on_message
        await walk.add_companies(listed)
        await connected.until(
            lambda screens: set(walk.companies) <= set(screens.completed) or screens.attention, "the end of the retrieval", within=within
        )
    for attention in connected.screens.attention:
        display.say(f"[red]{walk.companies[attention.company_id]} {attention.data_set}: {attention.message}[/] {attention.hint}")
    found = await proofs.rows(stack.databases["sync-worker"], walk.companies, connected.screens.completed)
    console.print()
    console.print(proofs.table(found))
    for number, note in enumerate(proofs.notes(found), start=1):
        console.print(f"  ({number}) {note}")
    everything = set(walk.companies) <= set(connected.screens.completed)
    proven = everything and all(row.proven for row in found)
    console.print("[green]Every proof holds.[/]" if proven else "[red]Not everything is proven.[/]")
    return proven


if __name__ == "__main__":
    cli()
