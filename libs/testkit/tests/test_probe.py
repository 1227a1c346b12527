import asyncio

import pytest

from testkit import probe
from testkit.patience import patient


async def test_returns_the_first_true_value() -> None:
    values = iter([0, None, "", "there"])
    assert await probe(lambda: next(values), within=5, every=0.001) == "there"


async def test_says_what_it_saw_last() -> None:
    with pytest.raises(pytest.fail.Exception, match=rf"not so within {patient(0.05):g} s; seen last: \[\]"):
        await probe(list, within=0.05, every=0.01)


async def test_a_failed_assertion_counts_as_not_yet_and_is_shown() -> None:
    async def never() -> bool:
        raise AssertionError("three of four")

    with pytest.raises(pytest.fail.Exception, match="three of four"):
        await probe(never, within=0.05, every=0.01)


async def test_a_call_that_hangs_is_cancelled_at_the_deadline() -> None:
    with pytest.raises(pytest.fail.Exception, match="the first call did not return"):
        await asyncio.wait_for(probe(asyncio.Event().wait, within=0.05), 5)


async def test_a_mistake_in_the_condition_is_not_waited_out() -> None:
    with pytest.raises(ZeroDivisionError):
        await probe(lambda: 1 // 0, within=60)


def test_who_shares_the_processors_waits_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    assert patient(5) == 20
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    assert patient(5) == 5
