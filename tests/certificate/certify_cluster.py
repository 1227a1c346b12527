"""broker leaders killed in a cluster of three

Run it by `make certify`.
"""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from contracts import topics
from local_stack.postgres import PostgresAddress
from local_stack.throwaway import throwaway_folder
from testkit.probe import probe

from ..conftest import running
from .certificate import Certificate, Entry
from .cluster import Cluster
from .conftest import Certifier, certifying
from .walk import Walk

pytestmark = [pytest.mark.background, pytest.mark.timeout(900)]

PREFIX = "replicated."


@pytest.fixture(scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    with throwaway_folder() as folder:
        cluster = Cluster(folder)
        try:
            await cluster.start()
            await cluster.create(topics.load(), PREFIX)
            yield cluster
        finally:
            await cluster.stop()


@pytest.fixture(scope="module")
async def replicated(cluster: Cluster, postgres: PostgresAddress) -> AsyncIterator[Certifier]:
    async with certifying(partial(running, cluster.administrator, postgres, prefix=PREFIX)) as certifier:
        yield certifier


@pytest.mark.parametrize("topic", ["accounting-data", "org-events", "company-events"])
async def test_a_leader_killed(replicated: Certifier, cluster: Cluster, certificate: Certificate, topic: str) -> None:
    victim = await cluster.leader(PREFIX + topic)

    async def kill(walk: Walk) -> None:
        await replicated.seen(walk, topic)
        cluster.kill(victim)

    verdict = await replicated.struck(kill)
    certificate.add(Entry(f"leader of {topic}", "kafka", 1, verdict))
    cluster.start_node(victim)
    await probe(lambda: cluster.in_sync(PREFIX + topic), within=120, every=0.5)
    assert verdict.clean, verdict
