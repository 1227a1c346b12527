"""How to reach Visma and how hard to lean on it. A plain model: a service nests it into its own settings."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr

READ_ONLY_SCOPE = "business-graphql-service-api:access-group-based-readonly"


class VismaSettings(BaseModel):
    """Visma's published limits are 600 requests a minute for one token and 60 in flight for one company, counted over
    everybody who uses that token or company; running several processes means giving each of them a share.
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
    requests_per_minute: int = Field(450, gt=0, description="Our share of Visma's 600 requests a minute")
    burst: int = Field(20, gt=0, description="Requests that may leave at once after a quiet time, on top of the rate")
    concurrent_requests_per_company: int = Field(10, gt=0, description="Our share of the 60 in flight per company")
    page_size: int = Field(1000, gt=0, le=2000, description="Rows to ask for in one request when the caller does not say")
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
