"""The same two servers as containers of a Docker engine on this machine, by way of testcontainers.

Both are reached on the loopback interface at a port chosen beforehand, because a Kafka broker must know the address that it advertises.
Containers and volumes carry fixed names, so that a start removes what a crash has left behind.
"""

import asyncio
import socket
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
from docker.errors import DockerException, ImageNotFound, NotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient, get_docker_host

from local_stack import kafka, postgres
from local_stack.ports import free_port
from servicekit.settings import KafkaSettings

KAFKA_IMAGE = f"apache/kafka:{kafka.VERSION}"
POSTGRES_IMAGE = "postgres:18"
ENGINE_ANSWERS_WITHIN = 1.5
"""Seconds; asked once per server, so that a machine whose engine hangs loses three seconds."""

testcontainers_config.ryuk_disabled = True  # its image may not be had, and we clean up by name


def obstacle(image: str, *, may_pull: bool) -> str | None:
    """Why a container of this image cannot be had; None when it can (after pulling it where that is allowed)."""
    if not _engine_listens(get_docker_host() or "unix:///var/run/docker.sock"):
        return "no Docker engine answers"
    try:
        engine = DockerClient(timeout=ENGINE_ANSWERS_WITHIN).client
    except (DockerException, requests.RequestException) as error:
        return f"the Docker engine fails: {error}"
    try:
        engine.images.get(image)
    except ImageNotFound:
        if not may_pull:
            return f"Docker has no image {image} and may not pull it"
        try:
            engine.api.timeout = None
            engine.images.pull(image)
        except (DockerException, requests.RequestException) as error:
            return f"Docker cannot pull {image}: {error}"
    except (DockerException, requests.RequestException) as error:
        return f"the Docker engine fails: {error}"
    finally:
        engine.close()
    return None


def _engine_listens(host: str) -> bool:
    """Whether somebody listens on the socket of an engine on this machine. The client would leak its own socket when nobody does."""
    if not host.startswith("unix://"):
        return False  # its ports are not on our loopback interface
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(ENGINE_ANSWERS_WITHIN)
        try:
            probe.connect(host.removeprefix("unix://"))
        except OSError:
            return False
    return True


@dataclass
class _Server:
    name: str
    """Of the container, and of the volume when the data is kept."""
    durable: bool = True
    port: int = field(default_factory=free_port)
    _container: DockerContainer | None = field(default=None, init=False)

    async def stop(self) -> None:
        """Remove the container; a named volume stays."""
        if self._container:
            await asyncio.to_thread(self._container.stop)
            self._container = None

    def remove(self) -> None:
        """Delete the data of a stopped server."""
        with suppress(NotFound):
            DockerClient().client.volumes.get(self.name).remove(force=True)

    async def _run(self, image: str, port: int, data: str, environment: Mapping[str, str], **options: Any) -> None:
        """Start the container in a thread, unless it runs; the caller waits for the server inside."""
        if self._container:
            return
        container = DockerContainer(image, env=dict(environment), name=self.name, **options)
        container.ports[str(port)] = ("127.0.0.1", self.port)  # type: ignore[assignment]
        if self.durable:
            container.with_volume_mapping(self.name, data, "rw")
        await asyncio.to_thread(self._discard_stale)
        self._container = container
        await asyncio.to_thread(container.start)

    def _discard_stale(self) -> None:
        with suppress(NotFound):
            DockerClient().client.containers.get(self.name).remove(force=True, v=True)


@dataclass
class KafkaContainer(_Server):
    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def plain_servers(self) -> str:
        return self.bootstrap_servers

    @property
    def administrator(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=self.bootstrap_servers)

    async def start(self, within: float = 90) -> None:
        """Raises `DockerException` or `KafkaNotReady`."""
        settings = kafka.SETTINGS | {
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listeners": "CLIENT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093",
            "advertised.listeners": f"CLIENT://{self.bootstrap_servers}",
            "controller.quorum.voters": "1@127.0.0.1:9093",
            "log.dirs": "/var/lib/kafka/data",
        }
        environment = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
        environment["CLUSTER_ID"] = kafka.cluster_id(uuid.uuid5(uuid.NAMESPACE_OID, self.name))  # the same at every start
        try:
            await self._run(KAFKA_IMAGE, 9092, "/var/lib/kafka/data", environment)
            await kafka.ready(self.bootstrap_servers, within)
        except BaseException:
            await self.stop()
            raise


@dataclass
class PostgresContainer(_Server):
    password: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)

    @property
    def address(self) -> postgres.PostgresAddress:
        return postgres.PostgresAddress(f"postgresql://{postgres.SUPERUSER}:{self.password}@127.0.0.1:{self.port}/postgres")

    async def start(self, within: float = 90) -> None:
        """Raises `DockerException` or `PostgresNotReady`."""
        inside = {"listen_addresses": "*", "unix_socket_directories": "/var/run/postgresql"}
        settings = postgres.SETTINGS | ({} if self.durable else postgres.THROWAWAY) | inside
        environment = {"POSTGRES_PASSWORD": self.password, "POSTGRES_INITDB_ARGS": " ".join(postgres.LOCALE)}
        command = ["postgres", *(option for name, value in settings.items() for option in ("-c", f"{name}={value}"))]
        try:
            await self._run(POSTGRES_IMAGE, 5432, "/var/lib/postgresql", environment, command=command)
            await postgres.ready(self.address, within)
        except BaseException:
            await self.stop()
            raise
