"""Apache Kafka as a local process: one node, broker and controller in one, KRaft mode, the Java runtime from a wheel.

The recipe is the vendor's own: format the storage once, run `kafka.Kafka` with a properties file. A port that listens is not a broker
that is ready: `start` returns when metadata and the group coordinator answer.
"""

import asyncio
import base64
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.errors import KafkaError

from local_stack import jars, java
from local_stack.child import Child
from local_stack.ports import free_port
from local_stack.protection import ADMINISTRATOR, MECHANISM, Protection
from provisioning.cluster import Cluster, admin, settings_of
from servicekit.settings import KafkaSettings

__all__ = ["SETTINGS", "VERSION", "KafkaNotReady", "KafkaServer", "admin", "cluster_id", "ready"]

VERSION = jars.KAFKA.rpartition(":")[2]

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENT",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    # One node: every internal topic has one replica, and few partitions because each costs files and memory.
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # The default of 128 MB would be a third of our heap.
    "log.cleaner.dedupe.buffer.size": "8388608",
}

LOGGING = """\
Configuration:
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d{ISO8601} %-5p %c{1.} %m%n"}}
  Loggers:
    Root: {level: INFO, AppenderRef: {ref: out}}
    Logger:
      # At every start these two list several hundred settings.
      - {name: org.apache.kafka.common.config, level: WARN}
      - {name: kafka.server.KafkaConfig, level: WARN}
"""


class KafkaNotReady(Exception):
    """No answer within the time given; says what was seen last."""


