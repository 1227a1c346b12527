"""A simulator on a real port, and a small client that speaks to it as any client would."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from visma_simulator import scenario, server
from visma_simulator.app import CONTROL_PATH, GRAPHQL_PATH, TOKEN_PATH, build_app
from visma_simulator.limits import Limits
from visma_simulator.scenario import READ_ONLY, Scenario

TODAY = date(2026, 5, 17)


class Visma:
    """A client with a token of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=30)
        self.token = self.new_token()

    def close(self) -> None:
        self.http.close()

    def new_token(self) -> str:
        form = {"grant_type": "client_credentials", "scope": READ_ONLY}
        answer = self.http.post(TOKEN_PATH, data=form, auth=("isv_accountflow", "simulator-secret"))
        return str(answer.json()["access_token"])

    def post(self, query: str, *, timeout: float = 30, **variables: Any) -> httpx.Response:
        return self.http.post(
            GRAPHQL_PATH, json={"query": query, "variables": variables}, headers={"Authorization": f"Bearer {self.token}"}, timeout=timeout
        )

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, amounts as Decimal."""
        return dict(json.loads(self.post(query, **variables).text, parse_float=Decimal))

    def table(self, field: str, columns: str, arguments: str = "", *, company: int = 7100001, **variables: Any) -> list[dict[str, Any]]:
        """The items of one table; `arguments` are written as in the document."""
        answer = self.ask(
            f"{{useCompany(no:{company}){{{field}{f'({arguments})' if arguments else ''}{{items{{{columns}}}}}}}}}", **variables
        )
        assert "errors" not in answer, answer["errors"]
        return list(answer["data"]["useCompany"][field]["items"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, CONTROL_PATH + path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_779_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="session")
def demo() -> Scenario:
    return scenario.load(today=TODAY, lines=6000)


@pytest.fixture(scope="session")
def _shared(demo: Scenario) -> Iterator[Visma]:
    with server.running(build_app(demo)) as url, closing(Visma(url)) as visma:
        yield visma


@pytest.fixture
def visma(_shared: Visma) -> Iterator[Visma]:
    """The simulator that tests share; faults and limits are put back afterwards."""
    yield _shared
    _shared.control("DELETE", "/faults")
    _shared.control("DELETE", "/requests")
    _shared.token = _shared.new_token()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own_visma(demo: Scenario, clock: Clock) -> Iterator[Callable[..., Visma]]:
    """Starts a simulator of the test's own, with limits and a clock it can turn."""
    with ExitStack() as stack:

        def start(**limits: int) -> Visma:
            url = stack.enter_context(server.running(build_app(demo, Limits(**limits), now=clock)))
            return stack.enter_context(closing(Visma(url)))

        yield start
