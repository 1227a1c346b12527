"""Settings of company-service."""

from pydantic import Field

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service needs, and what the company form accepts in this environment."""

    allow_synthetic_organisation_numbers: bool = Field(
        False,
        description="accept organisation numbers that start with 2 or 3, which the authorities hand out for testing and which no real "
        "company has; for test environments only",
    )
