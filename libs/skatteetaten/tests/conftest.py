"""The client against the simulator over real HTTP."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import SecretStr

from skatteetaten import A07Client, A07Settings, MaskinportenSettings, RetrySettings, SkatteetatenSettings
from skatteetaten_simulator.keys import RegisteredClient, new_key, pem
from skatteetaten_simulator.scenario import Scenario
from skatteetaten_simulator.server import running
from skatteetaten_simulator.world import World

CLIENT_ID = "accountflow-test"
KEY_ID = "key-1"


@pytest.fixture(scope="session")
def client_key() -> RSAPrivateKey:
    return new_key()


class Clock:
    """The time of client and simulator alike; it moves only when a test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 6, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


@pytest.fixture(scope="session")
async def simulator(client_key: RSAPrivateKey) -> AsyncIterator[World]:
    client = RegisteredClient(CLIENT_ID, KEY_ID, client_key.public_key())
    async with running([client], now=Clock()) as world:
        yield world


@pytest.fixture
def clock(simulator: World) -> Clock:
    simulator.now = clock = Clock()
    return clock


@pytest.fixture
def world(simulator: World, clock: Clock) -> World:
    """The simulator as if it had just been started."""
    simulator.start_over(Scenario(seed=7))
    return simulator


@pytest.fixture
def settings(world: World, client_key: RSAPrivateKey) -> SkatteetatenSettings:
    return SkatteetatenSettings(
        maskinporten=MaskinportenSettings(
            issuer=world.addresses.issuer,
            token_url=world.addresses.token_url,
            client_id=CLIENT_ID,
            key_id=KEY_ID,
            private_key=SecretStr(pem(client_key).decode()),
        ),
        a07=A07Settings(base_url=world.addresses.a07_base_url),
        retry=RetrySettings(attempts=4, total=timedelta(seconds=10), first_wait=timedelta(milliseconds=10)),
        request_timeout=timedelta(seconds=5),
    )


@pytest.fixture
async def client(settings: SkatteetatenSettings, clock: Clock) -> AsyncIterator[A07Client]:
    async with A07Client(settings, now=clock) as client:
        yield client


@pytest.fixture
def changed(settings: SkatteetatenSettings) -> Callable[..., SkatteetatenSettings]:
    """The settings with other values in one group: `changed("maskinporten", scope="x")`."""

    def change(group: str, **values: Any) -> SkatteetatenSettings:
        return settings.model_copy(update={group: getattr(settings, group).model_copy(update=values)})

    return change
