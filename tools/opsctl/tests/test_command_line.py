"""What a script can rely on: exit statuses, JSON, nothing secret, a clean end by Ctrl-C or a closed pipe."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from local_stack.ports import free_port
from opsctl.cli import cli
from testkit.patience import patient

from .conftest import Installation

pytestmark = pytest.mark.background


def leaves(group: TyperGroup, *words: str) -> Iterator[tuple[str, TyperCommand]]:
    """The commands that do something, each by the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from leaves(command, *words, name)
        else:
            assert isinstance(command, TyperCommand)
            yield " ".join((*words, name)), command


def test_every_command_answers_as_json() -> None:
    whole = get_command(cli)
    assert isinstance(whole, TyperGroup)
    commands = dict(leaves(whole))
    assert commands.keys() >= {"doctor", "dlq redrive", "replay plan"}
    assert [words for words, command in commands.items() if not any("--json" in parameter.opts for parameter in command.params)] == []


async def test_wrong_usage_and_wrong_settings_end_with_2(installation: Installation) -> None:
    assert (await installation.opsctl("no-such-command")).status == 2
    assert (await installation.opsctl("tail", "org-events", "--from", "yesterdayish")).status == 2
    assert (await installation.opsctl("tail", "org-events", "--from", "1h", "--offset", "3")).status == 2
    wrong = await installation.opsctl("topics", OPSCTL__SERVICES__ORG_SERVICE__POSTGRES__DSN="mysql://user:hunter2@nowhere")
    assert wrong.status == 2
    assert "hunter2" not in wrong.out + wrong.err


async def test_what_is_not_there_is_refused_with_1(installation: Installation) -> None:
    answer = await installation.opsctl("tail", "org-event")
    assert answer.status == 1
    assert "there is no topic org-event" in answer.err
    assert (await installation.opsctl("show", "org-events/0/99999999")).status == 1


async def test_a_server_that_is_away_ends_with_3_and_is_named_without_its_password(installation: Installation) -> None:
    port = free_port()
    kafka = await installation.opsctl("topics", OPSCTL__KAFKA__BOOTSTRAP_SERVERS=f"127.0.0.1:{port}")
    assert kafka.status == 3
    assert f"Kafka at 127.0.0.1:{port} does not answer" in kafka.err
    dsn = f"postgresql://operator:hunter2@127.0.0.1:{port}/org_service"
    postgres = await installation.opsctl("key", "org-events", "x", OPSCTL__SERVICES__ORG_SERVICE__POSTGRES__DSN=dsn)
    assert postgres.status == 3
    assert f"PostgreSQL of org-service at 127.0.0.1:{port}/org_service does not answer" in postgres.err
    assert "hunter2" not in postgres.out + postgres.err


@pytest.fixture
def ctrl_c_counts() -> Iterator[None]:
    """A script tells what it runs in the background to ignore Ctrl-C, and that goes on to all children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_counts")
async def test_following_ends_by_ctrl_c_with_130_and_by_a_closed_pipe_with_0(installation: Installation) -> None:
    organization = await installation.found_organization()
    following = await _start(installation, "tail", "org-events", "--follow", "--json", "--organization", str(organization))
    assert following.stdout is not None
    try:
        async with asyncio.timeout(patient(30)):
            assert b"OrganizationRegistered" in await following.stdout.readline()
            following.send_signal(signal.SIGINT)
            _, err = await following.communicate()
    finally:
        if following.returncode is None:
            following.kill()
    assert (following.returncode, err) == (130, b"")
    into_head = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m opsctl tail org-events -n 500 --data | head -n 1; exit ${{PIPESTATUS[0]}}",
        executable="/bin/bash",
        env={**os.environ, **installation.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await into_head.communicate()
    assert (into_head.returncode, err, out.count(b"\n")) == (0, b"", 1)


async def test_text_in_messages_cannot_command_the_terminal(installation: Installation) -> None:
    await installation.produce("org-service-dlq", (b"\x1b[2J[red]", b'"\x1b]0;owned\x07"', []))
    answer = await installation.opsctl("tail", "org-service-dlq", "--data")
    assert "\x1b" not in answer.out
    assert "\\x1b[2J[red]" in answer.out


async def test_completion_knows_topics_and_types(installation: Installation) -> None:
    completing = {"_OPSCTL_COMPLETE": "complete_bash", "COMP_WORDS": "opsctl tail company-", "COMP_CWORD": "2"}
    process = await _start(installation, **completing)
    out, _ = await process.communicate()
    assert set(out.decode().split()) >= {"company-events", "company-commands"}


async def _start(installation: Installation, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "opsctl", *arguments),
        env={**os.environ, **installation.environment, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
