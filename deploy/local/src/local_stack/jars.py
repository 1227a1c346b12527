"""The jars of Apache Kafka, by coordinate and checksum.

`jars.lock` holds one line per jar: Maven coordinate and sha256. No resolving happens on a user's machine; the jars are downloaded once into
the user's cache folder, and every start checks all of them against the lock (50 ms).
"""

import fcntl
import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

import jgo
from jgo.config import GlobalSettings
from jgo.maven import MavenContext
from platformdirs import user_cache_path

KAFKA = "org.apache.kafka:kafka_2.13:4.3.0"
LOGGING = "org.apache.logging.log4j"
"""Kafka logs through slf4j and does not bring the bridge to log4j: without it the broker runs mute."""

LOCK = Path(str(files("local_stack") / "jars.lock"))


class JarError(Exception):
    """A jar cannot be had, or is not the one the lock names."""


@dataclass(frozen=True)
class Jar:
    group: str
    name: str
    version: str
    sha256: str

    @classmethod
    def parse(cls, line: str) -> Self:
        coordinate, sha256 = line.split()
        group, name, version = coordinate.split(":")
        return cls(group, name, version, sha256)

    def __str__(self) -> str:
        return f"{self.group}:{self.name}:{self.version}"

    def fetch(self, maven: MavenContext) -> Path:
        """The verified file; a damaged one (say, of an interrupted download) is downloaded once more."""
        artifact = maven.project(self.group, self.name).at_version(self.version).artifact()
        for _ in range(2):
            try:
                path: Path = artifact.resolve()
            except (OSError, RuntimeError) as error:
                raise JarError(f"cannot download {self}: {error}") from error
            if (found := sha256(path)) == self.sha256:
                return path
            path.unlink()
        raise JarError(f"{self} has checksum {found}, the lock says {self.sha256} ({path})")


def class_path() -> str:
    """All jars for `java -cp`. Raises `JarError`; safe to call from several processes at once."""
    jars = [Jar.parse(line) for line in LOCK.read_text().splitlines()]
    maven = _maven()
    maven.repo_cache.mkdir(parents=True, exist_ok=True)
    with (maven.repo_cache / ".lock").open("w") as lock, ThreadPoolExecutor(8) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)  # jgo writes straight into the final name: one downloader at a time
        return ":".join(str(path) for path in pool.map(lambda jar: jar.fetch(maven), jars))


def write_lock() -> None:
    """Resolve Kafka's dependencies anew and write `jars.lock`."""
    artifacts = [a for a in jgo.resolve(KAFKA) if a.packaging == "jar"]
    (core,) = [a for a in artifacts if a.artifactId == "log4j-core"]
    bridge = _maven().project(LOGGING, "log4j-slf4j-impl").at_version(core.version).artifact()
    LOCK.write_text("".join(sorted(_lines([*artifacts, bridge]))))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(artifacts: Iterable[jgo.maven.Artifact]) -> Iterable[str]:
    return (f"{a.groupId}:{a.artifactId}:{a.version} {sha256(a.resolve())}\n" for a in artifacts)


def _maven() -> MavenContext:
    """A cache of our own: a damaged file is deleted, which nobody may do in the user's Maven repository.

    A mirror can be named in jgo's own settings file."""
    mirrors = GlobalSettings.load().repositories
    return MavenContext(repo_cache=user_cache_path("accountflow") / "jars", remote_repos=mirrors or None, timeout=60)


if __name__ == "__main__":  # python -m local_stack.jars, after a change of KAFKA
    write_lock()
