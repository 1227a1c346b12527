"""Command line: `python -m skatteetaten_simulator --client-key PATH` serves, `make-key PATH` makes such a key."""

import asyncio
import json
import signal
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from skatteetaten_simulator import keys
from skatteetaten_simulator.scenario import Scenario
from skatteetaten_simulator.server import running

cli = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)


@cli.command("make-key")
def make_key(path: Annotated[Path, typer.Argument(help="Where to write the private key (PEM, readable by you alone).")]) -> None:
    """Write a new RSA key for a local Maskinporten client."""
    try:
        keys.write_new_key(path)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None
    typer.echo(f"wrote {path}")


@cli.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    client_key: Annotated[Path | None, typer.Option(help="PEM key of the client; its public half is registered.")] = None,
    client_id: Annotated[str, typer.Option(help="The Maskinporten client to register.")] = "accountflow-local",
    key_id: Annotated[str, typer.Option(help="The kid under which the key is registered.")] = "local-1",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    public_url: Annotated[str | None, typer.Option(help="Address clients use, if it is another one.")] = None,
    scenario: Annotated[Path | None, typer.Option(help="JSON file with the scenario.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all reports.")] = None,
    today: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date in the simulated world.")] = None,
    without_system_user: Annotated[
        list[str] | None, typer.Option(help="Organisation number without system access; may be repeated.")
    ] = None,
    sub_unit: Annotated[list[str] | None, typer.Option(help="Organisation number of a sub-unit; may be repeated.")] = None,
) -> None:
    """Serve Maskinporten and the A07 report until SIGTERM or Ctrl-C; one JSON line with the addresses when ready."""
    if context.invoked_subcommand is not None:
        return
    if client_key is None:
        raise typer.BadParameter("is needed; make one with the command make-key", param_hint="--client-key")
    try:
        client = keys.RegisteredClient(client_id, key_id, keys.public_key(client_key))
        loaded = Scenario.from_file(scenario) if scenario else Scenario()
    except (OSError, ValueError, ValidationError) as error:
        raise typer.BadParameter(str(error)) from None
    changes = {
        "seed": seed,
        "today": today.date() if today else None,
        "without_system_user": loaded.without_system_user | set(without_system_user or []),
        "sub_units": loaded.sub_units | set(sub_unit or []),
    }
    chosen = loaded.model_copy(update={name: value for name, value in changes.items() if value is not None})
    asyncio.run(_serve(client, chosen, host, port, public_url))


async def _serve(client: keys.RegisteredClient, scenario: Scenario, host: str, port: int, public_url: str | None) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with running([client], scenario, host=host, port=port, public_url=public_url) as world:
        ready = {
            "issuer": world.addresses.issuer,
            "token_url": world.addresses.token_url,
            "a07_base_url": world.addresses.a07_base_url,
            "control_url": world.addresses.control_url,
            "client_id": client.client_id,
            "key_id": client.key_id,
        }
        typer.echo(json.dumps(ready))
        await stop.wait()


if __name__ == "__main__":
    cli(prog_name="skatteetaten_simulator")
