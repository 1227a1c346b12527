"""The settings every service has. A service adds its own by subclassing `ServiceSettings`.

A setting is an environment variable: the names of the groups and of the field, in capitals, joined by two underscores
(`KAFKA__BOOTSTRAP_SERVERS`). It can also be a file of that name, in small letters or capitals, in the folder that
`SECRETS_DIR` names; that is how container platforms hand over secrets. The environment wins over the file.

Every field carries a description, and one that has no default carries an example: both end up in `.env.example` and in
the error that a wrong value gives. Validators must not put the value into their message.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr, StringConstraints, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

HOST_AND_PORT = r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):\d{1,5}"


class SettingsGroup(BaseModel):
    """Settings that belong together. An unknown name in the group is an error, so a typing mistake cannot hide."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KafkaSettings(SettingsGroup):
    bootstrap_servers: Annotated[str, StringConstraints(pattern=rf"^{HOST_AND_PORT}(,{HOST_AND_PORT})*$")] = Field(
        description="Kafka brokers to ask first, as host:port separated by commas", examples=["127.0.0.1:9092"]
    )
    topic_prefix: str = Field("", description="put before every topic name, for several systems on one cluster", pattern=r"^[a-z0-9.-]*$")
    group_instance_id: str | None = Field(
        None,
        description="name of this replica that outlives restarts, such as the pod name of a stateful set; "
        "a restarted replica then takes up its partitions at once, even after a crash",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how connections to Kafka are protected"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="how the user proves who it is, when the protocol starts with SASL"
    )
    sasl_username: str | None = Field(None, description="Kafka user of this service, when the protocol starts with SASL")
    sasl_password: SecretStr | None = Field(None, description="password of the Kafka user")
    ca_file: FilePath | None = Field(
        None, description="PEM file of the authority that signed the brokers' certificates; empty: the system's own"
    )

    @model_validator(mode="after")
    def _sasl_needs_a_user(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(f"security_protocol {self.security_protocol} needs both sasl_username and sasl_password")
        return self


class PostgresSettings(SettingsGroup):
    dsn: SecretStr = Field(
        description="address of the service's own database; a Unix socket is given as ?host=/its/folder",
        examples=["postgresql://org_service@127.0.0.1:5432/org_service"],
    )
    pool_min: int = Field(1, ge=0, description="connections kept open when idle")
    pool_max: int = Field(10, ge=1, description="connections open at most")
    statement_timeout_seconds: float = Field(30, gt=0, description="a statement that takes longer is cancelled; migrations are exempt")

    @field_validator("dsn")
    @classmethod
    def _is_an_address(cls, dsn: SecretStr) -> SecretStr:
        form = "must have the form postgresql://user:password@host:port/database, special characters in %xx form"
        try:
            url = urlsplit(dsn.get_secret_value())
            _ = url.port
        except ValueError:  # its text would quote a part of the address, which may be a part of the password
            raise ValueError(form) from None
        if url.scheme not in ("postgresql", "postgres"):
            raise ValueError(form)
        return dsn

    @model_validator(mode="after")
    def _pool_bounds_agree(self) -> Self:
        if self.pool_min > self.pool_max:
            raise ValueError(f"pool_min {self.pool_min} is above pool_max {self.pool_max}")
        return self

    @property
    def place(self) -> str:
        """Where the server is, fit to be shown: `host:port/database`, or the folder of its socket."""
        url = urlsplit(self.dsn.get_secret_value())
        at = url.netloc.rpartition("@")[2] or parse_qs(url.query).get("host", ["127.0.0.1"])[0]
        return f"{at}{url.path}"


class HealthSettings(SettingsGroup):
    host: str = Field("127.0.0.1", description="address that answers /livez, /readyz and /metrics; 0.0.0.0 in a container")
    port: int = Field(0, ge=0, le=65535, description="its port; 0: any free one, which the first log lines name")


class LogSettings(SettingsGroup):
    format: Literal["auto", "json", "terminal"] = Field(
        "auto", description="json lines, text for a person, or auto: text when the output is a terminal"
    )
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="the least severe lines to show")


class ProgramSettings(BaseSettings):
    """How every program of ours reads its settings: the environment first, then the files of `SECRETS_DIR`."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = os.environ.get("SECRETS_DIR")
        files = NestedSecretsSettingsSource(file_secret_settings, secrets_dir=Path(folder) if folder else None, secrets_dir_missing="error")
        return init_settings, env_settings, files


class ServiceSettings(ProgramSettings):
    """What every service reads at its start, once; build it with `configuration.load`, pass it down, never read again."""

    kafka: KafkaSettings
    postgres: PostgresSettings
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="OpenTelemetry collector that receives traces by OTLP over HTTP, such as http://127.0.0.1:4318; empty: no telemetry",
    )
