"""Several processes and one budget in PostgreSQL, against a stand-in that counts as strictly as Visma does."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from servicekit.migrations import MigrationSet, migrate
from testkit.databases import DatabaseFactory
from testkit.probe import probe
from testkit.proxy import Proxy
from visma_nxt import BudgetSettings, Lane, SharedBudget, VismaClient, VismaSettings, in_lane
from visma_nxt.budget import Held
from visma_nxt.errors import RateLimited
from visma_nxt.shared_budget import Turn
from visma_nxt.transport import Abandoned
from visma_simulator import scenario
from visma_simulator.app import CONTROL_PATH, GRAPHQL_PATH, TOKEN_PATH, build_app
from visma_simulator.limits import Limits
from visma_simulator.server import running

pytestmark = pytest.mark.long

COMPANY, OTHER_COMPANY = 7100001, 7100002
Settings = Callable[..., VismaSettings]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Five seconds make a minute, and all tokens of a client are counted together."""
    limits = Limits(requests_per_minute=60, minute_ms=5000, per_client=True)
    with running(build_app(scenario.load(lines=200, today=date(2026, 3, 31)), limits)) as url:
        yield url


@pytest.fixture
async def control(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url + CONTROL_PATH) as control:
        yield control
        await control.delete("/faults")
        await control.delete("/requests")


async def _migrated(dsn: str) -> None:
    await migrate(dsn, [MigrationSet.of_package("budget", "visma_nxt")])


@pytest.fixture
async def dsn(database: DatabaseFactory) -> str:
    return await database("visma_budget", _migrated)


@pytest.fixture
def settings(url: str, dsn: str) -> Settings:
    def settings(*, dsn: str = dsn, **changes: Any) -> VismaSettings:
        usual = {
            "token_url": url + TOKEN_PATH,
            "graphql_url": url + GRAPHQL_PATH,
            "client_id": "isv_accountflow",
            "client_secret": "simulator-secret",
            "budget": BudgetSettings(dsn=dsn),
            "requests_per_minute": 60,
            "minute": timedelta(seconds=5),
            "retry_attempts": 1,
        }
        return VismaSettings.model_validate(usual | changes)

    return settings


@asynccontextmanager
async def budgets(count: int, settings: VismaSettings) -> AsyncIterator[list[SharedBudget]]:
    """As many as there would be processes."""
    async with AsyncExitStack() as exits:
        yield [await exits.enter_async_context(SharedBudget(settings)) for _ in range(count)]


async def keep_asking(client: VismaClient, until: float) -> int:
    count = 0
    while time.monotonic() < until:
        await client.company_information(COMPANY)
        count += 1
    return count


async def refused(control: httpx.AsyncClient) -> int:
    return sum(each["refused"] for each in (await control.get("/limits")).json()["rate"])


async def test_processes_together_use_the_limit_and_meet_no_429(settings: Settings, control: httpx.AsyncClient) -> None:
    before = await refused(control)
    async with budgets(3, settings()) as shared, AsyncExitStack() as exits:
        clients = [await exits.enter_async_context(VismaClient(settings(), budget=each)) for each in shared]
        await asyncio.gather(*(client.company_information(COMPANY) for client in clients))
        began = time.monotonic()
        counts = await asyncio.gather(*(keep_asking(client, began + 7) for client in clients for _ in range(4)))
    assert await refused(control) == before
    assert sum(counts) > 0.9 * 7 / settings().rule.spacing


async def test_a_process_far_from_the_database_gets_its_part(settings: Settings, dsn: str, control: httpx.AsyncClient) -> None:
    async with Proxy(urlsplit(dsn).port or 0) as road:
        road.delay = 0.02
        far = settings(dsn=dsn.replace(f":{urlsplit(dsn).port}/", f":{road.port}/"))
        async with budgets(1, settings()) as [near], budgets(1, far) as [remote]:
            until = time.monotonic() + 4
            async with VismaClient(settings(), budget=near) as one, VismaClient(far, budget=remote) as two:
                counts = [asyncio.gather(*(keep_asking(client, until) for _ in range(4))) for client in (one, two)]
                near_count, far_count = [sum(count) for count in await asyncio.gather(*counts)]
    assert await refused(control) == 0
    assert near_count > 0
    assert far_count >= 3


