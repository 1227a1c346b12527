import os
from collections.abc import Callable

import pytest

from testkit import DatabaseFactory


@pytest.fixture
async def dsn(database: DatabaseFactory) -> str:
    """The address of an empty database, for the role that owns it."""
    return await database()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives the process exactly these settings in its environment, whatever the machine has set."""

    def give(**settings: str) -> None:
        for name in list(os.environ):
            if "__" in name or name in ("KAFKA", "POSTGRES", "HEALTH", "LOG", "SECRETS_DIR"):
                monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    return give
