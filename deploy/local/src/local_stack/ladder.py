"""Where Kafka and PostgreSQL come from: given addresses, else Docker, else processes of our own. Chosen for each of the two.

`ACCOUNTFLOW_KAFKA` (host:port, or the address of a protected cluster with its administrator, see `GivenKafka.at`) and
`ACCOUNTFLOW_POSTGRES` (a DSN that may create databases and roles) give servers that run already.
`ACCOUNTFLOW_DOCKER_PULL=1` allows images to be pulled. `ACCOUNTFLOW_RUNG` (given, docker, local) allows one rung only: what it
cannot give is an error, so that an automated run cannot slide down unnoticed.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from local_stack import containers, kafka, postgres
from local_stack.containers import KafkaContainer, PostgresContainer
from local_stack.kafka import KafkaServer
from local_stack.passwords import Passwords
from local_stack.ports import free_port
from local_stack.postgres import PostgresAddress, PostgresServer
from local_stack.protection import protected as protected_settings
from servicekit.settings import KafkaSettings


class Rung(StrEnum):
    GIVEN = "given"
    DOCKER = "docker"
    LOCAL = "local"


class LadderError(Exception):
    """The rung that was asked for cannot be stood on."""


@dataclass(frozen=True)
class GivenKafka:
    """Somebody else's cluster: waited for, never stopped."""

    administrator: KafkaSettings
    open_servers: str | None = None
    """Bootstrap servers that ask nobody who they are, where there are some beside those of the administrator."""

    @classmethod
    def at(cls, address: str) -> Self:
        """`host:port,host:port` of a cluster that asks nobody who they are, or `sasl+ssl://user:password@host:port?ca_file=/path`.

        Raises `LadderError`.
        """
        try:
            if "://" not in address:
                return cls(KafkaSettings(bootstrap_servers=address))
            parts = urlsplit(address)
            user, _, password = (unquote(part) for part in parts.netloc.rpartition("@")[0].partition(":"))
            return cls(protected_settings(parts.netloc.rpartition("@")[2], user, password, Path(parse_qs(parts.query)["ca_file"][0])))
        except (ValueError, KeyError):  # their texts quote what may be a password
            raise LadderError(
                "the address of Kafka must be host:port or sasl+ssl://user:password@host:port?ca_file=/path, special characters in %xx form"
            ) from None

    @property
    def bootstrap_servers(self) -> str:
        return self.administrator.bootstrap_servers

    @property
    def plain_servers(self) -> str:
        """Raises `LadderError` for a cluster that wants to know who we are."""
        if self.open_servers:
            return self.open_servers
        if self.administrator.sasl_username:
            raise LadderError("tests need a Kafka that lets anybody in, or one of their own: leave ACCOUNTFLOW_KAFKA out")
        return self.bootstrap_servers

    async def start(self, within: float = 15) -> None:
        await kafka.ready(self.administrator, within)

    async def stop(self) -> None: ...

    def remove(self) -> None: ...


@dataclass(frozen=True)
class GivenPostgres:
    """Somebody else's server: waited for, never stopped."""

    address: PostgresAddress

    async def start(self, within: float = 15) -> None:
        await postgres.ready(self.address, within)

    async def stop(self) -> None: ...

    def remove(self) -> None: ...


def kafka_address(administrator: KafkaSettings) -> str:
    """What `GivenKafka.at` reads."""
    if administrator.sasl_username is None or administrator.sasl_password is None:
        return administrator.bootstrap_servers
    user, password = quote(administrator.sasl_username, ""), quote(administrator.sasl_password.get_secret_value(), "")
    return f"sasl+ssl://{user}:{password}@{administrator.bootstrap_servers}?{urlencode({'ca_file': administrator.ca_file})}"


AnyKafka = GivenKafka | KafkaContainer | KafkaServer
AnyPostgres = GivenPostgres | PostgresContainer | PostgresServer