async def test_interactive_requests_do_not_wait_behind_the_others(settings: Settings) -> None:
    async with budgets(2, settings()) as [busy, shared], VismaClient(settings(), budget=busy) as background:
        asking = [asyncio.create_task(keep_asking(background, time.monotonic() + 3)) for _ in range(30)]
        async with VismaClient(settings(), budget=shared) as client:
            await client.company_information(COMPANY)
            waits = []
            for _ in range(20):
                began = time.monotonic()
                with in_lane(Lane.INTERACTIVE):
                    await client.company_information(OTHER_COMPANY)
                waits.append(time.monotonic() - began)
        served = sum(await asyncio.gather(*asking))
    assert sorted(waits)[len(waits) // 2] < 0.5  # the background alone has half a second's turns waiting
    assert served > 10


async def test_work_that_is_under_way_goes_before_work_that_has_not_begun(settings: Settings) -> None:
    order: list[str] = []
    looked = asyncio.Event()

    async def begin(budget: SharedBudget) -> None:
        while True:  # who looks all the time has a turn as soon as it comes
            found = budget.in_hand() or await budget.ask(Lane.BACKGROUND, 1)
            if isinstance(found, Turn):
                order.append("new")
                return
            looked.set()
            await asyncio.sleep(0)

    async def go_on(budget: SharedBudget) -> None:
        await looked.wait()
        async with budget.passage("company 1", 5):
            order.append("under way")

    async with budgets(1, settings()) as [budget]:
        for _ in range(settings().burst + 1):
            await begin(budget)
        order.clear()
        looked.clear()
        await asyncio.gather(begin(budget), go_on(budget))
    assert order == ["under way", "new"]


async def test_what_visma_asks_of_one_process_holds_for_all(settings: Settings, control: httpx.AsyncClient) -> None:
    async with budgets(2, settings()) as shared, AsyncExitStack() as exits:
        one, two = [await exits.enter_async_context(VismaClient(settings(retry_attempts=3), budget=each)) for each in shared]
        await two.company_information(COMPANY)
        await control.post("/faults", json={"effect": "status", "status": 429, "retry_after": 1})
        await asyncio.gather(one.company_information(COMPANY), *(keep_asking(two, time.monotonic() + 2) for _ in range(3)))
        asked = (await control.get("/requests")).json()["requests"]
        [stopped] = [i for i, each in enumerate(asked) if each["status"] == 429]
        moments = [seconds_of(each["time"]) for each in asked]
        already_on_their_way = 3
        assert moments[stopped + 1 + already_on_their_way] - moments[stopped] > 0.9
        hasty = VismaClient(settings(retry_within=timedelta(seconds=1)), budget=shared[0])
        await shared[1].stop(30)
        async with hasty:
            with pytest.raises(RateLimited) as held:
                await hasty.company_information(COMPANY)
        assert held.value.retry_after == pytest.approx(30, abs=2)


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def test_together_they_have_no_more_in_progress_than_the_company_allows(settings: Settings) -> None:
    inside: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def pass_through(budget: SharedBudget, scope: str) -> None:
        async with budget.passage(scope, 30):
            inside[scope] += 1
            most[scope] = max(most[scope], inside[scope])
            await asyncio.sleep(0.1)
            inside[scope] -= 1

    async with budgets(3, settings(concurrent_requests_per_company=3, requests_per_minute=60_000)) as shared:
        crowd = [pass_through(budget, "company 1") for budget in shared for _ in range(6)]
        await asyncio.gather(*crowd, *(pass_through(budget, "company 2") for budget in shared))
    assert most["company 1"] == 3
    assert 0 < most["company 2"] <= 3


async def taken(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["scope"] for row in await connection.fetch("SELECT scope FROM budget.place WHERE taken_until > clock_timestamp()")]
    finally:
        await connection.close()


async def test_who_goes_away_from_a_request_keeps_its_place_as_long_as_visma_does(settings: Settings, dsn: str) -> None:
    short = settings(
        concurrent_requests_per_company=1, minute=timedelta(seconds=0.1), requests_per_minute=600, jitter=timedelta(seconds=0.5)
    )
    async with budgets(1, short) as [budget]:
        for error in (ValueError, Abandoned):
            with pytest.raises(error):
                async with budget.passage("company 1", 1):
                    raise error
        assert await taken(dsn) == ["company 1"]  # thirty such minutes
        with pytest.raises(Held):
            async with budget.passage("company 1", 0.2):
                pass
        async with budget.passage("company 1", 10):
            assert await taken(dsn) == ["company 1"]
        assert await taken(dsn) == []


HOLDER = """
import asyncio, sys
from visma_nxt import Lane, SharedBudget, VismaSettings

async def hold():
    async with SharedBudget(VismaSettings.model_validate_json(sys.argv[1])) as budget:
        async with budget.passage("company 1", 10):
            await budget.ask(Lane.INTERACTIVE, 20)
            print("holding", flush=True)
            await asyncio.sleep(60)

asyncio.run(hold())
"""


async def test_a_killed_process_takes_nothing_with_it_but_the_place_of_its_request(
    settings: Settings, dsn: str, control: httpx.AsyncClient
) -> None:
    await refused(control)
    plain = settings().model_dump(mode="json") | {"client_secret": "simulator-secret", "budget": {"dsn": dsn}}
    text = VismaSettings.model_validate(plain).model_dump_json().replace('"client_secret":"**********"', '"client_secret":"x"')
    text = text.replace('"dsn":"**********"', f'"dsn":"{dsn}"')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, text, stdout=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"]}
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"holding\n"
    process.kill()
    await process.wait()
    began = time.monotonic()
    async with budgets(1, settings()) as [budget], VismaClient(settings(), budget=budget) as client:
        count = sum(await asyncio.gather(*(keep_asking(client, began + 3) for _ in range(4))))
    assert count > 0.5 * 3 / settings().rule.spacing  # the turns it had are lost, a second's at most
    assert await taken(dsn) == ["company 1"]


async def test_while_the_database_is_away_work_waits_and_nothing_fails(settings: Settings, dsn: str) -> None:
    async with Proxy(urlsplit(dsn).port or 0) as proxy:
        behind = settings(dsn=dsn.replace(f":{urlsplit(dsn).port}/", f":{proxy.port}/"))
        async with budgets(1, behind) as [budget], VismaClient(behind, budget=budget) as client:
            await client.company_information(COMPANY)
            await proxy.refuse()
            asking = [asyncio.create_task(client.company_information(COMPANY)) for _ in range(5)]
            await asyncio.wait(asking, timeout=0.5)
            assert not any(task.done() for task in asking)
            await proxy.restore()
            await asyncio.wait_for(asyncio.gather(*asking), 20)
    await probe(lambda: _nobody_inside(dsn), within=5)


async def _nobody_inside(dsn: str) -> bool:
    return await taken(dsn) == []
