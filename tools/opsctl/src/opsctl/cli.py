"""Every command, by noun."""

import typer

from opsctl import groups, keys, show, tail, topics, why

cli = typer.Typer(
    name="opsctl",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Look at the running system, and ask its services to redrive and replay. Exit status: 0 all is well, 1 something was found or "
    "refused, 2 wrong usage, 3 a server is away.",
)
cli.command("topics")(topics.command)
cli.command("groups")(groups.command)
cli.command("lag")(groups.lag_command)
cli.command("tail")(tail.command)
cli.command("show")(show.command)
cli.command("why")(why.command)
cli.command("key")(keys.command)
