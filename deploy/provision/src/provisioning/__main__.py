"""``python -m provisioning``: makes a cluster's topics and rights what the contracts say."""

import asyncio
import sys
from collections.abc import Collection
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from contracts import topics as contracts
from contracts.topics import Topic
from provisioning.cluster import ProvisioningError
from provisioning.granting import RightsPlan, grant, plan_rights
from provisioning.settings import ProvisioningSettings
from provisioning.topics import create_topics, plan_topics
from servicekit.configuration import load
from servicekit.settings import KafkaSettings

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(soft_wrap=True, highlight=False, markup=False)

AGREES, DIFFERS, WRONG_USAGE, AWAY = range(4)


@cli.command()
def main(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, do nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Also take away rights that the contracts do not give.")] = False,
    replicas: Annotated[int, typer.Option(help="How many brokers keep each new topic.")] = 3,
) -> None:
    """Create the topics of the contracts and the rights of their producers, consumers and operators.

    The cluster and its administrator come from the settings that every service has, KAFKA__BOOTSTRAP_SERVERS and so on. Users and their
    passwords are not made here: they are the platform's. Topics that exist and differ are reported and left alone.

    Exit status 0: the cluster is as declared; 1: it differs (what a dry run would do, and what is not changed by this command); 2: a
    setting is wrong; 3: the cluster does not answer or refuses.
    """
    settings = load(ProvisioningSettings).kafka
    topics = contracts.load()
    try:
        agrees = asyncio.run(_plan(settings, topics) if dry_run else _apply(settings, topics, prune=prune, replicas=replicas))
    except (KafkaError, ProvisioningError, OSError) as error:
        console.print(f"{settings.bootstrap_servers}: {error or type(error).__name__}", style="red")
        raise typer.Exit(AWAY) from None
    raise typer.Exit(AGREES if agrees else DIFFERS)


async def _plan(settings: KafkaSettings, topics: Collection[Topic]) -> bool:
    missing, differences = await plan_topics(settings, topics, prefix=settings.topic_prefix)
    plan = await plan_rights(settings, topics, prefix=settings.topic_prefix)
    _say("would create topic", missing)
    _say("would grant:", plan.missing)
    _say("undeclared, taken away with --prune:", _texts(plan))
    _say("differs, is left alone:", differences)
    return not (missing or plan or differences)


async def _apply(settings: KafkaSettings, topics: Collection[Topic], *, prune: bool, replicas: int) -> bool:
    missing, _ = await plan_topics(settings, topics, prefix=settings.topic_prefix)
    differences = await create_topics(settings, topics, prefix=settings.topic_prefix, replicas=replicas)
    plan = await grant(settings, topics, prefix=settings.topic_prefix, prune=prune)
    _say("created topic", missing)
    _say("granted:", plan.missing)
    _say("taken away:" if prune else "undeclared, taken away with --prune:", _texts(plan))
    _say("differs, is left alone:", differences)
    return not differences and (prune or not plan.undeclared)


def _texts(plan: RightsPlan) -> list[str]:
    return [f"{right.principal} {right.operation} {right.restype} {right.name}" for right in plan.undeclared]


def _say(what: str, items: Collection[object]) -> None:
    for item in items:
        console.print(f"{what} {item}")


if __name__ == "__main__":
    sys.exit(cli(prog_name="provisioning"))
