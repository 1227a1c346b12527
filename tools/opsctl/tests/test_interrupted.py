"""Ctrl-C ends a command even where the client library forgets that it was cancelled."""

import asyncio
import signal

import pytest
import typer

from opsctl.command import INTERRUPTED, run
from opsctl.system import System


def test_ctrl_c_in_the_moment_in_which_an_answer_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSCTL__KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    cancelled = 0

    async def forgetful(system: System) -> None:
        nonlocal cancelled
        asyncio.get_running_loop().call_later(0.01, signal.raise_signal, signal.SIGINT)
        while cancelled < 2:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                cancelled += 1
        raise asyncio.CancelledError

    with pytest.raises(typer.Exit) as ended:
        run(forgetful)
    assert (ended.value.exit_code, cancelled) == (INTERRUPTED, 2)
