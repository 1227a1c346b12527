"""The simulator as an ASGI application."""

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from visma_simulator.control import Control
from visma_simulator.endpoints import Endpoints
from visma_simulator.limits import Limits
from visma_simulator.scenario import Scenario

TOKEN_PATH, GRAPHQL_PATH, CONTROL_PATH = "/connect/token", "/api/graphql-service", "/_control"


def build_app(
    scenario: Scenario, limits: Limits | None = None, *, now: Callable[[], float] = time.time, token_lifetime: int = 3600
) -> Starlette:
    """The whole simulator. `now` gives seconds since 1970, `token_lifetime` is in seconds."""
    endpoints = Endpoints(scenario, limits or Limits(), now, token_lifetime)
    return Starlette(
        routes=[
            Route(TOKEN_PATH, endpoints.token, methods=["POST"]),
            Route(GRAPHQL_PATH, endpoints.graphql, methods=["POST"]),
            Mount(CONTROL_PATH, routes=Control(endpoints).routes()),
        ]
    )
