"""The programs of the system, declared: what each is started with, and the address that says it is ready.

`PROGRAMS` is the whole system: the two simulators and the four services. A service owns the database of its module's name; those that ask
Visma share the one in which their common budget of requests is kept.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from servicekit.settings import KafkaSettings

VISMA_CLIENT = {"VISMA__CLIENT_ID": "isv_accountflow", "VISMA__CLIENT_SECRET": "simulator-secret"}
"""The client that the Visma simulator's own demonstration registers; worth nothing anywhere else."""

VISMA_BUDGET = "visma-budget"
"""The database of the budget that all programs with our client key share."""

VISMA_WEBHOOKS = "visma-webhooks"
"""The address at which visma-connector is notified."""

VISMA_WEBHOOK_KEY = "simulator-webhook-key"
"""What signs the notifications of the Visma simulator; worth nothing anywhere else."""

MASKINPORTEN_CLIENT = {"client_id": "accountflow-local", "key_id": "local-1"}
"""The client that the Skatteetaten simulator registers, with the public half of the key in `Surroundings.client_key`."""


@dataclass(frozen=True)
class Surroundings:
    """What is known of the system when a program is started."""

    kafka: Mapping[str, KafkaSettings]
    """How each party of the contracts connects, by its name."""
    topic_prefix: str
    databases: Mapping[str, str]
    """DSN by service, and by the name of a database that several share."""
    urls: Mapping[str, str]
    """`http://127.0.0.1:port` by program, and by the name of whatever else a program listens at."""
    client_key: Path
    """Private key of our Maskinporten client, made at the first start."""

    def port(self, program: str) -> str:
        return self.urls[program].rpartition(":")[2]


@dataclass(frozen=True)
class Program:
    """Started as `python -m module arguments…` with exactly this environment; ready when `ready_path` answers 200."""

    name: str
    module: str
    ready_path: str
    arguments: Callable[[Surroundings], Sequence[str]] = lambda _: ()
    environment: Callable[[Surroundings], Mapping[str, str]] = lambda _: {}
    owns_database: bool = False
    shares: tuple[str, ...] = ()
    """Further databases, each with a role of its own, which several programs use."""
    listens: tuple[str, ...] = ()
    """Names of further addresses at which it answers."""
    prepare: Callable[[Surroundings], Sequence[str] | None] = lambda _: None
    """Arguments of a first run that must end well before the program starts; None when there is nothing to do."""

    @property
    def variable(self) -> str:
        """The beginning of its variables in the file of addresses."""
        return variable(self.name)

    @property
    def address_variable(self) -> str:
        """The variable that carries its address."""
        return f"{self.variable}_{'HEALTH_URL' if self.owns_database else 'URL'}"


def variable(name: str) -> str:
    """A name as variables spell it."""
    return name.upper().replace("-", "_")


def service(
    name: str, *more: Callable[[Surroundings], Mapping[str, str]], shares: tuple[str, ...] = (), listens: tuple[str, ...] = ()
) -> Program:
    def environment(around: Surroundings) -> dict[str, str]:
        settings = {
            **{f"KAFKA__{setting}": value for setting, value in kafka_variables(around.kafka[name]).items()},
            "KAFKA__GROUP_INSTANCE_ID": f"{around.topic_prefix}{name}-1",
            "POSTGRES__DSN": around.databases[name],
            "HEALTH__PORT": around.port(name),
            "LOG__FORMAT": "json",
            **{name: value for name, value in os.environ.items() if name.startswith("OTEL_")},
        }
        for part in more:
            settings |= part(around)
        return settings

    return Program(name, name.replace("-", "_"), "/readyz", environment=environment, owns_database=True, shares=shares, listens=listens)


def kafka_variables(settings: KafkaSettings) -> dict[str, str]:
    """The settings as variables of an environment, without the name of their group; what is not set is left out."""
    values = settings.model_dump(exclude_none=True, exclude={"sasl_password"})
    if settings.sasl_password:
        values["sasl_password"] = settings.sasl_password.get_secret_value()
    elif not settings.security_protocol.startswith("SASL"):
        del values["sasl_mechanism"]
    return {name.upper(): str(value) for name, value in values.items()}


def visma_client(around: Surroundings) -> dict[str, str]:
    url = around.urls["visma-simulator"]
    addresses = {"VISMA__TOKEN_URL": f"{url}/connect/token", "VISMA__GRAPHQL_URL": f"{url}/api/graphql-service"}
    return addresses | {"VISMA__BUDGET__DSN": around.databases[VISMA_BUDGET], **VISMA_CLIENT}


def visma_webhooks(around: Surroundings) -> dict[str, str]:
    return {"WEBHOOK__PORT": around.port(VISMA_WEBHOOKS), "WEBHOOK__SECRET": VISMA_WEBHOOK_KEY}


def skatteetaten_client(around: Surroundings) -> dict[str, str]:
    url = around.urls["skatteetaten-simulator"]
    return {
        "SKATTEETATEN__MASKINPORTEN__ISSUER": f"{url}/",
        "SKATTEETATEN__MASKINPORTEN__TOKEN_URL": f"{url}/token",
        "SKATTEETATEN__MASKINPORTEN__CLIENT_ID": MASKINPORTEN_CLIENT["client_id"],
        "SKATTEETATEN__MASKINPORTEN__KEY_ID": MASKINPORTEN_CLIENT["key_id"],
        "SKATTEETATEN__MASKINPORTEN__PRIVATE_KEY_FILE": str(around.client_key),
        "SKATTEETATEN__A07__BASE_URL": url,
    }


VISMA_SIMULATOR = Program(
    "visma-simulator",
    "visma_simulator",
    "/_control/faults",
    arguments=lambda around: (
        *("--port", around.port("visma-simulator")),
        *("--webhook-url", f"{around.urls[VISMA_WEBHOOKS]}/webhooks/visma", "--webhook-key", VISMA_WEBHOOK_KEY),
    ),
)

SKATTEETATEN_SIMULATOR = Program(
    "skatteetaten-simulator",
    "skatteetaten_simulator",
    "/_control/faults",
    arguments=lambda around: (
        *("--port", around.port("skatteetaten-simulator"), "--client-key", str(around.client_key)),
        *("--client-id", MASKINPORTEN_CLIENT["client_id"], "--key-id", MASKINPORTEN_CLIENT["key_id"]),
    ),
    prepare=lambda around: None if around.client_key.exists() else ("make-key", str(around.client_key)),
)

PROGRAMS = (
    VISMA_SIMULATOR,
    SKATTEETATEN_SIMULATOR,
    service("org-service"),
    service("company-service"),
    service("visma-connector", visma_client, visma_webhooks, shares=(VISMA_BUDGET,), listens=(VISMA_WEBHOOKS,)),
    service("sync-worker", visma_client, skatteetaten_client, shares=(VISMA_BUDGET,)),
)
