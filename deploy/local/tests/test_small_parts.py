"""Ports, passwords and logs."""

import socket
from pathlib import Path

import pytest

from local_stack import logs
from local_stack.passwords import Passwords
from local_stack.ports import Ports, free_port


def test_a_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = free_port(), free_port()
    wanted = iter([first, first, other, *range(31_900, 32_000)])
    monkeypatch.setattr("random.randrange", lambda *_: next(wanted))
    assert free_port() >= 31_900


def test_a_free_port_is_outside_the_range_of_outgoing_connections() -> None:
    with socket.socket() as outgoing:
        outgoing.bind(("127.0.0.1", 0))
        assert 1024 < free_port() < 32_768 <= outgoing.getsockname()[1]


def test_ports_are_the_same_at_every_start_unless_taken_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = Ports(file)["kafka"]
    assert Ports(file)["kafka"] == first
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", first))
        stranger.listen()
        second = Ports(file)["kafka"]
    assert second != first
    assert Ports(file)["kafka"] == second


def test_passwords_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    first = Passwords(file)["org"]
    assert len(first) >= 32
    assert first != Passwords(file)["company"]
    assert Passwords(file)["org"] == first
    assert file.stat().st_mode & 0o777 == 0o600


def test_logs_of_all_parts_are_one_stream_of_whole_lines(tmp_path: Path) -> None:
    (tmp_path / "kafka.log").write_text("one\ntwo\nthree\nhal")
    (tmp_path / "sync-worker.log").write_text("four\n")
    stream = logs.read(tmp_path, None, 2, follow=True)
    assert [next(stream) for _ in range(3)] == ["kafka       | two", "kafka       | three", "sync-worker | four"]
    with (tmp_path / "kafka.log").open("a") as log:
        log.write("f of it\n")
    assert next(stream) == "kafka       | half of it"
    (tmp_path / "sync-worker.log").write_text("5\n")
    assert next(stream) == "sync-worker | 5"
    assert list(logs.read(tmp_path, "sync-worker", 9, follow=False)) == ["5"]
