"""The time that is told is right within a fifth once a tenth of the work is done: retrievals replayed step by step, without a clock."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.sync import DataSet, SyncStatus
from sync_worker.domain.estimate import QUESTION, Part, finished_at

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
PERIODS = 24
REGISTERS = (DataSet.CUSTOMERS, DataSet.SUPPLIERS, DataSet.ACCOUNT_GROUPS, DataSet.VOUCHER_SERIES)
SUBLEDGERS = (DataSet.CUSTOMER_TRANSACTIONS, DataSet.SUPPLIER_TRANSACTIONS)
PageRows = Callable[[random.Random], int]
Seconds = Callable[[int], float]


def ledger(rng: random.Random) -> list[Part]:
    """Two years of months; between the newest and the others registers and subledgers, unknown before their first page."""
    months = [
        Part(data_set=DataSet.LEDGER_LINES, rank=age + bool(age), status=SyncStatus.QUEUED, rows=0, expected=rng.randrange(5_000, 60_000))
        for age in range(PERIODS)
    ]
    unknown = [Part(data_set=data_set, rank=1, status=SyncStatus.QUEUED, rows=0, expected=None) for data_set in (*REGISTERS, *SUBLEDGERS)]
    balances = Part(data_set=DataSet.ACCOUNT_BALANCES, rank=10_000, status=SyncStatus.QUEUED, rows=0, expected=None)
    return [months[0], *unknown, *months[1:], balances]


def size(part: Part, rng: random.Random) -> int:
    """How many rows it turns out to have: a subledger up to a third of the ledger."""
    if part.expected is not None:
        return part.expected
    return rng.randrange(50_000, 250_000) if part.data_set in SUBLEDGERS else rng.randrange(50, 3_000)


def retrieval(parts: list[Part], rng: random.Random, page_rows: PageRows, seconds: Seconds) -> Iterator[tuple[timedelta, list[Part]]]:
    """What is recorded after each step, which takes ``seconds`` for its rows: how long the work has taken, and where every part stands.

    Parts of one rank are read side by side, a page of each in turn.
    """
    worked = 0.0
    sizes = [size(part, rng) for part in parts]
    open_places = deque(range(len(parts)))
    while open_places:
        rank = parts[open_places[0]].rank
        place = open_places.popleft()
        part = parts[place]
        page = min(page_rows(rng), sizes[place] - part.rows)
        worked += seconds(page)
        rows = part.rows + page
        status = SyncStatus.RETRIEVING if page else SyncStatus.COMPLETE  # the last step is the proof
        parts = [*parts]
        parts[place] = replace(part, status=status, rows=rows, expected=sizes[place])
        yield timedelta(seconds=worked), parts
        if page:
            alike = sum(parts[other].rank == rank for other in open_places)
            open_places.insert(alike, place)


def largest(_: random.Random) -> int:
    return 2_000


def mixed(rng: random.Random) -> int:
    return rng.choice((100, 400, 900, 2_000))


def by_rows(rows: int) -> float:
    """As many rows a second whatever the page, and a little for each question."""
    return (rows + QUESTION) / 4_000


def by_request(_: int) -> float:
    """As under a budget: a request takes its turn, whatever it brings."""
    return 0.5


@pytest.mark.parametrize(("pages", "seconds"), [(largest, by_rows), (mixed, by_rows), (largest, by_request)])
@pytest.mark.parametrize("pause", [timedelta(0), timedelta(hours=3)], ids=["in one go", "paused"])
@pytest.mark.parametrize("seed", range(3))
def test_after_a_tenth_it_is_right_within_a_fifth(pages: PageRows, seconds: Seconds, pause: timedelta, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    recorded = list(retrieval(ledger(rng), rng, pages, seconds))
    whole = recorded[-1][0]
    for data_set in (DataSet.LEDGER_LINES, DataSet.ACCOUNT_BALANCES):
        end = next(worked for worked, parts in recorded if all(part.data_set is not data_set or not part.left for part in parts))
        for worked, parts in recorded[::5]:
            if whole / 10 <= worked < end:
                paused = pause if worked > whole / 20 else timedelta(0)  # before the estimates that are looked at
                now = START + worked + paused
                told = finished_at(parts, data_set, now=now, since=START, idle=paused)
                assert told is not None
                assert abs((told - START - paused) / end - 1) <= 0.2, (data_set, worked / whole)


def test_what_is_queued_ahead_comes_first_and_what_comes_later_does_not_count() -> None:
    done = Part(data_set=DataSet.LEDGER_LINES, rank=0, status=SyncStatus.COMPLETE, rows=10_000 - QUESTION, expected=10_000 - QUESTION)
    ahead = Part(data_set=DataSet.CUSTOMERS, rank=1, status=SyncStatus.QUEUED, rows=0, expected=5_000 - QUESTION)
    asked = Part(data_set=DataSet.VOUCHER_TYPES, rank=2, status=SyncStatus.QUEUED, rows=0, expected=1_000 - QUESTION)
    later = Part(data_set=DataSet.ACCOUNT_BALANCES, rank=9, status=SyncStatus.QUEUED, rows=0, expected=90_000)
    told = finished_at(
        [done, ahead, asked, later], DataSet.VOUCHER_TYPES, now=START + timedelta(seconds=10), since=START, idle=timedelta(0)
    )
    assert told == START + timedelta(seconds=16)


def test_what_was_done_before_the_measuring_says_nothing_of_the_pace() -> None:
    before = Part(data_set=DataSet.LEDGER_LINES, rank=0, status=SyncStatus.COMPLETE, rows=1_000_000, expected=1_000_000, counts=False)
    half = Part(data_set=DataSet.CUSTOMERS, rank=1, status=SyncStatus.RETRIEVING, rows=10_000, expected=20_000 - QUESTION)
    told = finished_at([before, half], DataSet.CUSTOMERS, now=START + timedelta(seconds=10), since=START, idle=timedelta(0))
    assert told == START + timedelta(seconds=20)


@pytest.mark.parametrize("status", [SyncStatus.COMPLETE, SyncStatus.NEEDS_CONSENT, SyncStatus.NEEDS_ATTENTION, SyncStatus.NOT_SUPPORTED])
def test_nothing_is_told_of_what_rests(status: SyncStatus) -> None:
    part = Part(data_set=DataSet.CUSTOMERS, rank=1, status=status, rows=1_000, expected=2_000)
    assert finished_at([part], DataSet.CUSTOMERS, now=START + timedelta(seconds=10), since=START, idle=timedelta(0)) is None


def test_nothing_is_told_before_there_is_a_pace() -> None:
    part = Part(data_set=DataSet.LEDGER_LINES, rank=1, status=SyncStatus.RETRIEVING, rows=10, expected=100_000)
    assert finished_at([part], DataSet.LEDGER_LINES, now=START + timedelta(seconds=1), since=START, idle=timedelta(0)) is None


def test_it_is_not_finished_before_it_is_tried_again() -> None:
    part = Part(data_set=DataSet.CUSTOMERS, rank=1, status=SyncStatus.RETRYING, rows=900, expected=1_000)
    again = START + timedelta(minutes=5)
    assert (
        finished_at([part], DataSet.CUSTOMERS, now=START + timedelta(seconds=1), since=START, idle=timedelta(0), not_before=again) == again
    )
