"""Three Kafka nodes on this machine, each broker and controller: three replicas of everything, two of which must have a record."""

import asyncio
import subprocess
import uuid
from collections.abc import Iterable
from pathlib import Path

from aiokafka.admin import NewTopic

from contracts.topics import Topic
from local_stack import jars, java
from local_stack.child import Child
from local_stack.kafka import LOGGING, SETTINGS, admin, cluster_id, ready
from local_stack.ports import free_port
from servicekit.settings import KafkaSettings

NODES = (1, 2, 3)
REPLICATED = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "broker.session.timeout.ms": "3000",
}


class Cluster:
    """`start`, `kill` a node, start it again; `stop` at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = {node: (free_port(), free_port()) for node in NODES}
        self._children = {node: self._child(node) for node in NODES}

    @property
    def administrator(self) -> KafkaSettings:
        """Anybody may do anything here: the subject is who dies, not who may."""
        return KafkaSettings(bootstrap_servers=",".join(f"127.0.0.1:{client}" for client, _ in self._ports.values()))

    async def start(self) -> None:
        number = cluster_id(uuid.uuid4())
        for node in NODES:
            await asyncio.to_thread(self._format, node, number)
            self.start_node(node)
        for client, _ in self._ports.values():
            await ready(KafkaSettings(bootstrap_servers=f"127.0.0.1:{client}"), 120)

    async def stop(self) -> None:
        await asyncio.gather(*(child.stop() for child in self._children.values()))

    def kill(self, node: int) -> None:
        self._children[node].kill()

    def start_node(self, node: int) -> None:
        self._children[node].start()

    async def create(self, topics: Iterable[Topic], prefix: str) -> None:
        """With three replicas each; the local stack finds them made."""
        wanted = [NewTopic(prefix + topic.name, min(2, topic.partitions), 3, topic_configs=topic.config) for topic in topics]
        async with admin(self.administrator) as client:
            response = await client.create_topics(wanted)
            assert not [error for error in response.topic_errors if error[1]], response

    async def leader(self, topic: str) -> int:
        """The node that leads the topic's first partition."""
        async with admin(self.administrator) as client:
            [described] = await client.describe_topics([topic])
            node: int = described["partitions"][0]["leader"]
            return node

    async def in_sync(self, topic: str) -> bool:
        """Whether every replica of the topic has everything."""
        async with admin(self.administrator) as client:
            [described] = await client.describe_topics([topic])
            return all(len(partition["isr"]) == len(NODES) for partition in described["partitions"])

    def _java(self, node: int) -> list[str]:
        configured = f"-Dlog4j2.configurationFile=file:{self._home(node) / 'log4j2.yaml'}"
        return [*java.command(jars.class_path(), short_lived=True), "-Xms128m", "-Xmx256m", configured]

    def _format(self, node: int, number: str) -> None:
        home, (client, controller) = self._home(node), self._ports[node]
        home.mkdir(parents=True)
        (home / "log4j2.yaml").write_text(LOGGING)
        own = {
            "node.id": str(node),
            "listeners": f"CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"CLIENT://127.0.0.1:{client}",
            "controller.quorum.voters": ",".join(f"{each}@127.0.0.1:{ports[1]}" for each, ports in self._ports.items()),
            "log.dirs": str(home / "data"),
        }
        settings = SETTINGS | REPLICATED | own
        (home / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        command = [*self._java(node), "kafka.tools.StorageTool", "format", "-t", number, "-c", str(home / "server.properties")]
        subprocess.run(command, check=True, capture_output=True)

    def _child(self, node: int) -> Child:
        home = self._home(node)
        command = [*self._java(node), "kafka.Kafka", str(home / "server.properties")]
        return Child(f"kafka-{node}", command, log=self._folder / f"kafka-{node}.log", pid_file=home / "kafka.pid")

    def _home(self, node: int) -> Path:
        return self._folder / f"node-{node}"
