"""Settings of visma-connector."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from servicekit.settings import ServiceSettings, SettingsGroup
from visma_connector.domain.schedule import Schedule
from visma_nxt import BudgetSettings, VismaSettings

Positive = Annotated[timedelta, Field(gt=timedelta(0))]


class VismaForProbes(VismaSettings):
    """The client gives up early here: the connector's own schedule brings it back, and a user waits for the reason."""

    client_id: str = Field(
        description="Our client key, as registered with Visma; customers activate this key, and it is shown to them",
        examples=["isv_accountflow"],
    )
    client_secret: SecretStr = Field(description="Secret that belongs to the client key", examples=["simulator-secret"])
    budget: BudgetSettings
    retry_attempts: int = Field(3, gt=0, description="Attempts at one call when Visma is away, busy or failing")
    retry_within: timedelta = Field(timedelta(seconds=30), description="No new attempt at a call after this time")


class ProbeSettings(SettingsGroup):
    """How often, and how many at a time, the connector probes."""

    side_by_side: int = Field(4, gt=0, description="Visma customer IDs that one process probes side by side")
    notice_within: Positive = Field(timedelta(milliseconds=500), description="how soon an idle process notices that a probe is due")
    lease: Positive = Field(timedelta(seconds=60), description="after this time without a sign, the probe of a dead process is taken over")
    connected_every: Positive = Field(timedelta(minutes=15), description="pause between probes of an ID that is connected")
    denied_every: Positive = Field(timedelta(minutes=2), description="pause between probes of an ID that gives no access")
    unreachable_first: Positive = Field(
        timedelta(seconds=10), description="pause after the first probe that did not reach Visma; it doubles"
    )
    unreachable_longest: Positive = Field(timedelta(minutes=5), description="longest pause while Visma cannot be reached")
    unreachable_after: int = Field(3, gt=0, description="probes in a row that must fail before users are told that Visma is unreachable")

    @model_validator(mode="after")
    def _pauses_agree(self) -> Self:
        if self.unreachable_first > self.unreachable_longest:
            raise ValueError("unreachable_first is above unreachable_longest")
        return self

    @property
    def schedule(self) -> Schedule:
        """The pauses between probes."""
        return Schedule(
            connected=self.connected_every,
            denied=self.denied_every,
            unreachable_first=self.unreachable_first,
            unreachable_longest=self.unreachable_longest,
        )


class WebhookSettings(SettingsGroup):
    """Where Visma tells us of changes, and what becomes of it."""

    secret: SecretStr | None = Field(
        None, description="signature key that Visma's developer portal shows for our webhook subscription; empty: no webhooks are taken"
    )
    previous_secret: SecretStr | None = Field(None, description="the key before, while Visma changes from one to the other")
    host: str = Field("127.0.0.1", description="address that takes webhooks, at /webhooks/visma; 0.0.0.0 in a container")
    port: int = Field(0, ge=0, le=65535, description="its port; 0: any free one, which the log names")
    body_limit_bytes: int = Field(64 * 1024, gt=0, description="longest notification that is read")
    gather: Positive = Field(timedelta(seconds=2), description="changes of one company within this time are told together")
    remember: Positive = Field(timedelta(days=1), description="how long a delivery that comes again is known")

    @model_validator(mode="after")
    def _one_key_comes_after_the_other(self) -> Self:
        if self.previous_secret and not self.secret:
            raise ValueError("previous_secret needs secret")
        return self

    @property
    def keys(self) -> list[str]:
        """Keys that may sign; none when no webhooks are taken."""
        return [secret.get_secret_value() for secret in (self.secret, self.previous_secret) if secret]


class Settings(ServiceSettings):
    """What every service needs, the way to Visma, how often to probe, and whether to listen."""

    visma: VismaForProbes
    probe: ProbeSettings = ProbeSettings()
    webhook: WebhookSettings = WebhookSettings()
