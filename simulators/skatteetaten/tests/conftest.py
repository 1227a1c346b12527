"""A running simulator, and grants written by hand so that every rule can be broken."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from skatteetaten_simulator.keys import RegisteredClient, new_key
from skatteetaten_simulator.maskinporten import GRANT_TYPE
from skatteetaten_simulator.scenario import Scenario
from skatteetaten_simulator.server import running
from skatteetaten_simulator.world import World

ORGANISATION = "974761076"
SCOPE = "skatteetaten:innrapporteringamelding"

Grant = Callable[..., str]
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(scope="session")
def client_key() -> RSAPrivateKey:
    return new_key()


@pytest.fixture(scope="session")
async def simulator(client_key: RSAPrivateKey) -> AsyncIterator[World]:
    clients = [
        RegisteredClient("tester", "key-1", client_key.public_key()),
        RegisteredClient("reader", "key-1", client_key.public_key(), frozenset({"other:scope"})),
    ]
    async with running(clients) as world:
        yield world


@pytest.fixture
def world(simulator: World) -> World:
    simulator.start_over(Scenario(seed=7, today=date(2026, 6, 20)))
    return simulator


@pytest.fixture(scope="session")
async def connection(simulator: World) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.addresses.base, verify=False) as connection:  # noqa: S501 - plain HTTP
        yield connection


@pytest.fixture
def http(world: World, connection: httpx.AsyncClient) -> httpx.AsyncClient:
    return connection


@pytest.fixture
def grant(world: World, client_key: RSAPrivateKey) -> Grant:
    """A sound grant, with claims changed (or, with None, left out) and another header or key on request."""

    def make(*, key: RSAPrivateKey = client_key, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(world.now().timestamp())
        sound = {
            "aud": world.addresses.issuer,
            "iss": "tester",
            "scope": SCOPE,
            "iat": now,
            "exp": now + 100,
            "jti": str(uuid4()),
            "authorization_details": [
                {
                    "type": "urn:altinn:systemuser",
                    "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": f"0192:{ORGANISATION}"},
                }
            ],
        }
        changed = {name: value for name, value in {**sound, **claims}.items() if value is not None}
        return jwt.encode(changed, key, algorithm="RS256", headers=header or {"kid": "key-1"})

    return make


@pytest.fixture
def ask(http: httpx.AsyncClient) -> Ask:
    """Sends a grant to the token endpoint."""

    async def send(assertion: str, grant_type: str = GRANT_TYPE) -> httpx.Response:
        return await http.post("/token", data={"grant_type": grant_type, "assertion": assertion})

    return send


@pytest.fixture
async def bearer(ask: Ask, grant: Grant) -> dict[str, str]:
    """Headers of a sound call for the organisation."""
    token = (await ask(grant())).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}
