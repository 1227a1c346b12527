"""When a record had its turn."""

from datetime import UTC, datetime, timedelta
from math import inf

from eventing.record import Record
from eventing.turns import Turns

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_record(offset: int, key: str) -> Record:
    return Record("company-commands", 0, offset, at(offset), key.encode(), (), b"{}")


def at(seconds: int) -> int:
    return round((NOON + timedelta(seconds=seconds)).timestamp() * 1000)


def test_a_command_has_its_turn_when_it_was_answered_and_what_comes_after_it_of_its_key_waits_for_it() -> None:
    turns = Turns()
    turns.put(a_record(0, "a"), answered=NOON + timedelta(seconds=5))
    turns.put(a_record(1, "b"))
    turns.put(a_record(2, "a"))
    assert [turn.record.offset for turn in turns.until(at(4))] == [1]
    turns.put(a_record(6, "a"))
    turns.put(a_record(6, "b"))
    turns.put(a_record(7, "b"), answered=NOON)
    assert [(turn.record.offset, turn.at - NOON) for turn in turns.until(inf)] == [
        (0, timedelta(seconds=5)),
        (2, timedelta(seconds=5)),
        (6, timedelta(seconds=6)),
        (6, timedelta(seconds=6)),
        (7, timedelta(seconds=7)),
    ]
