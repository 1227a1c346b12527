"""Settings of org-service."""

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing beyond what every service needs."""
