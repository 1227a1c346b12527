import asyncio
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from visma_nxt import VismaClient, VismaSettings
from visma_nxt.errors import NotAuthenticated, ServerFault, Transient
from visma_nxt.settings import READ_ONLY_SCOPE

pytestmark = pytest.mark.servers

UNAUTHORIZED = b"<html><head><title>401 Authorization Required</title></head></html>"
COMPANY = 7100001


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def test_fifty_callers_one_token_request(visma: Any, settings: VismaSettings) -> None:
    async with VismaClient(settings) as client:
        calls = [asyncio.create_task(client.company_information(COMPANY + number)) for number in range(50)]
        await asyncio.gather(*calls)
    assert len(visma.asked_for("/token")) == 1
    assert {each.headers["authorization"] for each in visma.asked_for("/graphql")} == {"Bearer token-1"}
    assert len(visma.asked_for("/graphql")) == 50


async def test_a_refusal_reaches_all_callers_after_one_request(visma: Any, settings: VismaSettings) -> None:
    visma.token.extend([visma.told({"error": "invalid_client", "error_description": "s3cret"}, status=400)] * 50)
    async with VismaClient(settings) as client:
        outcomes = await asyncio.gather(*(client.company_information(COMPANY + number) for number in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {NotAuthenticated}
    assert len(visma.asked_for("/token")) == 1
    assert isinstance(outcomes[0], NotAuthenticated)
    assert outcomes[0].code == "invalid_client"
    assert "s3cret" not in str(outcomes[0])


async def test_a_cancelled_caller_leaves_the_renewal_to_the_others(visma: Any, settings: VismaSettings) -> None:
    answered = asyncio.Event()

    async def late(_: Any) -> Any:
        await answered.wait()
        return visma.told({"access_token": "late", "expires_in": 3600})

    visma.token.append(late)
    async with VismaClient(settings) as client:
        first, second = (asyncio.create_task(client.company_information(COMPANY + number)) for number in range(2))
        await visma.until(lambda: bool(visma.asked_for("/token")))
        first.cancel()
        answered.set()
        assert (await second).organisation_number == "999888777"
    assert len(visma.asked_for("/token")) == 1


async def test_asks_as_the_standard_says(visma: Any, settings: VismaSettings) -> None:
    async with VismaClient(settings) as client:
        await client.company_information(COMPANY)
    [asked] = visma.asked_for("/token")
    kind, credentials = asked.headers["authorization"].split()
    assert (kind, b64decode(credentials)) == ("Basic", b"isv_reconciler:s3cret%3Awith%2Bsigns")
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"], "scope": [READ_ONLY_SCOPE]}


async def test_names_the_tenant_when_told_to(visma: Any, configure: Any) -> None:
    async with VismaClient(configure(tenant_id="8f1c")) as client:
        await client.company_information(COMPANY)
    assert parse_qs(visma.asked_for("/token")[0].body.decode())["tenant_id"] == ["8f1c"]


async def test_renews_a_minute_or_more_before_the_end(visma: Any, settings: VismaSettings) -> None:
    clock = Clock()
    async with VismaClient(settings, clock=clock) as client:
        await client.company_information(COMPANY)
        clock.now += timedelta(seconds=3600 - 60 - 30)
        await client.company_information(COMPANY)
        kept = len(visma.asked_for("/token"))
        clock.now += timedelta(seconds=30)
        await client.company_information(COMPANY)
    assert kept <= 2  # the jitter is up to 30 seconds
    assert len(visma.asked_for("/token")) == 2


async def test_a_short_lived_token_is_used_for_half_its_life(visma: Any, settings: VismaSettings) -> None:
    clock = Clock()
    visma.token.append(visma.told({"access_token": "short", "expires_in": 10}))
    async with VismaClient(settings, clock=clock) as client:
        for _ in range(3):
            await client.company_information(COMPANY)
            clock.now += timedelta(seconds=2)
    assert len(visma.asked_for("/token")) == 1


async def test_revoked_token_costs_one_new_token_however_many_callers(visma: Any, settings: VismaSettings) -> None:
    async def unless_revoked(asked: Any) -> Any:
        revoked = asked.headers["authorization"] == "Bearer token-1"
        return visma.told(UNAUTHORIZED, status=401) if revoked else visma.information()

    visma.usual = unless_revoked
    async with VismaClient(settings) as client:
        await asyncio.gather(*(client.company_information(COMPANY + number) for number in range(20)))
    assert len(visma.asked_for("/token")) == 2
    assert len(visma.asked_for("/graphql")) == 40


async def test_a_late_401_leaves_the_new_token_alone(visma: Any, settings: VismaSettings) -> None:
    renewed = asyncio.Event()

    async def late(_: Any) -> Any:
        await renewed.wait()
        return visma.told(UNAUTHORIZED, status=401)

    visma.graphql.extend([late, visma.told(UNAUTHORIZED, status=401)])
    async with VismaClient(settings) as client:
        first = asyncio.create_task(client.company_information(COMPANY))
        await visma.until(lambda: visma.in_flight == 1 and len(visma.asked) == 2)
        await client.company_information(COMPANY + 1)
        renewed.set()
        await first
    assert len(visma.asked_for("/token")) == 2


async def test_a_second_401_is_a_refusal(visma: Any, settings: VismaSettings) -> None:
    visma.usual = visma.told(UNAUTHORIZED, status=401)
    async with VismaClient(settings) as client:
        with pytest.raises(NotAuthenticated) as caught:
            await client.company_information(COMPANY)
    assert len(visma.asked_for("/graphql")) == 2
    assert "client_secret" in caught.value.hint


async def test_a_failing_token_endpoint_is_tried_again(visma: Any, settings: VismaSettings) -> None:
    visma.token.extend([visma.told(b"<html>", status=503), visma.told(b"", status=429, retry_after="0")])
    async with VismaClient(settings) as client:
        await client.company_information(COMPANY)
    assert len(visma.asked_for("/token")) == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"access_token": "tok'),
        (200, b"<html>Maintenance</html>"),
        (200, b"{}"),
        (200, b'{"access_token": "token", "expires_in": "soon"}'),
        (200, b'{"access_token": "token", "expires_in": 1e300}'),
        (302, b""),
        (401, UNAUTHORIZED),
        (403, b"<html>Forbidden by the firewall</html>"),
        (404, b'["not found"]'),
        (500, b'{"error": "server_error"}'),
    ],
)
async def test_what_is_neither_a_token_nor_a_refusal_is_tried_again(visma: Any, configure: Any, status: int, body: bytes) -> None:
    visma.token.extend([visma.told(body, status=status)] * 3)
    async with VismaClient(configure(retry_attempts=2)) as client:
        with pytest.raises(Transient):
            await client.company_information(COMPANY)
        await client.company_information(COMPANY)
    assert len(visma.asked_for("/token")) == 4


async def test_a_token_endpoint_that_stays_away_is_transient(visma: Any, configure: Any) -> None:
    visma.token.extend([visma.told(b"<html>", status=503)] * 9)
    async with VismaClient(configure(retry_attempts=3)) as client:
        with pytest.raises(ServerFault):
            await client.company_information(COMPANY)
    assert len(visma.asked_for("/token")) == 3


async def test_no_secret_reaches_a_log_or_an_error(visma: Any, settings: VismaSettings, logs: Any) -> None:
    visma.graphql.append(visma.told(UNAUTHORIZED, status=401))
    async with VismaClient(settings) as client:
        await client.company_information(COMPANY)
        visma.token.append(visma.told({"error": "invalid_client"}, status=401))
        visma.graphql.append(visma.told(UNAUTHORIZED, status=401))
        with pytest.raises(NotAuthenticated) as caught:
            await client.company_information(COMPANY)
    everything = f"{logs} {caught.value!r} {caught.value} {settings!r} {vars(client._session._tokens)}"
    assert logs
    assert not any(secret in everything for secret in ("s3cret", "token-1", "token-2"))
