"""Visma Connect as far as service clients see it: client credentials in, a bearer token out."""

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from visma_simulator.scenario import Client

AUDIENCE = "https://business.visma.net/api/graphql-service"


@dataclass(frozen=True, slots=True)
class OAuthError(Exception):
    """An answer of the token endpoint that gives no token. The texts are ours; Visma's are not published."""

    error: str
    description: str
    status: int = 400


class Tokens:
    """Issues and checks access tokens. `now` gives seconds since 1970."""

    def __init__(self, clients: tuple[Client, ...], now: Callable[[], float], lifetime: int = 3600) -> None:
        self._clients = {client.id: client for client in clients}
        self._now, self.lifetime = now, lifetime
        self._issued: dict[str, tuple[float, str]] = {}  # when the token ends, and whose it is

    def issue(self, form: Mapping[str, str], authorization: str | None) -> dict[str, object]:
        """The token endpoint's success body. Raises OAuthError."""
        client_id, secret = _basic(authorization) if authorization else (form.get("client_id", ""), form.get("client_secret", ""))
        client = self._clients.get(client_id)
        if client is None or not secrets.compare_digest(client.secret.encode(), secret.encode()):
            raise OAuthError("invalid_client", "Client authentication failed.", 401 if authorization else 400)
        if form.get("grant_type") != "client_credentials":
            raise OAuthError("unsupported_grant_type", "The grant type is not supported.")
        scopes = form.get("scope", "").split()
        if not scopes or not set(scopes) <= set(client.scopes):
            raise OAuthError("invalid_scope", "The scope is not granted to the client.")
        token = self._token(client_id, scopes)
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer", "scope": " ".join(scopes)}

    def accepts(self, token: str) -> bool:
        return token in self._issued and self._issued[token][0] > self._now()

    def client_of(self, token: str) -> str:
        """Whom an accepted token was issued to."""
        return self._issued[token][1]

    def revoke_all(self) -> None:
        self._issued.clear()

    def _token(self, client_id: str, scopes: list[str]) -> str:
        """Shaped like the real one, an RS256 JWT; the signature is noise, since only this simulator checks tokens, by looking them up."""
        issued = int(self._now())
        claims = {"iss": "https://connect.visma.com", "aud": AUDIENCE, "nbf": issued, "iat": issued, "exp": issued + self.lifetime}
        parts = [{"alg": "RS256", "typ": "at+JWT"}, claims | {"scope": scopes, "client_id": client_id}]
        token = ".".join([*(_encoded(json.dumps(part).encode()) for part in parts), _encoded(secrets.token_bytes(64))])
        living = {known: about for known, about in self._issued.items() if about[0] > issued}
        self._issued = living | {token: (self._now() + self.lifetime, client_id)}
        return token


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name = secret = ""
    if scheme.lower() != "basic" or not name:
        raise OAuthError("invalid_client", "The Authorization header is not understood.", 401)
    return unquote_plus(name), unquote_plus(secret)


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
