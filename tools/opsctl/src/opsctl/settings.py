"""Where opsctl finds the system.

Names are those of the services' settings, behind ``OPSCTL__``: an operator is a user of their own.
"""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from servicekit.settings import KafkaSettings, PostgresSettings, ProgramSettings, SettingsGroup


class ServiceAddress(SettingsGroup):
    """One service as an operator reaches it."""

    postgres: PostgresSettings
    health_url: str | None = Field(None, description="where it answers /readyz, as http://host:port", pattern=r"^https?://\S+$")


class Settings(ProgramSettings):
    """``OPSCTL__SERVICES__ORG_SERVICE__POSTGRES__DSN`` and its like name the services; what is not named is not looked at."""

    model_config = SettingsConfigDict(env_prefix="OPSCTL__")

    kafka: KafkaSettings
    services: dict[str, ServiceAddress] = Field(
        default_factory=dict,
        description="one OPSCTL__SERVICES__<NAME>__POSTGRES__DSN for each service, its own database as an operator's role that may use "
        "the schema eventing and read the schema operators, and optionally ..__HEALTH_URL",
    )

    @property
    def addresses(self) -> dict[str, ServiceAddress]:
        """The services by the name the contracts give them."""
        return {name.replace("_", "-").lower(): address for name, address in sorted(self.services.items())}
