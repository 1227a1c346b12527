"""What makes a broker one that knows its clients: encryption, users with passwords, and rights that are denied unless granted.

Clients prove who they are with SCRAM inside TLS. Brokers and controllers know each other by certificate, on listeners of their own that no
client can enter. The administrator is made while the storage is formatted; everybody else by provisioning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from local_stack.certificates import SERVER, Certificates
from local_stack.passwords import Passwords
from servicekit.settings import KafkaSettings

ADMINISTRATOR = "admin"
MECHANISM = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Protection:
    """Certificates and the administrator's password, kept below `directory`."""

    directory: Path

    @property
    def password(self) -> str:
        return Passwords(self.directory / "administrator.json")[ADMINISTRATOR]

    def settings(self, bootstrap_servers: str) -> KafkaSettings:
        """The administrator's, as a client needs them."""
        return protected(bootstrap_servers, ADMINISTRATOR, self.password, Certificates(self.directory).authority)

    def broker_settings(self, clients: list[str], *, plain: list[str]) -> Mapping[str, str]:
        """For `server.properties`: listeners named in `clients` want a password, those in `plain` let anybody in and do anything."""
        certificates = Certificates(self.directory)
        protocols = dict.fromkeys(clients, "SASL_SSL") | dict.fromkeys(plain, "PLAINTEXT") | {"BROKER": "SSL", "CONTROLLER": "SSL"}
        super_users = [SERVER, ADMINISTRATOR, *(["ANONYMOUS"] if plain else [])]
        return {
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
            "inter.broker.listener.name": "BROKER",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(certificates.server),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(certificates.authority),
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+),.*$/$1/",
            **{f"listener.name.{name}.ssl.client.auth": "required" for name in ("broker", "controller")},
            "sasl.enabled.mechanisms": MECHANISM,
            **{
                f"listener.name.{name.lower()}.{MECHANISM.lower()}.sasl.jaas.config": (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                )
                for name in clients
            },
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": ";".join(f"User:{name}" for name in super_users),
        }


def protected(bootstrap_servers: str, user: str, password: str, authority: Path) -> KafkaSettings:
    """The settings of a client of a protected broker."""
    return KafkaSettings(
        bootstrap_servers=bootstrap_servers,
        security_protocol="SASL_SSL",
        sasl_mechanism=MECHANISM,
        sasl_username=user,
        sasl_password=SecretStr(password),
        ca_file=authority,
    )
