"""Maskinporten's side of the grant: every rule a client can break, with the id and OAuth code it is answered with.

The statuses of the refusals are ours where the documentation is silent: 400, and 403 for what is forbidden.
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import jwt
from stdnum.no import orgnr

from skatteetaten_simulator.keys import RegisteredClient
from skatteetaten_simulator.world import World

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ALGORITHMS = ("RS256", "RS384", "RS512")
SKEW = 10
LONGEST_LIFE = 120
KNOWN_CLAIMS = {"aud", "iss", "iat", "exp", "jti", "scope", "resource", "consumer_org", "iss_onbehalfof", "authorization_details"}
SYSTEM_USER = "urn:altinn:systemuser"
AUTHORITY = "iso6523-actorid-upis"
KEY_ID = "simulator"


class RefusedGrantError(Exception):
    def __init__(self, error: str, description: str, mp_id: str = "", status: int = 400) -> None:
        self.error = error
        self.mp_id = mp_id
        self.description = f"{mp_id} {description}".strip()
        self.status = status
        super().__init__(self.description)


def issue(world: World, form: dict[str, str]) -> dict[str, Any]:
    """The token answer for one grant, or RefusedGrantError."""
    if form.get("grant_type") != GRANT_TYPE:
        raise RefusedGrantError("unsupported_grant_type", "Unsupported grant_type")
    client, claims = _verified(world, form.get("assertion", ""))
    _check_times(world, claims)
    _check_unused(world, claims, form["assertion"])
    scope = _scope(client, claims)
    details = _system_user(world, claims)
    now = int(world.now().timestamp())
    lifetime = world.scenario.token_lifetime
    token = {
        "iss": world.addresses.issuer,
        "client_id": client.client_id,
        "client_amr": "private_key_jwt",
        "token_type": "Bearer",
        "scope": scope,
        "iat": now,
        "exp": now + lifetime,
        "jti": str(uuid4()),
        "consumer": {"authority": AUTHORITY, "ID": "0192:974761076"},
        **({"authorization_details": details} if details else {}),
    }
    signed = jwt.encode(token, world.signing_key, algorithm="RS256", headers={"kid": KEY_ID})
    return {"access_token": signed, "token_type": "Bearer", "expires_in": lifetime, "scope": scope}


def unverified_claims(assertion: str) -> dict[str, Any]:
    """What the grant says, for the log and for matching faults; empty when it is not a JWT."""
    try:
        return jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        return {}


def organisation_in(claims: dict[str, Any]) -> str | None:
    """The organisation whose system user the grant or token names. `ID` and `id` are both in use."""
    match claims.get("authorization_details"):
        case [{"systemuser_org": {**org}}, *_]:
            return str(org.get("ID", org.get("id", ""))).removeprefix("0192:")
    return None


def bearer_claims(world: World, authorization: str) -> dict[str, Any] | None:
    """The claims of a token this world issued and that is still valid; None for anything else."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            world.signing_key.public_key(),
            algorithms=["RS256"],
            issuer=world.addresses.issuer,
            options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
        )
    except jwt.PyJWTError:
        return None
    return claims if claims["exp"] > world.now().timestamp() else None


def _verified(world: World, assertion: str) -> tuple[RegisteredClient, dict[str, Any]]:
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise RefusedGrantError("invalid_request", "The grant is not a JWT", "MP-011") from None
    if header.get("alg") not in ALGORITHMS or ("kid" in header) == ("x5c" in header):
        raise RefusedGrantError("invalid_request", "The header needs an RS algorithm and either kid or x5c", "MP-011")
    unknown = sorted(claims.keys() - KNOWN_CLAIMS)
    if unknown:
        raise RefusedGrantError("invalid_request", f"Invalid assertion. Unknown claims: {', '.join(unknown)}")
    client = world.clients.get(str(claims.get("iss")))
    if client is None:
        raise RefusedGrantError("invalid_grant", "Unknown client", "MP-100")
    if "x5c" in header:
        raise RefusedGrantError("invalid_grant", "The certificate chain is not accepted", "MP-123")
    try:
        if header["kid"] != client.key_id:
            raise jwt.InvalidKeyError("another key")
        jwt.decode(
            assertion,
            client.public_key,
            algorithms=list(ALGORITHMS),
            options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
        )
    except jwt.PyJWTError:
        raise RefusedGrantError("invalid_grant", "The signature does not fit a registered key", "MP-124") from None
    if claims.get("aud") != world.addresses.issuer:
        raise RefusedGrantError("invalid_grant", "Wrong aud", "MP-110")
    return client, claims


def _check_times(world: World, claims: dict[str, Any]) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise RefusedGrantError("invalid_request", "iat and exp are required", "MP-011")
    now = world.now().timestamp()
    if issued > now + SKEW:
        raise RefusedGrantError("invalid_grant", "The issue time is in the future")
    if expires - issued > LONGEST_LIFE:
        raise RefusedGrantError("invalid_grant", "The grant lives longer than 120 seconds", "MP-130")
    if issued < now - SKEW or expires < now:
        raise RefusedGrantError("invalid_grant", "The grant has expired or the clocks differ", "MP-130")


def _check_unused(world: World, claims: dict[str, Any], assertion: str) -> None:
    now = world.now().timestamp()
    for mark, until in list(world.used_grants.items()):
        if until < now:
            del world.used_grants[mark]
    mark = f"{claims['iss']} {claims.get('jti') or assertion}"
    if mark in world.used_grants:
        raise RefusedGrantError("invalid_grant", "The grant has been used before", "MP-012")
    world.used_grants[mark] = claims["exp"] + SKEW


def _scope(client: RegisteredClient, claims: dict[str, Any]) -> str:
    asked = set(str(claims.get("scope", "")).split())
    if not asked or not asked <= client.scopes:
        raise RefusedGrantError("invalid_scope", "The scope is not registered on the client", "MP-200")
    return " ".join(sorted(asked))


def _system_user(world: World, claims: dict[str, Any]) -> list[dict[str, Any]]:
    details = claims.get("authorization_details")
    if details is None:
        return []
    refused = "invalid_authorization_details"
    if not isinstance(details, list) or len(details) != 1 or not isinstance(details[0], dict):
        raise RefusedGrantError(refused, "One organisation per grant", "MP-303")
    detail = details[0]
    if detail.get("type") != SYSTEM_USER:
        raise RefusedGrantError(refused, "Unknown type", "MP-301")
    if detail.keys() - {"type", "systemuser_org", "externalRef"}:
        raise RefusedGrantError(refused, "Unknown field", "MP-302")
    organisation_number = organisation_in(claims) or ""
    match detail.get("systemuser_org"):
        case {"authority": str(authority), "ID": str(number)} if authority == AUTHORITY and number == f"0192:{organisation_number}":
            pass
        case _:
            raise RefusedGrantError(refused, "Invalid systemuser_org", "MP-303")
    if not world.system_users.has(organisation_number):
        raise RefusedGrantError(refused, f"No system user for {orgnr.compact(organisation_number)}", "MP-303")
    if detail.get("externalRef") != world.system_users.external_ref(organisation_number):
        raise RefusedGrantError(refused, "No system user with this externalRef", "MP-303")
    return [
        {
            "type": SYSTEM_USER,
            "systemuser_id": [str(uuid5(NAMESPACE_URL, organisation_number))],
            "systemuser_org": {"authority": AUTHORITY, "ID": f"0192:{organisation_number}"},
            "system_id": "974761076_accountflow",
        }
    ]
