"""Tokens from Maskinporten that act as the system user of one organisation.

A grant is signed by hand: it may live 120 seconds at most, is used once, and may hold no claim that Maskinporten does
not know. Tokens live about two minutes, are shared among all callers and renewed 10 to 15 seconds before they end. Any
number of callers that need the same new token wait for one request, and share its failure too.
"""

import asyncio
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from skatteetaten import refusals
from skatteetaten.errors import ConfigurationError, SkatteetatenError, TransientError
from skatteetaten.http import Http
from skatteetaten.settings import MaskinportenSettings

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
NEW_GRANT_HELPS = {"MP-012", "MP-130"}

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class TokenKey:
    """What a token is for: one organisation's system user, seen through one client and scope."""

    client_id: str
    scope: str
    organisation_number: str
    external_ref: str | None


@dataclass(frozen=True)
class Token:
    value: str
    renew_at: datetime

    def __repr__(self) -> str:
        return f"Token(renew_at={self.renew_at.isoformat()})"


class MaskinportenTokens:
    """`now` is wall-clock time on purpose: it must agree with Maskinporten's, and goes on while a machine sleeps."""

    def __init__(self, settings: MaskinportenSettings, http: Http, *, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._http = http
        self._now = now
        self._private_key = _private_key(settings)
        self._tokens: dict[TokenKey, Token] = {}
        self._renewals: dict[TokenKey, asyncio.Task[Token]] = {}

    async def token(self, organisation_number: str, *, external_ref: str | None = None, refused: str | None = None) -> str:
        """A bearer token for the organisation's system user; valid for at least the next seconds.

        `external_ref` is needed when one was set as the system user was requested. `refused` is a token the service did
        not accept: it is never handed out again. Raises one of `skatteetaten.errors`; a `TransientError` is not retried
        here but by the caller, so that waiting has one owner.
        """
        key = TokenKey(self._settings.client_id, self._settings.scope, organisation_number, external_ref)
        held = self._tokens.get(key)
        if held and held.value != refused and self._now() < held.renew_at:
            return held.value
        renewal = self._renewals.get(key)
        if renewal is None:
            renewal = self._renewals[key] = asyncio.create_task(self._renew(key))
            renewal.add_done_callback(lambda done: self._forget(key, done))
        # Shielded: a caller that gives up must not take the token away from the others.
        return (await asyncio.shield(renewal)).value

    async def aclose(self) -> None:
        """Ends renewals that nobody waits for any more."""
        running = list(self._renewals.values())
        for renewal in running:
            renewal.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _forget(self, key: TokenKey, done: asyncio.Task[Token]) -> None:
        self._renewals.pop(key, None)
        if not done.cancelled():
            done.exception()  # marks it as seen: all callers may have given up by now

    async def _renew(self, key: TokenKey) -> Token:
        try:
            token = await self._request(key)
        except SkatteetatenError as error:
            if error.code not in NEW_GRANT_HELPS:
                raise
            log.warning("maskinporten.grant_repeated", code=error.code, organisation_number=key.organisation_number)
            token = await self._request(key)
        self._tokens[key] = token
        return token

    async def _request(self, key: TokenKey) -> Token:
        asked_at = self._now()
        answer = await self._http.send(
            "POST",
            self._settings.token_url,
            headers={"Accept": "application/json"},
            form={"grant_type": GRANT_TYPE, "assertion": self._grant(key, asked_at)},
        )
        if answer.status != 200:
            raise refusals.of_maskinporten(answer, self._now())
        try:
            fields = json.loads(answer.body)
            value, lifetime = str(fields["access_token"]), float(fields["expires_in"])
        except (ValueError, KeyError, TypeError) as error:
            raise TransientError("Maskinporten's token answer cannot be read", code="unreadable", status=200) from error
        # The spread keeps replicas from renewing together; half of a very short life is better than no sharing at all.
        lead = min(random.uniform(10, 15), lifetime / 2)  # noqa: S311
        log.info("maskinporten.token_received", organisation_number=key.organisation_number, expires_in=lifetime)
        return Token(value, asked_at + timedelta(seconds=lifetime - lead))

    def _grant(self, key: TokenKey, now: datetime) -> str:
        issued = int(now.timestamp())
        system_user: dict[str, Any] = {
            "type": "urn:altinn:systemuser",
            "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": f"0192:{key.organisation_number}"},
        }
        if key.external_ref is not None:
            system_user["externalRef"] = key.external_ref
        claims = {
            "aud": self._settings.issuer,
            "iss": key.client_id,
            "scope": key.scope,
            "iat": issued,
            "exp": issued + int(self._settings.grant_lifetime.total_seconds()),
            "jti": str(uuid.uuid4()),
            "authorization_details": [system_user],
        }
        return jwt.encode(claims, self._private_key, algorithm="RS256", headers={"kid": self._settings.key_id})


def _private_key(settings: MaskinportenSettings) -> RSAPrivateKey:
    """Loaded once, so that a wrong key is seen at start-up. The cause is cut off: it could quote the key."""
    try:
        if settings.private_key is not None:
            pem = settings.private_key.get_secret_value().encode()
        else:
            pem = cast("Any", settings.private_key_file).read_bytes()
        key = load_pem_private_key(pem, password=None)
    except OSError as error:
        raise ConfigurationError(f"the private key cannot be read: {error.strerror}", code="private-key") from None
    except (ValueError, TypeError):
        raise ConfigurationError("the private key is not an unencrypted PEM key", code="private-key") from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError("the private key is not an RSA key", code="private-key")
    return key
