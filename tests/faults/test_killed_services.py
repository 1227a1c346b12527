"""Each service killed with SIGKILL in the middle of the walk: the end state equals that of an undisturbed run."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from contracts.company import AddVismaCompany
from contracts.message import Message
from contracts.org import RegisterVismaCustomerIds, VismaIdsRegistered
from contracts.sync import DataSet, SyncProgressed

from .. import endstate
from ..conftest import System, Systems

EndState = tuple[dict[str, list[Any]], dict[str, list[str]]]


def _ledger_lines_are_landing(message: Message) -> bool:
    return isinstance(message, SyncProgressed) and message.data_set is DataSet.LEDGER_LINES and message.rows > 0


MOMENTS: dict[str, Callable[[Message], bool]] = {
    "org-service": lambda message: isinstance(message, RegisterVismaCustomerIds),
    "company-service": lambda message: isinstance(message, AddVismaCompany),
    "visma-connector": lambda message: isinstance(message, VismaIdsRegistered),
    "sync-worker": _ledger_lines_are_landing,
}


@pytest.fixture(scope="module")
async def undisturbed(systems: Systems) -> EndState:
    async with systems() as system:
        return await walked(system)


@pytest.mark.parametrize("victim", MOMENTS)
async def test_a_killed_service_changes_nothing_in_the_end(systems: Systems, undisturbed: EndState, victim: str) -> None:
    async with AsyncExitStack() as exits:
        system = await exits.enter_async_context(systems())
        kills = 0

        def on_message(message: Message) -> None:
            nonlocal kills
            if kills < 2 and MOMENTS[victim](message):
                kills += 1
                system.kill(victim)

        system.gateway.on_message = on_message
        tables, streams = await walked(system)
        assert kills
        assert system.stack.restarts(victim) >= 1
    expected_tables, expected_streams = undisturbed
    assert {name: len(rows) for name, rows in tables.items()} == {name: len(rows) for name, rows in expected_tables.items()}
    assert tables == expected_tables
    assert streams == expected_streams


async def walked(system: System) -> EndState:
    walk = system.walk()
    await walk.register()
    listed = await walk.drop_down()
    await walk.add_companies(listed)
    await system.gateway.until(lambda screens: set(walk.companies) <= set(screens.completed), "completion", within=100)
    assert system.gateway.screens.attention == []
    return await endstate.tables(dict(system.stack.databases)), endstate.streams(system.gateway)
