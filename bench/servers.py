"""Real servers for a benchmark, durable as in production, with topics and databases of each run's own."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from contracts import topics as contracts
from eventing.kafka import KafkaAccess
from eventing.session_lock import give_back
from local_stack import provision
from local_stack.ladder import AnyKafka, AnyPostgres, Ladder
from local_stack.throwaway import throwaway_folder
from testkit.databases import Migrate, Templates

POOL = 12


@dataclass
class Servers:
    """One broker and one PostgreSQL."""

    kafka: AnyKafka
    postgres: AnyPostgres
    templates: Templates

    @property
    def bootstrap_servers(self) -> str:
        return self.kafka.bootstrap_servers

    @asynccontextmanager
    async def access(self, client_id: str) -> AsyncIterator[KafkaAccess]:
        """All topics of the contracts, with the declared partitions, under a prefix that ends with the block."""
        prefix = f"b{uuid.uuid4().hex[:8]}."
        declared = contracts.load()
        await provision.create_topics(self.bootstrap_servers, declared, prefix=prefix)
        yield KafkaAccess(client_id=client_id, options={"bootstrap_servers": self.bootstrap_servers}, topic_prefix=prefix)
        await provision.delete_topics(self.bootstrap_servers, [prefix + topic.name for topic in declared])

    @asynccontextmanager
    async def database(self, member: str, migrate: Migrate) -> AsyncIterator[str]:
        """The DSN of a new database in the form that ``migrate`` gives."""
        dsn = await self.templates.clone(member, migrate)
        yield dsn
        await self.templates.drop(dsn)

    @asynccontextmanager
    async def pool(self, dsn: str) -> AsyncIterator[asyncpg.Pool]:
        """A pool as services have it."""
        pool = await asyncpg.create_pool(dsn, min_size=POOL, max_size=POOL, reset=give_back)
        yield pool
        await pool.close()


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """From the ladder: given, Docker, or local processes."""
    ladder = Ladder.choose()
    print(f"servers: {ladder}", flush=True)
    with throwaway_folder() as folder:
        kafka = ladder.kafka_server(folder, folder)
        postgres = ladder.postgres_server(folder, folder)
        try:
            await kafka.start()
            await postgres.start()
            yield Servers(kafka, postgres, Templates(postgres.address))
        finally:
            await kafka.stop()
            await postgres.stop()
