"""Command line of the simulator."""

import gc
import json
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from graphql import print_schema

from visma_simulator import scenario, schema
from visma_simulator.app import CONTROL_PATH, GRAPHQL_PATH, TOKEN_PATH, build_app
from visma_simulator.limits import Limits
from visma_simulator.scenario import Subscription
from visma_simulator.server import serve

cli = typer.Typer(add_completion=False, help="A stand-in of Visma Business NXT (GraphQL, service context) and Visma Connect (tokens).")


@cli.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    host: str = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Same seed, same ledgers.")] = 7,
    scenario_file: Annotated[
        Path | None, typer.Option("--scenario", help="YAML or JSON; without it the built-in demonstration.", exists=True)
    ] = None,
    lines: Annotated[int | None, typer.Option(help="Scale all companies so that the largest has this many ledger lines.")] = None,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Ledgers run until this day; the current one unless given.")
    ] = None,
    token_lifetime: Annotated[int, typer.Option(help="Seconds.")] = 3600,
    requests_per_minute: Annotated[int, typer.Option(help="Per token; more are answered 429.")] = 600,
    outstanding: Annotated[int, typer.Option(help="Requests in progress per company and per customer.")] = 60,
    latency_ms: Annotated[int, typer.Option(help="Added to every GraphQL answer.")] = 0,
    minute_ms: Annotated[int, typer.Option(help="How long a minute of the limits is.")] = 60_000,
    webhook_url: Annotated[str, typer.Option(help="Notify this address of every changed row.")] = "",
    webhook_key: Annotated[str, typer.Option(help="What signs the notifications.")] = "",
    per_client: Annotated[bool, typer.Option("--per-client", help="Count the requests of all tokens of a client together.")] = False,
) -> None:
    """Serve until SIGTERM. Prints one line of JSON with the addresses once connections are taken."""
    if context.invoked_subcommand:
        return
    try:
        described = scenario.load(scenario_file, seed=seed, today=today.date() if today else None, lines=lines)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--scenario") from problem
    if webhook_url:
        described = replace(described, webhooks=(*described.webhooks, Subscription(webhook_url, webhook_key)))
    # A ledger in the making is millions of objects that all live on: looking through them again and again costs a third of the time.
    gc.freeze()
    gc.set_threshold(200_000, 50, 1000)
    limits = Limits(requests_per_minute, outstanding, latency_ms, minute_ms, per_client)
    app = build_app(described, limits, now=time.time, token_lifetime=token_lifetime)
    serve(app, host, port, _announce)


@cli.command("schema")
def print_whole_schema() -> None:
    """Print the whole GraphQL schema."""
    typer.echo(print_schema(schema.load()))


def _announce(url: str) -> None:
    addresses = {"url": url, "token_url": url + TOKEN_PATH, "graphql_url": url + GRAPHQL_PATH, "control_url": url + CONTROL_PATH}
    typer.echo(json.dumps(addresses))


if __name__ == "__main__":
    cli()
