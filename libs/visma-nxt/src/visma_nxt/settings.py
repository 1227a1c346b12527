"""How to reach Visma and how hard to lean on it. A plain model: a service nests it into its own settings."""

from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from visma_nxt.pace import Rule

READ_ONLY_SCOPE = "business-graphql-service-api:access-group-based-readonly"


class BudgetSettings(BaseModel):
    """Where all programs of ours that use the same client key share one budget, and how they share it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    dsn: SecretStr = Field(
        description="Address of the database in which all programs that use our client key share one budget of requests",
        examples=["postgresql://visma_budget@127.0.0.1:5432/visma_budget"],
    )
    ahead: timedelta = Field(
        timedelta(milliseconds=200), description="How long before they come turns are given out; more urgent requests wait about this long"
    )
    interactive_share: float = Field(
        0.8, gt=0, lt=1, description="Part of the budget that requests somebody waits for may take while others wait too"
    )


class VismaSettings(BaseModel):
    """Visma's published limits are 600 requests a minute for one token and 60 in flight for one company, counted over
    everybody who uses that token or company. With `budget` all programs of ours stay within them together; without it
    this process takes the limits for itself.
    """

    model_config = ConfigDict(frozen=True)

    token_url: str = Field("https://connect.visma.com/connect/token", description="Token endpoint of Visma Connect")
    graphql_url: str = Field(
        "https://business.visma.net/api/graphql-service",
        description="GraphQL endpoint of Business NXT, service context",
    )
    client_id: str = Field(description="Our client key, as registered with Visma; customers activate this key")
    client_secret: SecretStr = Field(description="Secret that belongs to the client key")
    scope: str = Field(READ_ONLY_SCOPE, description="OAuth scope to ask for; the default can only read")
    tenant_id: str | None = Field(None, description="Tenant to name in the token request; Business NXT needs none")
    budget: BudgetSettings | None = Field(None, description="The budget shared with other programs")
    requests_per_minute: int = Field(600, ge=10, description="Visma's limit of requests a minute; we stay just below it")
    minute: timedelta = Field(timedelta(minutes=1), description="The minute of that limit; tests make it shorter")
    burst: int = Field(
        3, ge=0, description="Requests that may leave at once after a quiet time, within the limit; each costs a little of it"
    )
    jitter: timedelta = Field(
        timedelta(milliseconds=500),
        description="How long after its turn a request may reach Visma; it leaves within the first half of this, or waits for another turn",
    )
    concurrent_requests_per_company: int = Field(
        50, gt=0, description="Our part of the 60 requests that Visma takes side by side for one company or customer"
    )
    slow_answer: timedelta = Field(
        timedelta(seconds=20), description="An answer that takes longer counts as trouble; when many do, the pace is cut"
    )
    page_size: int = Field(2000, gt=0, le=2000, description="Rows to ask for in one request, at most")
    connect_timeout: timedelta = Field(timedelta(seconds=10), description="Longest wait for a connection")
    total_timeout: timedelta = Field(
        timedelta(seconds=75),
        description="Longest wait for one whole answer; Visma works up to 59 seconds on a request",
    )
    retry_attempts: int = Field(6, gt=0, description="Attempts at one call when Visma is away, busy or failing")
    retry_within: timedelta = Field(timedelta(minutes=2), description="No new attempt at a call after this time")
    backoff: timedelta = Field(
        timedelta(milliseconds=500),
        description="First wait before a new attempt; it doubles, with as much jitter on top",
    )

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if self.burst > self.requests_per_minute // 2:
            raise ValueError("burst is more than half of requests_per_minute")
        return self

    @property
    def rule(self) -> Rule:
        """When requests may leave."""
        budget = self.budget
        return Rule(
            limit=self.requests_per_minute,
            minute=self.minute.total_seconds(),
            burst=self.burst,
            jitter=self.jitter.total_seconds(),
            ahead=budget.ahead.total_seconds() if budget else 0.0,
            interactive_share=budget.interactive_share if budget else 1.0,
        )
