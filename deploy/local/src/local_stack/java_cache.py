"""Makes the cache of classes that Kafka starts with: `python -m local_stack.java_cache`, a part of `make setup`."""

import asyncio
import os
import sys

from local_stack import jars, java
from local_stack.kafka import KafkaServer
from local_stack.throwaway import throwaway_folder


async def make() -> None:
    """Run a protected broker once and keep what it has loaded. Does nothing when that was done before; safe side by side."""
    kept = java.cache(jars.class_path())
    if kept.exists():
        return
    print("Preparing Kafka's start ...")
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = kept.with_suffix(f".{os.getpid()}")
    try:
        with throwaway_folder() as folder:
            server = KafkaServer(folder / "kafka", folder / "kafka.log", protected=True, record=made)
            try:
                await server.start()
            finally:
                await server.stop(within=120)
        if made.exists():
            made.rename(kept)
    finally:
        for left in kept.parent.glob(f"{made.name}*"):
            left.unlink()


if __name__ == "__main__":
    try:
        asyncio.run(make())
    except Exception as error:
        print(f"Kafka will start more slowly: {error}", file=sys.stderr)
