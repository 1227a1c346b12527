import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from servicekit.redaction import redact, redact_text

S3CRET = "s3cr3t-V4lue"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"cannot reach postgresql://org:{S3CRET}@db:5432/org now",
        f"postgresql://org:p@{S3CRET}@db/org",
        f"dsn postgresql:///org?host=/run/pg&user=org&password={S3CRET}",
        f"host=db password={S3CRET} user=org",
        f"password='{S3CRET} {S3CRET}' user=org",
        f"Authorization: Bearer {S3CRET}",
        f"authorization: Basic {S3CRET}",
        f"{{'Authorization': 'Basic {S3CRET}'}}",
        f"Bearer {S3CRET}",
        f"grant_type=client_credentials&client_secret={S3CRET}&scope=x",
        f'{{"access_token": "{S3CRET}", "expires_in": 3600}}',
        f"Settings(sasl_password='{S3CRET}')",
        f"assertion={S3CRET}",
        f"-----BEGIN PRIVATE KEY-----\n{S3CRET}\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{S3CRET} cut off",
    ],
)
def test_credentials_in_text_disappear(text):
    assert S3CRET not in redact_text(text)


def test_web_token_disappears():
    assert redact_text(f"got {JWT}!") == "got ***!"


def test_what_surrounds_a_credential_stays():
    text = f"connecting to postgresql://org:{S3CRET}@db:5432/org failed: refused"
    assert redact_text(text) == "connecting to postgresql://org:***@db:5432/org failed: refused"


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8080/readyz answered 503",
        "topic company-events, partition 3, offset 1200",
        "Årsregnskap for Bjørnøya AS: 12 345,67",
        "key=company-7 value=null",
    ],
)
def test_ordinary_text_is_untouched(text):
    assert redact_text(text) == text


@pytest.mark.parametrize("name", ["password", "sasl_password", "clientSecret", "X-Api-Key", "refresh_token", "Set-Cookie"])
@pytest.mark.parametrize("value", [S3CRET, [S3CRET], {"x": S3CRET}, 4711, S3CRET.encode()])
def test_value_with_a_secret_name_is_hidden_whole(name, value):
    assert redact({"outer": [{name: value}]}) == {"outer": [{name: "***"}]}


def test_absent_secret_is_told_from_a_hidden_one():
    assert redact({"password": None, "has_token": True}) == {"password": None, "has_token": True}


@dataclass
class Login:
    user: str
    password: str


def test_objects_become_text_first():
    assert redact(Login("org", S3CRET)) == "Login(user='org', password=***)"
    assert redact(SecretStr(S3CRET)) == "**********"
    assert redact(b"\xff password=" + S3CRET.encode()) == "\\xff password=***"


def test_plain_values_keep_their_type():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert redact({"rows": 3, "share": 0.5, "at": now, 7: "x"}) == {"rows": 3, "share": 0.5, "at": now, "7": "x"}


def test_what_the_json_renderer_cannot_write_becomes_text():
    assert redact([2**80, "\udcff"]) == [str(2**80), "\\udcff"]


def test_a_loop_ends():
    ring: list[object] = []
    ring.append(ring)
    assert "…" in json.dumps(redact(ring), ensure_ascii=False)


@given(st.text(alphabet="abcXYZ019._~+/=-", min_size=6, max_size=40), st.text(max_size=30))
def test_no_bearer_token_survives(token, around):
    secret = f"Zq{token}"
    assert secret not in redact_text(f"{around} Bearer {secret}")
