"""What counts as news, from when changes are read, and when a month's report is asked for again."""

from datetime import UTC, date, datetime, timedelta

import pytest

from sync_worker.domain.freshness import Freshness, Mark, a07_again, is_news

FRESHNESS = Freshness(look=timedelta(minutes=15), proof=timedelta(days=1), overlap=timedelta(minutes=10))
KNOWN = Mark(10, "2026-11-22T10:00:00.1234560")


@pytest.mark.parametrize(
    ("now", "news"),
    [
        (KNOWN, False),
        (Mark(11, KNOWN.newest), True),  # a row that was written earlier and committed later
        (Mark(9, KNOWN.newest), True),
        (Mark(10, "2026-11-22T10:00:00.1234570"), True),
        (Mark(10, "2026-11-22T09:59:00.0000000"), True),  # the newest row went, another came
    ],
)
def test_news(now: Mark, news: bool) -> None:
    assert is_news(KNOWN, now) is news


@pytest.mark.parametrize(
    ("newest", "since"),
    [
        ("2026-11-22T10:00:00.1234560", "2026-11-22T09:50:00.123456"),
        ("2026-10-25T02:30:00.0000000", "2026-10-25T01:20:00"),  # clocks are set back at three
        ("2026-03-29T03:30:00.0000000", "2026-03-29T03:20:00"),
        (None, "1900-01-01T00:00:00"),
    ],
)
def test_changes_are_read_from_before_the_newest_known(newest: str | None, since: str) -> None:
    assert FRESHNESS.since(newest) == since


@pytest.mark.parametrize(
    ("newest", "minutes", "due"),
    [
        ("2026-11-22T10:00:00.1234560", 10, True),
        ("2026-11-22T10:00:00.1234560", 9, False),  # more may come
        ("2026-11-22T13:00:00.0000000", 10, True),  # a clock ahead of ours
        ("2026-11-21T10:00:00.0000000", 10, True),  # or far behind
        ("2026-11-20T10:00:00.0000000", 10, False),  # nothing that old could come late
        (None, 10, False),
    ],
)
def test_late_commits_are_asked_for_when_the_overlap_has_passed(newest: str | None, minutes: int, due: bool) -> None:
    read_at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert FRESHNESS.is_time_for_late_commits(newest, read_at, read_at + timedelta(minutes=minutes)) is due


def test_the_next_look_is_never_later_than_promised() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    waits = {FRESHNESS.next_look(now) - now for _ in range(100)}
    assert timedelta(minutes=13) < min(waits) < max(waits) <= timedelta(minutes=15)


@pytest.mark.parametrize(("month", "days"), [(date(2026, 11, 1), 1), (date(2026, 9, 1), 1), (date(2026, 8, 1), 7), (date(2025, 1, 1), 30)])
def test_recent_months_are_asked_for_more_often(month: date, days: int) -> None:
    assert a07_again(month, date(2026, 11, 22)) == timedelta(days=days)


def test_two_groups_together() -> None:
    assert KNOWN.and_(Mark(1, None)) == Mark(11, KNOWN.newest)
    assert KNOWN.and_(Mark(1, "2026-11-23T00:00:00")) == Mark(11, "2026-11-23T00:00:00")
