"""The whole system on this machine: servers from the ladder, topics, databases, simulators and services."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from contracts import topics as contracts
from contracts.topics import Topic
from local_stack import provision
from local_stack.child import Child
from local_stack.ladder import AnyKafka, AnyPostgres, Ladder, Rung
from local_stack.passwords import Passwords
from local_stack.ports import Ports
from local_stack.programs import PROGRAMS, Program, Surroundings, kafka_variables, variable
from local_stack.protection import protected
from local_stack.provision import Difference
from local_stack.supervisor import Supervisor
from provisioning import granting
from provisioning.rights import OPERATORS, parties
from servicekit.scratch import scratch_dsn
from servicekit.settings import KafkaSettings

GATEWAY, CONSUMER = "ui-gateway", "reconciliation"
"""The parties of the contracts that are not of this system, besides the operators."""


class AlreadyRunning(Exception):
    """Another process runs a system in this folder."""


class NotReady(Exception):
    """A program did not become ready in time; the text ends with what it said last."""


@dataclass(frozen=True)
class Part:
    """One server or program of the running system."""

    name: str
    address: str
    ready_url: str | None
    process: Child | None
    """None where it is not a process of ours."""


class LocalStack:
    """`async with LocalStack(Path(".local")) as stack:` everything runs and is ready; at the end, however it comes, everything stops.

    The data stays in `directory` and is there at the next start. What dies is started again. SIGTERM cancels the task that entered, as
    Ctrl-C does. If this process is killed, the system stops all the same on Linux; elsewhere the next start stops it first.

    Raises `AlreadyRunning`, `LadderError`, `ChildDied`, `NotReady` or `ProvisioningError`, and leaves nothing running then.
    """

    def __init__(
        self,
        directory: Path,
        *,
        programs: Sequence[Program] = PROGRAMS,
        without: Collection[str] = (),
        topics: Sequence[Topic] | None = None,
        prefix: str = "",
        durable: bool = True,
        protect: bool = True,
        ready_within: float = 60,
    ) -> None:
        """`without` names programs that someone else runs, say a debugger: all is made ready for them, they are not started.

        `topics` are those of the contracts unless given; `prefix` is put before the name of every topic, group, user, database and role.
        `protect=False` gives a Kafka that lets anybody in, where it is ours: for a look with plain tools.
        """
        if unknown := set(without) - {program.name for program in programs}:
            raise ValueError(f"no such program: {', '.join(sorted(unknown))}")
        self.directory = directory.resolve()
        self.differences: list[Difference] = []
        """Topics that exist and are not as declared."""
        self.parts: list[Part] = []
        self._supervisors: dict[str, Supervisor] = {}
        self._programs, self._without, self._prefix = programs, without, prefix
        self._topics = contracts.load() if topics is None else topics
        self._durable, self._protect, self._ready_within = durable, protect, ready_within
        self._ladder: Ladder
        self._administrator: KafkaSettings
        self._around: Surroundings
        self._operator_databases: Mapping[str, str]
        self._exits: AsyncExitStack

    def __str__(self) -> str:
        """Which rung of the ladder each server stands on, and whether Kafka knows its clients."""
        return f"{self._ladder}; {'users, TLS and rights' if self.protected else 'Kafka lets anybody in'}"

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return self._administrator.bootstrap_servers

    @property
    def protected(self) -> bool:
        """Whether Kafka wants a user and allows only what is granted."""
        return self._administrator.security_protocol != "PLAINTEXT"

    @property
    def clients(self) -> Mapping[str, KafkaSettings]:
        """How each party of the contracts (services, `ui-gateway`, `reconciliation`, `operators`) connects to Kafka."""
        return self._around.kafka

    @property
    def databases(self) -> Mapping[str, str]:
        """DSN by service, for the role that the service itself uses, and by the name of a shared database."""
        return self._around.databases

    @property
    def operator_databases(self) -> Mapping[str, str]:
        """DSN by service, for the operators' role, which works in schema `eventing`, reads schema `operators`, and sees nothing else."""
        return self._operator_databases

    @property
    def urls(self) -> Mapping[str, str]:
        """`http://127.0.0.1:port` by program, and by the name of whatever else a program listens at."""
        return self._around.urls

    def restarts(self, name: str) -> int:
        """How often a part died and was started again."""
        return self._supervisors[name].restarts if name in self._supervisors else 0

    def assignments(self) -> dict[str, str]:
        """Every address, by the name of a shell variable. What begins with `KAFKA_` is for a UI gateway."""
        owners = [program for program in self._programs if program.owns_database]
        gateway = self.clients.get(GATEWAY, KafkaSettings(bootstrap_servers=self.kafka, topic_prefix=self._prefix))
        consumer = kafka_variables(self.clients[CONSUMER]) if CONSUMER in self.clients else {}
        return (
            {f"KAFKA_{setting}": value for setting, value in kafka_variables(gateway).items()}
            | {f"{CONSUMER.upper()}_KAFKA_{setting}": value for setting, value in consumer.items() if setting.startswith("SASL_")}
            | {f"{program.variable}_DATABASE_URL": self.databases[program.name] for program in owners}
            | {program.address_variable: self.urls[program.name] for program in self._programs}
            | {f"{variable(name)}_URL": self.urls[name] for program in self._programs for name in program.listens}
            | self.operator()
        )

    def operator(self) -> dict[str, str]:
        """The settings of `opsctl`."""
        kafka = self.clients.get(OPERATORS, KafkaSettings(bootstrap_servers=self.kafka, topic_prefix=self._prefix))
        found = {f"OPSCTL__KAFKA__{setting}": value for setting, value in kafka_variables(kafka).items()}
        for program in self._programs:
            if program.owns_database:
                service = f"OPSCTL__SERVICES__{program.variable}"
                dsn = self.operator_databases[program.name]
                found |= {f"{service}__POSTGRES__DSN": dsn, f"{service}__HEALTH_URL": self.urls[program.name]}
        return found

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            exits.enter_context(exclusive(self.directory))
            exits.enter_context(_cancelled_by_sigterm())
            await self._start(exits)
            self._exits = exits.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def _start(self, exits: AsyncExitStack) -> None:
        logs, ports = self.directory / "logs", Ports(self.directory / "ports.json")
        self._ladder = await asyncio.to_thread(Ladder.choose, protected=self._protect)
        kafka = self._ladder.kafka_server(self.directory, logs, durable=self._durable, port=ports["kafka"], protected=self._protect)
        postgres = self._ladder.postgres_server(self.directory, logs, durable=self._durable, port=ports["postgres"])
        self._administrator = kafka.administrator
        self._around = self._surroundings(postgres, ports)
        programs = {program: self._child(program, logs) for program in self._programs if program.name not in self._without}
        for log in [logs / "kafka.log", logs / "postgres.log", *(child.log for child in programs.values())]:
            log.unlink(missing_ok=True)

        exits.push_async_callback(_stop, kafka, postgres)
        exits.push_async_callback(_stop, *programs.values())
        await _together(self._provide_kafka(kafka), self._launch_all(postgres, programs))

        self.parts = [
            Part("kafka", self.kafka, None, _process(kafka)),
            Part("postgres", str(postgres.address), None, _process(postgres)),
            *(Part(program.name, self.urls[program.name], self._ready_url(program), child) for program, child in programs.items()),
        ]
        async with httpx.AsyncClient(timeout=5) as client:
            await _together(*(self._ready(client, child, self._ready_url(program)) for program, child in programs.items()))
        self._supervisors = {part.name: Supervisor(part.process) for part in self.parts if part.process}
        for supervisor in self._supervisors.values():
            task = asyncio.create_task(supervisor.run())
            exits.push_async_callback(_ended, task)

    def _surroundings(self, postgres: AnyPostgres, ports: Ports) -> Surroundings:
        passwords = Passwords(self.directory / "passwords.json")
        owned = [program.name for program in self._programs if program.owns_database]
        shared = [name for program in self._programs for name in program.shares]
        before = self._prefix.replace(".", "_")
        roles = {name: before + name.replace("-", "_") for name in dict.fromkeys(owned + shared)}
        operator = before + "operator"
        self._operator_databases = {name: postgres.address.database(roles[name], operator, passwords[operator]) for name in owned}
        return Surroundings(
            {party: self._client(self._prefix + party, passwords) for party in parties(self._topics)},
            self._prefix,
            {name: postgres.address.database(role, role, passwords[role]) for name, role in roles.items()},
            {name: f"http://127.0.0.1:{ports[name]}" for program in self._programs for name in (program.name, *program.listens)},
            self.directory / "maskinporten-client.pem",
        )

    def _client(self, user: str, passwords: Passwords) -> KafkaSettings:
        administrator = self._administrator
        client = administrator
        if administrator.ca_file:
            client = protected(administrator.bootstrap_servers, user, passwords[f"kafka {user}"], administrator.ca_file)
        return client.model_copy(update={"topic_prefix": self._prefix})

    def _child(self, program: Program, logs: Path) -> Child:
        return Child(
            program.name,
            [sys.executable, "-P", "-m", program.module, *program.arguments(self._around)],
            log=logs / f"{program.name}.log",
            pid_file=self.directory / "run" / f"{program.name}.pid",
            environment=program.environment(self._around),
        )

    async def _provide_kafka(self, kafka: AnyKafka) -> None:
        """Topics come last: a service that sees its topics may do all that it has to."""
        await kafka.start()
        if self.protected:
            users = {
                client.sasl_username: client.sasl_password.get_secret_value()
                for client in self.clients.values()
                if client.sasl_username and client.sasl_password
            }
            await granting.put_users(self._administrator, users)
            await granting.grant(self._administrator, self._topics, prefix=self._prefix, prune=True)
        self.differences = await provision.create_topics(self._administrator, self._topics, prefix=self._prefix)

    async def _launch_all(self, postgres: AnyPostgres, programs: Mapping[Program, Child]) -> None:
        """The services last: they have to find their databases and what the others prepare. For Kafka they wait by themselves, and load
        meanwhile, which is a third of the whole start."""
        early = [self._launch(program, child) for program, child in programs.items() if not program.owns_database]
        await _together(self._provide_postgres(postgres), *early)
        await _together(*(self._launch(program, child) for program, child in programs.items() if program.owns_database))

    async def _provide_postgres(self, postgres: AnyPostgres) -> None:
        await postgres.start()
        if self._ladder.postgres.rung is not Rung.GIVEN:
            await provision.close_to_public(postgres.address)
        for dsn in self.databases.values():
            await provision.create_database(postgres.address, dsn)
        for program in self._programs:
            if program.owns_database:
                await provision.create_database(postgres.address, scratch_dsn(self.databases[program.name]))
        for name, dsn in self.operator_databases.items():
            await provision.admit_operator(postgres.address, dsn, owner=self.databases[name])

    async def _launch(self, program: Program, child: Child) -> None:
        first = program.prepare(self._around)
        if first:
            await asyncio.to_thread(subprocess.run, [sys.executable, "-P", "-m", program.module, *first], check=True, capture_output=True)
        child.start()

    def _ready_url(self, program: Program) -> str:
        return self.urls[program.name] + program.ready_path

    async def _ready(self, client: httpx.AsyncClient, child: Child, url: str) -> None:
        """Return when it answers that it is ready; a program that dies meanwhile is not started again, it is an error."""
        deadline = time.monotonic() + self._ready_within
        seen = "no answer"
        while time.monotonic() < deadline:
            child.expect_running()
            try:
                response = await client.get(url)
            except httpx.HTTPError as error:
                seen = f"{type(error).__name__} {error}"
            else:
                if response.status_code == httpx.codes.OK:
                    return
                seen = f"{response.status_code} {response.text[:500]}"
            await asyncio.sleep(0.05)
        raise NotReady(f"{child.name} is not ready after {self._ready_within:.0f} s: {seen}; its log is {child.log}")


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold the lock of a folder, which names our process. The kernel releases it however we end. Raises `AlreadyRunning`."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711)  # started by root, PostgreSQL runs as another user and must pass through
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"a system already runs in {directory}") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def _cancelled_by_sigterm() -> Iterator[None]:
    """The first SIGTERM cancels our task; later ones do not disturb the stopping."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def cancel() -> None:
        nonlocal task
        if task:
            task.cancel()
        task = None

    loop.add_signal_handler(signal.SIGTERM, cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    """Side by side; the first error cancels the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _stop(*running: AnyKafka | AnyPostgres | Child) -> None:
    await _together(*(each.stop() for each in running))


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _process(server: AnyKafka | AnyPostgres) -> Child | None:
    return getattr(server, "process", None)