@dataclass
class KafkaServer:
    """A broker with its data under `directory`. It can be stopped and started again on the same ports, with its data.

    `through` is the port of a proxy: the broker then also listens on `proxied_port` and tells clients of that listener to come back
    through the proxy, which makes cutting them off real.

    A `protected` one wants a user and a password inside TLS and allows only what is granted. With `plain_port` it also lets in anybody on
    that port, who may do everything: for tests, whose subject is seldom who may do what.
    """

    directory: Path
    log: Path
    through: int | None = None
    short_lived: bool = False
    """Compile quickly rather than well: ready sooner and lighter, slower under long load."""
    record: Path | None = None
    """Write Java's cache of classes there when it stops."""
    heap_megabytes: int = 384
    protected: bool = False
    plain_port: int | None = None
    port: int = field(default_factory=free_port)
    proxied_port: int = field(default_factory=free_port)
    _broker_port: int = field(default_factory=free_port, init=False)
    _controller_port: int = field(default_factory=free_port, init=False)
    _child: Child = field(init=False)

    def __post_init__(self) -> None:
        self._child = Child(
            "kafka",
            command=(),  # known once the jars are there
            log=self.log,
            pid_file=self.directory / "kafka.pid",
        )

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def administrator(self) -> KafkaSettings:
        """How the one who may do everything connects."""
        return (
            self._protection.settings(self.bootstrap_servers) if self.protected else KafkaSettings(bootstrap_servers=self.bootstrap_servers)
        )

    @property
    def plain_servers(self) -> str:
        """Bootstrap servers that ask nobody who they are."""
        if self.plain_port is not None:
            return f"127.0.0.1:{self.plain_port}"
        if self.protected:
            raise ValueError("this broker has no listener without protection")
        return self.bootstrap_servers

    @property
    def process(self) -> Child:
        return self._child

    async def start(self, within: float = 60) -> None:
        """Raises `JarError`, `ChildDied` or `KafkaNotReady`. Does nothing when it already runs."""
        if self._child.running:
            return
        self._child.reclaim()
        await asyncio.to_thread(self._prepare)
        self._child.start()
        try:
            await ready(self.administrator, within, self._child)
        except BaseException:
            await self.stop()
            raise

    async def stop(self, within: float = 30) -> None:
        """Stop in order, within so many seconds; the data stays."""
        await self._child.stop(within)

    def kill(self) -> None:
        """End it as a crash would."""
        self._child.kill()

    def remove(self) -> None:
        """Delete the data of a stopped broker."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def _protection(self) -> Protection:
        return Protection(self.directory)

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _prepare(self) -> None:
        """Fetch the jars, write the configuration, and format the storage, which happens once."""
        data = self.directory / "data"
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "log4j2.yaml").write_text(LOGGING)
        settings = SETTINGS | self._listeners() | {"log.dirs": str(data)}
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        class_path = jars.class_path()
        logging = f"-Dlog4j2.configurationFile=file:{self.directory / 'log4j2.yaml'}"
        if not (data / "meta.properties").exists():
            self._format([*java.command(class_path, short_lived=True), logging])
        broker = java.command(class_path, short_lived=self.short_lived, record=self.record)
        self._child.command = [*broker, logging, "-Xms128m", f"-Xmx{self.heap_megabytes}m", "kafka.Kafka", str(self._properties)]

    def _format(self, java: Sequence[str]) -> None:
        """Also makes the administrator, protected or not, so that a folder can change between the two."""
        administrator = f"{MECHANISM}=[name={ADMINISTRATOR},password={self._protection.password}]"
        command = [
            "kafka.tools.StorageTool",
            "format",
            "-t",
            cluster_id(uuid.uuid4()),
            "-c",
            str(self._properties),
            "--add-scram",
            administrator,
        ]
        # By way of a file, because everybody on the machine can read the arguments of a command.
        with tempfile.NamedTemporaryFile("w", dir=self.directory) as arguments:
            arguments.writelines(f'"{argument}"\n' for argument in command)
            arguments.flush()
            formatted = subprocess.run([*java, f"@{arguments.name}"], check=False, capture_output=True, text=True)
        if formatted.returncode:
            raise KafkaNotReady(f"the storage could not be formatted: {formatted.stdout}{formatted.stderr}")

    def _listeners(self) -> dict[str, str]:
        clients = {"CLIENT": (self.port, self.port)}
        if self.through is not None:
            clients["PROXIED"] = (self.proxied_port, self.through)
        plain = {} if self.plain_port is None else {"PLAIN": (self.plain_port, self.plain_port)}
        listeners = clients | plain | ({"BROKER": (self._broker_port, self._broker_port)} if self.protected else {})
        own = [f"{name}://127.0.0.1:{port}" for name, (port, _) in listeners.items()]
        return {
            "listeners": ",".join([*own, f"CONTROLLER://127.0.0.1:{self._controller_port}"]),
            "advertised.listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, (_, port) in listeners.items()),
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            **(self._protection.broker_settings(list(clients), plain=list(plain)) if self.protected else {}),
        }


def cluster_id(number: uuid.UUID) -> str:
    """In the form that Kafka gives and takes, which never starts with a dash: its own tools would read that as an option."""
    return base64.urlsafe_b64encode(number.bytes).decode().rstrip("=").replace("-", "_")


async def ready(cluster: Cluster, within: float, child: Child | None = None) -> None:
    """Return when metadata and the group coordinator answer; `child` ends the wait early when it dies."""
    bootstrap_servers = settings_of(cluster).bootstrap_servers
    deadline = time.monotonic() + within
    seen: object = "nothing"
    while time.monotonic() < deadline:
        if child:
            child.expect_running()
        try:
            await _listening(bootstrap_servers)
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + 5), admin(cluster) as client:
                await client.find_coordinator("ready")
        except (OSError, TimeoutError, KafkaError) as error:
            seen = repr(error)
            await asyncio.sleep(0.05)
        else:
            return
    raise KafkaNotReady(f"Kafka at {bootstrap_servers} is not ready after {within:.0f} s; last answer: {seen}")


async def _listening(bootstrap_servers: str) -> None:
    """A plain connection first: the client logs an error for every attempt that is refused."""
    host, _, port = bootstrap_servers.partition(",")[0].rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    await writer.wait_closed()
