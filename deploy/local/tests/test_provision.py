from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg
import pytest

from local_stack.kafka import admin
from local_stack.postgres import PostgresAddress
from local_stack.provision import Difference, ProvisioningError, create_database, create_topics, delete_topics


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int = 1
    retention_ms: int = -1
    config: dict[str, str] = field(default_factory=dict)


async def test_topics_are_made_once_and_differences_reported_not_repaired(kafka: str) -> None:
    prefix = f"{uuid4().hex}."
    declared = Topic("org-events", 2, 86_400_000, {"max.message.bytes": "2000000"})
    assert await create_topics(kafka, [declared], prefix=prefix) == []
    assert await create_topics(kafka, [declared], prefix=prefix) == []
    changed = Topic("org-events", 3, -1, {"max.message.bytes": "2000000"})
    name = prefix + "org-events"
    found = await create_topics(kafka, [changed, Topic("new")], prefix=prefix)
    assert found == [Difference(name, "partitions", "3", "2"), Difference(name, "retention.ms", "-1", "86400000")]
    assert str(found[0]) == f"topic {name}: partitions is 2, declared 3"
    async with admin(kafka) as client:
        (described,) = await client.describe_topics([name])
        assert len(described["partitions"]) == 2
        assert prefix + "new" in await client.list_topics()
    await delete_topics(kafka, [name, prefix + "new", prefix + "never-existed"])


async def test_a_refused_topic_is_an_error_that_names_it(kafka: str) -> None:
    with pytest.raises(ProvisioningError, match="topic bad name"):
        await create_topics(kafka, [Topic("bad name")])


async def test_a_role_owns_its_database_and_enters_no_other(postgres: PostgresAddress) -> None:
    names = [f"org_{uuid4().hex[:8]}", f"company_{uuid4().hex[:8]}"]
    secret = "it's/ødd@:"
    org, company = (postgres.database(name, name, secret) for name in names)
    for dsn in (org, company, org):
        await create_database(postgres, dsn)
    connection = await asyncpg.connect(org)
    await connection.execute("CREATE SCHEMA org; CREATE TABLE org.members (name text)")
    await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(postgres.database(names[1], names[0], secret))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.database(names[0], names[0], "guessed"))
    connection = await postgres.connect()
    for name in names:
        await connection.execute(f'DROP DATABASE "{name}"')
        await connection.execute(f'DROP ROLE "{name}"')
    await connection.close()


def test_an_address_is_shown_without_its_password() -> None:
    address = PostgresAddress("postgresql://postgres:secret@db.example:5432/postgres")
    assert str(address) == "db.example:5432"
    assert "secret" not in repr(address)
    assert address.at(15000).dsn == "postgresql://postgres:secret@127.0.0.1:15000/postgres"
