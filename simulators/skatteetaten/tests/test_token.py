"""Maskinporten's rules: a sound grant gives a token, and each broken rule its own answer."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import jwt
import pytest

from skatteetaten_simulator.keys import new_key
from skatteetaten_simulator.world import World

pytestmark = pytest.mark.servers

ORGANISATION = "974761076"
Grant = Callable[..., str]
Ask = Callable[..., Awaitable[httpx.Response]]


def system_user(number: str = f"0192:{ORGANISATION}", *, type_: str = "urn:altinn:systemuser", **fields: Any) -> list[dict[str, Any]]:
    return [{"type": type_, "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": number}, **fields}]


async def refused(ask: Ask, assertion: str) -> tuple[str, str]:
    answer = await ask(assertion)
    assert answer.status_code == 400
    return answer.json()["error"], answer.json()["error_description"]


async def test_a_token_that_the_published_keys_verify(http: httpx.AsyncClient, ask: Ask, grant: Grant) -> None:
    metadata = (await http.get("/.well-known/oauth-authorization-server")).json()
    keys = (await http.get(metadata["jwks_uri"])).json()
    answer = (await ask(grant())).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 119)
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(answer["access_token"])["kid"]]
    claims = jwt.decode(answer["access_token"], key, issuer=metadata["issuer"])
    assert claims["scope"] == "skatteetaten:innrapporteringamelding"
    assert claims["authorization_details"][0]["systemuser_org"]["ID"] == f"0192:{ORGANISATION}"


async def test_metadata_names_this_server(http: httpx.AsyncClient, world: World) -> None:
    metadata = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert (metadata["issuer"], metadata["token_endpoint"]) == (f"{world.addresses.base}/", f"{world.addresses.base}/token")


@pytest.mark.parametrize(
    ("claims", "error", "description"),
    [
        ({"iss": "nobody"}, "invalid_grant", "MP-100"),
        ({"aud": "https://maskinporten.no/"}, "invalid_grant", "MP-110"),
        ({"scope": "other:scope"}, "invalid_scope", "MP-200"),
        ({"scope": None}, "invalid_scope", "MP-200"),
        ({"sub": "tester"}, "invalid_request", "Invalid assertion"),
        ({"iat": None}, "invalid_request", "MP-011"),
        ({"header": {"kid": "key-1", "x5c": ["x"]}}, "invalid_request", "MP-011"),
        ({"header": {"kid": "key-2"}}, "invalid_grant", "MP-124"),
        ({"authorization_details": system_user(type_="other")}, "invalid_authorization_details", "MP-301"),
        ({"authorization_details": system_user(color="red")}, "invalid_authorization_details", "MP-302"),
        ({"authorization_details": system_user(ORGANISATION)}, "invalid_authorization_details", "MP-303"),
        ({"authorization_details": system_user("0192:974761077")}, "invalid_authorization_details", "MP-303"),
        ({"authorization_details": system_user(externalRef="x")}, "invalid_authorization_details", "MP-303"),
        ({"authorization_details": system_user() * 2}, "invalid_authorization_details", "MP-303"),
    ],
)
async def test_a_broken_rule_is_named(ask: Ask, grant: Grant, claims: dict[str, Any], error: str, description: str) -> None:
    answered, described = await refused(ask, grant(**claims))
    assert answered == error
    assert description in described


async def test_issue_time_may_differ_by_ten_seconds(ask: Ask, grant: Grant, world: World) -> None:
    now = int(world.now().timestamp())
    for late in (-8, 8):
        assert (await ask(grant(iat=now + late, exp=now + 60))).status_code == 200
    assert (await refused(ask, grant(iat=now - 13, exp=now + 60)))[1].startswith("MP-130")
    assert "future" in (await refused(ask, grant(iat=now + 13, exp=now + 60)))[1]


async def test_a_grant_lives_two_minutes_at_most(ask: Ask, grant: Grant, world: World) -> None:
    now = int(world.now().timestamp())
    assert (await ask(grant(iat=now, exp=now + 120))).status_code == 200
    assert "120 seconds" in (await refused(ask, grant(iat=now, exp=now + 121)))[1]


async def test_a_grant_works_once(ask: Ask, grant: Grant) -> None:
    assertion = grant(jti="the-same")
    assert (await ask(assertion)).status_code == 200
    assert (await refused(ask, assertion))[1].startswith("MP-012")
    assert (await refused(ask, grant(jti="the-same", scope="skatteetaten:innrapporteringamelding")))[1].startswith("MP-012")


async def test_another_key_does_not_fit(ask: Ask, grant: Grant) -> None:
    assert (await refused(ask, grant(key=new_key())))[1].startswith("MP-124")


async def test_what_is_not_a_grant(ask: Ask, grant: Grant, http: httpx.AsyncClient) -> None:
    assert (await refused(ask, "rubbish"))[1].startswith("MP-011")
    assert (await ask(grant(), grant_type="client_credentials")).json()["error"] == "unsupported_grant_type"
    assert (await http.post("/token", json={})).json()["error"] == "unsupported_grant_type"


async def test_a_system_user_with_a_reference_needs_it(ask: Ask, grant: Grant, world: World) -> None:
    world.system_users.grant(ORGANISATION, "client-7")
    assert (await ask(grant(authorization_details=system_user(externalRef="client-7")))).status_code == 200
    assert (await refused(ask, grant()))[1].startswith("MP-303")
