"""Every command, by noun."""

import typer

from opsctl import attest, dlq, doctor, gaps, groups, keys, parked, pause, plan, proof, show, status, tail, topics, why

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
cli.command("status")(status.command)
cli.command("doctor")(doctor.command)
cli.command("gaps")(gaps.command)
cli.command("close-gap")(gaps.close_command)
cli.command("proof")(proof.command)
cli.command("attest")(attest.command)
cli.command("pause")(pause.pause_command)
cli.command("resume")(pause.resume_command)

park = typer.Typer(no_args_is_help=True, help="Keys that cannot go on.")
park.command("list")(parked.command)
cli.add_typer(park, name="park")

letters = typer.Typer(no_args_is_help=True, help="Dead letters: what services could not read or handle.")
letters.command("list")(dlq.list_command)
letters.command("show")(dlq.show_command)
letters.command("diff")(dlq.diff_command)
cli.add_typer(letters, name="dlq")
letters.command("redrive")(plan.redrive_command)
letters.command("discard")(plan.discard_command)

replay = typer.Typer(no_args_is_help=True, help="Run messages through a service's live handlers once more.")
replay.command("plan")(plan.replay_command)
replay.command("apply")(plan.apply_command)
replay.command("status")(plan.status_command)
replay.command("undo-plan")(plan.withdraw_command)
cli.add_typer(replay, name="replay")

cli.command("apply")(plan.apply_command)
cli.command("plan")(plan.status_command)
cli.command("withdraw")(plan.withdraw_command)
cli.command("journal")(plan.journal_command)
cli.command("prove-replay")(plan.prove_command)
