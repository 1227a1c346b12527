"""All tests share one event loop, of the kind that the services run on. A task left over by one test would work on during the next."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

GRACE = 1.0
"""Seconds for tasks that are ending by themselves, such as a connection that is being closed."""


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def no_task_left_over(request: pytest.FixtureRequest) -> None:
    """Watches the tests that use the loop; the others are spared the way through it."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("tasks_end_with_their_test")


@pytest.fixture
async def tasks_end_with_their_test(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fails the test that leaves a task running, and cancels the task.

    Tests marked `background` share something of a wider scope that starts tasks of its own, such as a proxy that takes connections.
    """
    before = asyncio.all_tasks()
    yield
    if request.node.get_closest_marker("background"):
        return
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE)
    if left:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=GRACE)
        pytest.fail("tasks left over by this test:\n" + "\n".join(f"  {task.get_name()}: {task.get_coro()}" for task in left))
