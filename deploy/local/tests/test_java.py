"""The cache of classes that Kafka starts with."""

from pathlib import Path

import pytest

from local_stack import jars, java
from local_stack.kafka import KafkaServer
from local_stack.throwaway import throwaway_folder

pytestmark = pytest.mark.servers


async def start_and_stop() -> list[str]:
    """The command that a broker ran with."""
    with throwaway_folder() as folder:
        server = KafkaServer(folder / "kafka", folder / "kafka.log", short_lived=True)
        await server.start()
        await server.stop()
        return list(server.process.command)


async def test_a_broker_starts_with_the_cache_and_as_well_with_a_broken_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class_path = jars.class_path()
    kept = java.cache(class_path)
    assert kept.exists(), "make setup prepares it"
    assert f"-XX:AOTCache={kept}" in java.command(class_path, short_lived=True)
    broken = tmp_path / "broken.aot"
    monkeypatch.setattr(java, "cache", lambda _: broken)
    assert not any("AOT" in argument for argument in java.command(class_path, short_lived=True))
    broken.write_bytes(kept.read_bytes()[:1000])
    assert f"-XX:AOTCache={broken}" in await start_and_stop()
