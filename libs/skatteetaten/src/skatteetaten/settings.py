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

    issuer: str = Field(description="Maskinporten's issuer as its metadata states it", examples=["https://test.maskinporten.no/"])
    token_url: str = Field(description="where grants are exchanged for tokens", examples=["https://test.maskinporten.no/token"])
    client_id: str = Field(description="our client in Maskinporten", examples=["accountflow-local"])
    key_id: str = Field(description="id of the key that is registered on the client", examples=["local-1"])
    private_key: SecretStr | None = Field(default=None, description="RSA key as PEM text; or give private_key_file")
    private_key_file: Path | None = Field(default=None, description="PEM file of the RSA key; or give private_key")
    scope: str = Field(default="skatteetaten:innrapporteringamelding", description="scope to ask for")
    grant_lifetime: timedelta = Field(
        default=timedelta(seconds=100),
        gt=timedelta(0),
        le=timedelta(seconds=120),
        description="validity of a grant; Maskinporten allows 120 s",
    )

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
    template: str
    """The address before it was filled in: the one that may be shown."""


class A07Settings(BaseModel):
    """How to ask for the report of one organisation and one month.

    `path_template` and the values of `parameters` may use `{organisation_number}`, `{month}` (`2026-01`) and `{year}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(description="address of the A07 service", examples=["http://127.0.0.1:8081"])
    path_template: str = Field(default="/v1/{organisation_number}/{month}", description="path of one month's report")
    method: Literal["GET", "POST"] = Field(default="GET", description="HTTP method")
    parameters: dict[str, str] = Field(default={}, description="further parameters, as JSON; values may use the path's placeholders")
    parameters_in: Literal["query", "body"] = Field(default="query", description="where the parameters go")
    correlation_header: str | None = Field(default=None, description="request header for our correlation id, if any")
    employee_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="secret that pseudonyms of employees are made with; without it amounts per employee are left out",
    )

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
            template=self.base_url.rstrip("/") + self.path_template,
        )


class RetrySettings(BaseModel):
    """How long a call keeps trying by itself.

    After `total` no new attempt is planned, so a call ends within `total` + `longest_wait` + one request's timeout.
    A `Retry-After` that reaches past `total` is not waited for: the error is raised with it, the caller decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=6, ge=1, description="attempts at one call")
    total: timedelta = Field(default=timedelta(seconds=60), description="no new attempt after this time")
    first_wait: timedelta = Field(default=timedelta(milliseconds=200), description="pause before the second attempt; it doubles")
    longest_wait: timedelta = Field(default=timedelta(seconds=10), description="longest pause between two attempts")


class SkatteetatenSettings(BaseModel):
    """Nested into a service's settings; environment variables then read like `SKATTEETATEN__A07__BASE_URL`.

    Durations are written in ISO 8601 there (`PT90S`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    maskinporten: MaskinportenSettings
    a07: A07Settings
    retry: RetrySettings = RetrySettings()
    connect_timeout: timedelta = Field(default=timedelta(seconds=5), description="time to connect")
    request_timeout: timedelta = Field(default=timedelta(seconds=60), description="one request, from start to last byte")
    max_connections: int = Field(default=8, ge=1, description="connections open at most")


def _filled(template: str, organisation_number: str, month: str) -> str:
    try:
        return template.format(organisation_number=organisation_number, month=month, year=month[:4])
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"unknown placeholder in {template!r}") from error
