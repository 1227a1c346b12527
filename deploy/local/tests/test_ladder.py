"""Which rung is chosen. The Docker engines here are listeners on sockets of their own: one silent, one without images."""

import http.server
import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.ladder import GivenKafka, GivenPostgres, Ladder, LadderError, Rung, kafka_address
from local_stack.postgres import PostgresAddress
from local_stack.protection import protected
from local_stack.throwaway import throwaway_folder
from servicekit.settings import KafkaSettings

pytestmark = pytest.mark.servers


@pytest.fixture
def engine_socket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where an engine would listen; a short path, as sockets need."""
    with throwaway_folder() as folder:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/engine.sock")
        yield folder / "engine.sock"


class WithoutImages(http.server.BaseHTTPRequestHandler):
    """Answers what a Docker engine answers that has no image and cannot fetch any."""

    def do_GET(self) -> None:
        if self.path.endswith("/version"):
            self._answer(200, {"ApiVersion": "1.47", "MinAPIVersion": "1.24"})
        else:
            self._answer(404, {"message": "No such image"})

    def do_POST(self) -> None:
        self._answer(500, {"message": "no route to the registry"})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "engine"


@pytest.fixture
def engine_without_images(engine_socket: Path) -> Iterator[None]:
    with socketserver.ThreadingUnixStreamServer(str(engine_socket), WithoutImages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def test_without_an_engine_both_are_local_processes(engine_socket: Path) -> None:
    ladder = Ladder.choose({})
    assert (ladder.kafka.rung, ladder.postgres.rung) == (Rung.LOCAL, Rung.LOCAL)
    assert str(ladder).startswith("Kafka 4.3.0 as a local process (no Docker engine answers), PostgreSQL 18 as")


def test_a_silent_engine_costs_three_seconds_at_most(engine_socket: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(engine_socket))
        silent.listen()
        began = time.monotonic()
        assert Ladder.choose({}).kafka.rung == Rung.LOCAL
        assert time.monotonic() - began < 6


@pytest.mark.usefixtures("engine_without_images")
def test_an_engine_without_the_image_is_passed_over_and_says_why() -> None:
    assert Ladder.choose({}).kafka.because == "Docker has no image apache/kafka:4.3.0 and may not pull it"
    pulling = Ladder.choose({"ACCOUNTFLOW_DOCKER_PULL": "1"})
    assert pulling.kafka.rung == Rung.LOCAL
    assert "no route to the registry" in (pulling.kafka.because or "")


def test_given_addresses_come_first_each_for_itself(engine_socket: Path, tmp_path: Path) -> None:
    ladder = Ladder.choose({"ACCOUNTFLOW_KAFKA": "kafka.example:9092"})
    assert ladder.kafka_server(tmp_path, tmp_path) == GivenKafka(KafkaSettings(bootstrap_servers="kafka.example:9092"))
    assert ladder.postgres.rung == Rung.LOCAL
    ladder = Ladder.choose({"ACCOUNTFLOW_POSTGRES": "postgresql://admin:secret@db.example/postgres"})
    assert ladder.postgres_server(tmp_path, tmp_path) == GivenPostgres(PostgresAddress("postgresql://admin:secret@db.example/postgres"))
    assert "secret" not in str(ladder) + repr(ladder)


def test_a_protected_cluster_is_given_with_its_administrator(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").touch()
    administrator = protected("kafka1.example:9093,kafka2.example:9093", "admin", "it's/ødd@:", tmp_path / "authority.pem")
    ladder = Ladder.choose({"ACCOUNTFLOW_KAFKA": kafka_address(administrator)})
    assert ladder.kafka_server(tmp_path, tmp_path) == GivenKafka(administrator)
    assert "dd@" not in str(ladder) + repr(ladder) + repr(administrator)


def test_an_address_that_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    ladder = Ladder.choose({"ACCOUNTFLOW_KAFKA": "sasl+ssl://admin:s3cr3t@kafka.example"})
    with pytest.raises(LadderError) as refused:
        ladder.kafka_server(tmp_path, tmp_path)
    assert "s3cr3t" not in str(refused.value)


def test_a_container_would_not_be_protected_and_is_passed_over() -> None:
    assert Ladder.choose({}, protected=True).kafka.because == "a container would not be protected"


@pytest.mark.usefixtures("engine_without_images")
@pytest.mark.parametrize(
    ("environment", "error"),
    [
        ({"ACCOUNTFLOW_RUNG": "given"}, "ACCOUNTFLOW_KAFKA gives no address"),
        ({"ACCOUNTFLOW_RUNG": "given", "ACCOUNTFLOW_KAFKA": "kafka:9092"}, "ACCOUNTFLOW_POSTGRES gives no address"),
        ({"ACCOUNTFLOW_RUNG": "docker", "ACCOUNTFLOW_KAFKA": "kafka:9092"}, "Docker has no image apache/kafka:4.3.0"),
        ({"ACCOUNTFLOW_RUNG": "top"}, "it can be given, docker, local"),
    ],
)
def test_a_forced_rung_that_cannot_be_had_is_an_error(environment: dict[str, str], error: str) -> None:
    with pytest.raises(LadderError, match=error):
        Ladder.choose(environment)


def test_the_local_rung_can_be_forced_past_given_addresses() -> None:
    ladder = Ladder.choose({"ACCOUNTFLOW_RUNG": "local", "ACCOUNTFLOW_KAFKA": "kafka:9092"})
    assert ladder.kafka.rung == Rung.LOCAL
