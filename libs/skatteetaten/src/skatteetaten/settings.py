"""Everything about Maskinporten and the A07 service that differs between environments or is not yet confirmed.

The path, method and parameters of the A07 service are not published in text form, so they stand here as settings and
nowhere else: `A07Settings.call` is the one place that turns an organisation and a month into a request.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_ORGANISATION_NUMBER = re.compile(r"[0-9]{9}")


class MaskinportenSettings(BaseModel):
    """`issuer` is written as in Maskinporten's metadata, trailing slash included: the audience must equal it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    token_url: str
    client_id: str
    key_id: str
    private_key: SecretStr | None = Field(default=None, description="RSA key as PEM text; or give private_key_file")
    private_key_file: Path | None = None
    scope: str = "skatteetaten:innrapporteringamelding"
    grant_lifetime: timedelta = Field(default=timedelta(seconds=100), gt=timedelta(0), le=timedelta(seconds=120))

    @field_validator("issuer")
    @classmethod
    def _ends_with_a_slash(cls, issuer: str) -> str:
        return issuer if issuer.endswith("/") else issuer + "/"

    @model_validator(mode="after")
    def _has_one_key(self) -> Self:
        if (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("give exactly one of private_key and private_key_file")
        return self


@dataclass(frozen=True)
class Call:
    """One request to the A07 service, ready to send."""

    method: str
    url: str
    query: dict[str, str]
    body: dict[str, str] | None


class A07Settings(BaseModel):
    """How to ask for the report of one organisation and one month.

    `path_template` and the values of `parameters` may use `{organisation_number}`, `{month}` (`2026-01`) and `{year}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str
    path_template: str = "/v1/{organisation_number}/{month}"
    method: Literal["GET", "POST"] = "GET"
    parameters: dict[str, str] = {}
    parameters_in: Literal["query", "body"] = "query"
    correlation_header: str | None = Field(default=None, description="request header for our correlation id, if any")
    keep_personal_data: bool = Field(default=False, description="keep the recipients (inntektsmottaker) in `raw`")

    @field_validator("path_template")
    @classmethod
    def _is_fillable(cls, template: str) -> str:
        if _filled(template, "974761076", "2026-01") == template:
            raise ValueError("must use {organisation_number}, {month} or {year}")
        return template

    @field_validator("parameters")
    @classmethod
    def _are_fillable(cls, parameters: dict[str, str]) -> dict[str, str]:
        for template in parameters.values():
            _filled(template, "974761076", "2026-01")
        return parameters

    def call(self, organisation_number: str, month: str) -> Call:
        """The request for one month. Raises ValueError when the number or the month is not written as one."""
        if not _ORGANISATION_NUMBER.fullmatch(organisation_number):
            raise ValueError(f"not an organisation number of nine digits: {organisation_number!r}")
        if not _MONTH.fullmatch(month):
            raise ValueError(f"not a month written YYYY-MM: {month!r}")
        parameters = {name: _filled(text, organisation_number, month) for name, text in self.parameters.items()}
        return Call(
            method=self.method,
            url=self.base_url.rstrip("/") + _filled(self.path_template, organisation_number, month),
            query=parameters if self.parameters_in == "query" else {},
            body=parameters if self.parameters_in == "body" else None,
        )


class RetrySettings(BaseModel):
    """How long a call keeps trying by itself.

    After `total` no new attempt is planned, so a call ends within `total` + `longest_wait` + one request's timeout.
    A `Retry-After` that reaches past `total` is not waited for: the error is raised with it, the caller decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=6, ge=1)
    total: timedelta = timedelta(seconds=60)
    first_wait: timedelta = timedelta(milliseconds=200)
    longest_wait: timedelta = timedelta(seconds=10)


class SkatteetatenSettings(BaseModel):
    """Nested into a service's settings; environment variables then read like `SKATTEETATEN__A07__BASE_URL`.

    Durations are written in ISO 8601 there (`PT90S`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    maskinporten: MaskinportenSettings
    a07: A07Settings
    retry: RetrySettings = RetrySettings()
    connect_timeout: timedelta = timedelta(seconds=5)
    request_timeout: timedelta = Field(default=timedelta(seconds=60), description="one request, from start to last byte")
    max_connections: int = Field(default=8, ge=1)


def _filled(template: str, organisation_number: str, month: str) -> str:
    try:
        return template.format(organisation_number=organisation_number, month=month, year=month[:4])
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"unknown placeholder in {template!r}") from error
