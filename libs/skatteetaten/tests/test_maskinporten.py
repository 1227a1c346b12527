"""Grants and tokens, against the simulator's Maskinporten."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import SecretStr

from skatteetaten import ConfigurationError, MaskinportenTokens, NeedsConsentError, SkatteetatenSettings, TransientError
from skatteetaten.http import Http
from skatteetaten_simulator.faults import Delay, Fault, Status
from skatteetaten_simulator.keys import pem
from skatteetaten_simulator.world import World

pytestmark = pytest.mark.servers

ORGANISATION = "974761076"
OTHER = "991825827"


class Clock(Protocol):
    time: datetime

    def __call__(self) -> datetime: ...
    def advance(self, **by: float) -> None: ...


@pytest.fixture
async def http(settings: SkatteetatenSettings) -> AsyncIterator[Http]:
    async with Http(settings) as http:
        yield http


@pytest.fixture
async def tokens(settings: SkatteetatenSettings, http: Http, clock: Clock) -> AsyncIterator[MaskinportenTokens]:
    tokens = MaskinportenTokens(settings.maskinporten, http, now=clock)
    yield tokens
    await tokens.aclose()


def grants(world: World) -> list[dict[str, Any]]:
    return [entry.claims or {} for entry in world.journal.entries("token")]


def refusal(mp_id: str) -> Status:
    return Status(status=400, body={"error": "invalid_grant", "error_description": f"{mp_id}: no"})


async def test_the_claims_of_a_grant(tokens: MaskinportenTokens, world: World, clock: Clock) -> None:
    await tokens.token(ORGANISATION)
    [claims] = grants(world)
    jti = claims.pop("jti")
    assert len(jti) == 36
    assert claims == {
        "aud": world.addresses.issuer,
        "iss": "accountflow-test",
        "scope": "skatteetaten:innrapporteringamelding",
        "iat": int(clock.time.timestamp()),
        "exp": int(clock.time.timestamp()) + 100,
        "authorization_details": [
            {"type": "urn:altinn:systemuser", "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": f"0192:{ORGANISATION}"}}
        ],
    }
    assert claims["aud"].endswith("/")


async def test_the_external_reference_goes_along_and_keys_the_token(tokens: MaskinportenTokens, world: World) -> None:
    with pytest.raises(NeedsConsentError):
        await tokens.token(ORGANISATION, external_ref="client-7")
    world.system_users.grant(ORGANISATION, "client-7")
    await tokens.token(ORGANISATION, external_ref="client-7")
    assert grants(world)[-1]["authorization_details"][0]["externalRef"] == "client-7"
    with pytest.raises(NeedsConsentError):
        await tokens.token(ORGANISATION)


async def test_each_grant_is_new(tokens: MaskinportenTokens, world: World, clock: Clock) -> None:
    for _ in range(3):
        await tokens.token(ORGANISATION)
        clock.advance(seconds=119)
    assert len({claims["jti"] for claims in grants(world)}) == 3


async def test_a_token_is_shared_until_shortly_before_its_end(tokens: MaskinportenTokens, world: World, clock: Clock) -> None:
    first = await tokens.token(ORGANISATION)
    clock.advance(seconds=119 - 15.5)
    assert await tokens.token(ORGANISATION) == first
    clock.advance(seconds=5.5)
    assert await tokens.token(ORGANISATION) != first
    assert len(grants(world)) == 2


async def test_a_very_short_token_is_still_shared(settings: SkatteetatenSettings, http: Http, world: World, clock: Clock) -> None:
    answer = {"access_token": "short", "expires_in": 8, "token_type": "Bearer"}
    world.faults.add(Fault(match="token", effect=Status(status=200, body=answer)))
    tokens = MaskinportenTokens(settings.maskinporten, http, now=clock)
    assert await tokens.token(ORGANISATION) == "short"
    clock.advance(seconds=3.9)
    assert await tokens.token(ORGANISATION) == "short"
    clock.advance(seconds=0.2)
    assert await tokens.token(ORGANISATION) != "short"


async def test_each_organisation_has_its_own_token(tokens: MaskinportenTokens, world: World) -> None:
    assert await tokens.token(ORGANISATION) != await tokens.token(OTHER)
    assert [entry.organisation_number for entry in world.journal.entries("token")] == [ORGANISATION, OTHER]


async def test_fifty_callers_make_one_request(tokens: MaskinportenTokens, world: World) -> None:
    world.faults.add(Fault(match="token", effect=Delay(seconds=0.2)))
    found = await asyncio.gather(*(tokens.token(ORGANISATION) for _ in range(50)))
    assert (len(set(found)), len(grants(world))) == (1, 1)


async def test_fifty_callers_share_a_failure_and_the_next_one_tries_again(tokens: MaskinportenTokens, world: World) -> None:
    world.faults.add(Fault(match="token", effect=Status(status=503)))
    found = await asyncio.gather(*(tokens.token(ORGANISATION) for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in found} == {TransientError}
    assert len(grants(world)) == 1
    assert await tokens.token(ORGANISATION)


async def test_a_caller_that_gives_up_does_not_take_the_token_away(tokens: MaskinportenTokens, world: World) -> None:
    world.faults.add(Fault(match="token", effect=Delay(seconds=0.2)))
    impatient, patient = (asyncio.create_task(tokens.token(ORGANISATION)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient
    assert (impatient.cancelled(), len(grants(world))) == (True, 1)


async def test_closing_ends_a_renewal_nobody_waits_for(tokens: MaskinportenTokens, world: World) -> None:
    world.faults.add(Fault(match="token", effect=Delay(seconds=30)))
    caller = asyncio.create_task(tokens.token(ORGANISATION))
    await asyncio.sleep(0)
    await tokens.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_a_refused_token_is_replaced_once_for_all_callers(tokens: MaskinportenTokens, world: World) -> None:
    refused = await tokens.token(ORGANISATION)
    found = await asyncio.gather(*(tokens.token(ORGANISATION, refused=refused) for _ in range(20)))
    later = await tokens.token(ORGANISATION, refused=refused)
    assert {*found, later} == {found[0]} != {refused}
    assert len(grants(world)) == 2


@pytest.mark.parametrize("mp_id", ["MP-012", "MP-130"])
async def test_a_grant_out_of_luck_is_built_anew_once(tokens: MaskinportenTokens, world: World, mp_id: str) -> None:
    world.faults.add(Fault(match="token", effect=refusal(mp_id)))
    assert await tokens.token(ORGANISATION)
    first, second = grants(world)
    assert first["jti"] != second["jti"]


@pytest.mark.parametrize(("mp_id", "error"), [("MP-012", TransientError), ("MP-130", ConfigurationError)])
async def test_but_not_twice(tokens: MaskinportenTokens, world: World, mp_id: str, error: type[Exception]) -> None:
    world.faults.add(Fault(match="token", times=None, effect=refusal(mp_id)))
    with pytest.raises(error, match=mp_id):
        await tokens.token(ORGANISATION)
    assert len(grants(world)) == 2


async def test_wrong_clock_names_the_clock(settings: SkatteetatenSettings, http: Http, clock: Clock) -> None:
    tokens = MaskinportenTokens(settings.maskinporten, http, now=lambda: clock() - timedelta(seconds=30))
    with pytest.raises(ConfigurationError, match="MP-130") as caught:
        await tokens.token(ORGANISATION)
    assert "clock" in caught.value.hint


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"client_id": "someone-else"}, "MP-100"),
        ({"issuer": "https://maskinporten.no/"}, "MP-110"),
        ({"key_id": "forgotten"}, "MP-124"),
        ({"scope": "skatteetaten:kravogbetalinger"}, "MP-200"),
    ],
)
async def test_wrong_settings_are_told_apart(
    changed: Callable[..., SkatteetatenSettings], http: Http, clock: Clock, values: dict[str, str], code: str
) -> None:
    tokens = MaskinportenTokens(changed("maskinporten", **values).maskinporten, http, now=clock)
    with pytest.raises(ConfigurationError, match=code):
        await tokens.token(ORGANISATION)


async def test_the_key_may_come_from_a_file(
    changed: Callable[..., SkatteetatenSettings], http: Http, clock: Clock, client_key: RSAPrivateKey, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(client_key))
    settings = changed("maskinporten", private_key=None, private_key_file=path).maskinporten
    assert await MaskinportenTokens(settings, http, now=clock).token(ORGANISATION)


@pytest.mark.parametrize(
    "values", [{"private_key": SecretStr("very-secret")}, {"private_key": None, "private_key_file": Path("/nowhere/key.pem")}]
)
async def test_a_key_that_is_none_is_seen_at_start_and_not_quoted(
    changed: Callable[..., SkatteetatenSettings], http: Http, values: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        MaskinportenTokens(changed("maskinporten", **values).maskinporten, http)
    assert "very-secret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_no_log_line_or_error_holds_a_secret(tokens: MaskinportenTokens, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    token = await tokens.token(ORGANISATION)
    world.system_users.withdraw(OTHER)
    with pytest.raises(NeedsConsentError) as caught:
        await tokens.token(OTHER)
    written = "".join(capsys.readouterr()) + repr(caught.value) + repr(vars(tokens)["_tokens"])
    assert "maskinporten.token_received" in written
    assert token not in written
    assert "eyJ" not in written  # how every JWT begins


async def test_an_unreadable_token_answer_is_transient(tokens: MaskinportenTokens, world: World) -> None:
    for text in ("<html>", json.dumps({"access_token": "x"}), "[]"):
        world.faults.add(Fault(match="token", effect=Status(status=200, text=text)))
        with pytest.raises(TransientError, match="cannot be read"):
            await tokens.token(ORGANISATION)
