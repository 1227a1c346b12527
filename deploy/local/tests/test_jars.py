"""Downloads are checked against the lock. The Maven repository is a folder served on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jgo.maven import MavenContext

from local_stack import jars
from local_stack.jars import Jar, JarError

pytestmark = pytest.mark.servers

PATH = "no/example/ledger/1.0/ledger-1.0.jar"
LEDGER = Jar("no.example", "ledger", "1.0", hashlib.sha256(b"the real jar").hexdigest())


@pytest.fixture
def served(tmp_path: Path) -> Path:
    file = tmp_path / "served" / PATH
    file.parent.mkdir(parents=True)
    file.write_bytes(b"the real jar")
    return file


@pytest.fixture
def maven(served: Path, tmp_path: Path) -> Iterator[MavenContext]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield MavenContext(repo_cache=tmp_path / "cache", remote_repos={"here": f"http://127.0.0.1:{server.server_port}"})
        server.shutdown()
        thread.join()


def test_a_jar_is_downloaded_once(maven: MavenContext, served: Path) -> None:
    path = LEDGER.fetch(maven)
    assert path.read_bytes() == b"the real jar"
    served.unlink()
    assert LEDGER.fetch(maven) == path


def test_a_damaged_file_in_the_cache_is_downloaded_again(maven: MavenContext) -> None:
    LEDGER.fetch(maven).write_bytes(b"the real j")
    assert LEDGER.fetch(maven).read_bytes() == b"the real jar"


def test_a_jar_that_is_not_the_one_of_the_lock_is_refused(maven: MavenContext, served: Path) -> None:
    served.write_bytes(b"another jar")
    with pytest.raises(JarError, match=r"no\.example:ledger:1\.0 has checksum"):
        LEDGER.fetch(maven)


def test_a_repository_without_the_jar_is_an_error_that_names_it(maven: MavenContext, served: Path) -> None:
    served.unlink()
    with pytest.raises(JarError, match=r"cannot download no\.example:ledger:1\.0"):
        LEDGER.fetch(maven)


def test_the_lock_names_the_broker_and_a_log_bridge_of_its_log_library() -> None:
    locked = [Jar.parse(line) for line in jars.LOCK.read_text().splitlines()]
    versions = {jar.name: jar.version for jar in locked}
    assert len(versions) == len(locked)
    assert versions["kafka_2.13"] == jars.KAFKA.rpartition(":")[2]
    assert versions["log4j-slf4j-impl"] == versions["log4j-core"]
