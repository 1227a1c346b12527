from datetime import UTC, datetime, timedelta

from sync_worker.domain.progress_pace import ProgressPace

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MOMENT = timedelta(milliseconds=100)


def told(pace: ProgressPace, kind: str, count: int, *, first: int = 0) -> list[int]:
    """Which of the pages that come ten times a second are told of."""
    return [number for number in range(first, first + count) if pace.is_due(kind, NOW + number * MOMENT)]


def test_the_first_page_is_told_of_and_then_one_every_second() -> None:
    assert told(ProgressPace(timedelta(seconds=1)), "ledger", 35) == [0, 10, 20, 30]


def test_each_kind_has_its_own_pace() -> None:
    pace = ProgressPace(timedelta(seconds=1))
    assert told(pace, "ledger", 5) == [0]
    assert told(pace, "customers", 5, first=5) == [5]
    assert told(pace, "ledger", 10, first=5) == [10]


def test_what_was_told_long_ago_is_forgotten() -> None:
    pace = ProgressPace(timedelta(seconds=1))
    for number in range(5_000):
        assert pace.is_due(number, NOW + number * MOMENT)
    assert len(pace._told) <= 1_000