@dataclass(frozen=True)
class Footing:
    """The rung that one server stands on."""

    server: str
    rung: Rung
    address: str | None = field(default=None, repr=False)
    """On the rung `given`."""
    because: str | None = None
    """Why it is not a higher rung."""

    @classmethod
    def choose(cls, server: str, variable: str, image: str | None, environment: Mapping[str, str]) -> Self:
        """Without an `image` a container will not do."""
        only = environment.get("ACCOUNTFLOW_RUNG")
        if only and only not in list(Rung):
            raise LadderError(f"ACCOUNTFLOW_RUNG is {only!r}, it can be {', '.join(Rung)}")
        given = environment.get(variable)
        if only == Rung.GIVEN and not given:
            raise LadderError(f"ACCOUNTFLOW_RUNG is {only}, but {variable} gives no address")
        if given and only in (None, Rung.GIVEN):
            return cls(server, Rung.GIVEN, given)
        if only == Rung.LOCAL:
            return cls(server, Rung.LOCAL, because="as asked")
        if image is None:
            obstacle: str | None = "a container would not be protected"
        else:
            obstacle = containers.obstacle(image, may_pull=environment.get("ACCOUNTFLOW_DOCKER_PULL") == "1")
        if obstacle is None:
            return cls(server, Rung.DOCKER)
        if only == Rung.DOCKER:
            raise LadderError(f"ACCOUNTFLOW_RUNG is {only}, but {obstacle}")
        return cls(server, Rung.LOCAL, because=obstacle)

    def __str__(self) -> str:
        match self.rung:
            case Rung.GIVEN:
                return f"{self.server} given"
            case Rung.DOCKER:
                return f"{self.server} in a Docker container"
            case Rung.LOCAL:
                return f"{self.server} as a local process ({self.because})"


@dataclass(frozen=True)
class Ladder:
    """`str()` is the header line of every run."""

    kafka: Footing
    postgres: Footing

    @classmethod
    def choose(cls, environment: Mapping[str, str] = os.environ, *, protected: bool = False) -> Self:
        """Decide, start nothing. Takes at most three seconds a server unless an image is pulled. Raises `LadderError`.

        `protected` asks for a Kafka that knows its clients, where it is ours: a container would not, and is passed over.
        """
        return cls(
            Footing.choose(f"Kafka {kafka.VERSION}", "ACCOUNTFLOW_KAFKA", None if protected else containers.KAFKA_IMAGE, environment),
            Footing.choose("PostgreSQL 18", "ACCOUNTFLOW_POSTGRES", containers.POSTGRES_IMAGE, environment),
        )

    def __str__(self) -> str:
        return f"{self.kafka}, {self.postgres}"

    def kafka_server(
        self,
        directory: Path,
        logs: Path,
        *,
        durable: bool = True,
        port: int | None = None,
        protected: bool = False,
        plain_port: int | None = None,
    ) -> AnyKafka:
        """Not started yet. Where the server is ours, `port` is the one to listen on; see `KafkaServer` for the rest."""
        own_port = port or free_port()
        match self.kafka.rung:
            case Rung.GIVEN:
                return GivenKafka.at(self.kafka.address or "")
            case Rung.DOCKER:
                return KafkaContainer(_container_name("kafka", directory), durable, own_port)
            case Rung.LOCAL:
                return KafkaServer(
                    directory / "kafka",
                    logs / "kafka.log",
                    short_lived=not durable,
                    port=own_port,
                    protected=protected,
                    plain_port=plain_port,
                )

    def postgres_server(self, directory: Path, logs: Path, *, durable: bool = True, port: int | None = None) -> AnyPostgres:
        """Not started yet. `port` is the one to listen on, where the server is ours."""
        own_port = port or free_port()
        match self.postgres.rung:
            case Rung.GIVEN:
                return GivenPostgres(PostgresAddress(self.postgres.address or ""))
            case Rung.DOCKER:
                password = Passwords(directory / "postgres" / "superuser.json")[postgres.SUPERUSER]
                return PostgresContainer(_container_name("postgres", directory), durable, own_port, password=password)
            case Rung.LOCAL:
                return PostgresServer(directory / "postgres", logs / "postgres.log", durable, own_port)


def _container_name(server: str, directory: Path) -> str:
    return f"accountflow-{hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]}-{server}"
