"""The arithmetic of the budget: whatever is asked, by whomever, Visma never counts more than its limit in any minute."""

from bisect import bisect_right
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visma_nxt.lanes import Lane
from visma_nxt.pace import LEAST_SHARE, Ask, Pace, Rule

VISMAS = Rule(limit=600, minute=60, burst=3, jitter=0.5, ahead=0.2, interactive_share=0.8)
ALWAYS = 1_800_000_000.0

asks = st.builds(
    Ask,
    lane=st.sampled_from(Lane),
    wanted=st.integers(1, 40),
    lead=st.floats(0, 2),
    refusals=st.integers(0, 5),
    answers=st.integers(0, 50),
    troubles=st.integers(0, 50),
)
happenings = st.lists(
    st.one_of(
        st.tuples(st.floats(0, 3), asks, st.booleans()),  # whether what is given to it is used
        st.tuples(st.floats(0, 90), asks, st.booleans()),
        st.tuples(st.floats(0, 3), st.one_of(st.none(), st.floats(0, 20)), st.none()),  # a 429, with or without Retry-After
    ),
    max_size=60,
)
rules = st.builds(
    Rule,
    limit=st.integers(10, 60),
    minute=st.floats(1, 60),
    burst=st.integers(0, 5),
    jitter=st.floats(0, 1),
    ahead=st.floats(0, 2),
    interactive_share=st.floats(0.1, 0.9),
)


@given(rules, happenings)
def test_no_minute_holds_more_than_the_limit_however_late_the_requests_arrive(rule: Rule, happenings: list[Any]) -> None:
    pace, now = Pace(), ALWAYS
    moments: list[float] = []
    unused: list[float] = []
    for after, what, used in happenings:
        now += after
        if isinstance(what, Ask):
            start = now + what.lead
            lost = [moment for moment in unused if start - rule.regain <= moment <= start]
            pace, granted = pace.grant(rule, replace(what, lost=bool(lost)), now)
            if granted.regained:
                unused.remove(lost[0])
            (moments if used else unused).extend(now + turn for turn, _ in granted.turns)
        else:
            pace = pace.stop(rule, what, now)
    moments.sort()
    # A request counts at Visma up to a jitter after its turn: those of one of Visma's minutes had their turns in one of ours and a jitter.
    window = rule.minute + rule.jitter - 1e-5
    assert all(bisect_right(moments, begin + window) - i <= rule.limit for i, begin in enumerate(moments))


@given(st.lists(st.tuples(st.floats(0, 0.2), asks), min_size=1, max_size=50))
def test_nobody_asks_in_vain_for_ever(happenings: list[Any]) -> None:
    pace, now = Pace(), ALWAYS
    for after, ask in happenings:
        now += after
        pace, _ = pace.grant(VISMAS, ask, now)
    lonely = Ask(lane=Lane.BACKGROUND, wanted=1)
    for refusals in range(50):
        pace, granted = pace.grant(VISMAS, replace(lonely, refusals=refusals), now)
        if granted.turns:
            return
        assert granted.ask_again_after > 0
        now += granted.ask_again_after + 0.001
    raise AssertionError("never served")


def turns_of(rule: Rule, *asking: Ask, seconds: float, pace: Pace | None = None) -> tuple[Pace, list[tuple[float, int]]]:
    """Everybody asks, in turn, all the time; gives the turns as (moment, who)."""
    pace, now, turns = pace or Pace(), ALWAYS, []
    while now < ALWAYS + seconds:
        for who, ask in enumerate(asking):
            pace, granted = pace.grant(rule, ask, now)
            turns += [(now + after, who) for after, _ in granted.turns]
        now += 0.05
    return pace, turns


def test_where_there_is_work_98_percent_of_the_limit_are_used() -> None:
    _, turns = turns_of(VISMAS, Ask(lane=Lane.BACKGROUND, wanted=4), seconds=900)
    assert 0.98 * 600 * 15 < len(turns) <= 600 * 15


def test_turns_that_a_process_could_not_use_are_given_out_anew() -> None:
    pace, now, used = Pace(), ALWAYS, 0
    unused: list[float] = []
    while now < ALWAYS + 300:
        unused = [moment for moment in unused if moment >= now - VISMAS.regain]
        pace, granted = pace.grant(VISMAS, Ask(lane=Lane.BACKGROUND, wanted=4, lost=bool(unused) and unused[0] <= now), now)
        unused = unused[granted.regained :]
        for after, _ in granted.turns:
            used += 1
            if used % 12 == 0:
                unused.append(now + after)
        now += 0.05
    assert used * 11 / 12 > 0.97 * 600 * 5


def test_of_a_second_of_unused_turns_only_one_is_given_out_anew() -> None:
    ask = Ask(lane=Lane.BACKGROUND, wanted=4)
    pace, _ = turns_of(VISMAS, ask, seconds=30)  # the last ones were lost
    began = now = ALWAYS + 30
    moments: list[float] = []
    while now < began + 61:
        pace, granted = pace.grant(VISMAS, replace(ask, lost=now < began + VISMAS.regain), now)
        moments += [now + after for after, _ in granted.turns]
        now += 0.05
    assert sum(began <= moment < began + 60.5 for moment in moments) <= VISMAS.limit


def test_interactive_requests_leave_at_once_also_when_the_background_takes_all_it_can() -> None:
    pace, _ = turns_of(VISMAS, Ask(lane=Lane.BACKGROUND, wanted=100, refusals=9), seconds=30)
    _, granted = pace.grant(VISMAS, Ask(lane=Lane.INTERACTIVE, wanted=1), ALWAYS + 30)
    [(after, lane)] = granted.turns
    assert lane is Lane.INTERACTIVE
    assert after < 0.8


def test_interactive_requests_leave_the_background_its_share() -> None:
    _, turns = turns_of(VISMAS, Ask(lane=Lane.INTERACTIVE, wanted=5), Ask(lane=Lane.BACKGROUND, wanted=5, refusals=1), seconds=180)
    background = sum(who for _, who in turns) / len(turns)
    assert 0.15 < background < 0.5


def test_a_stop_holds_back_all_until_it_is_over_and_slows_them_down_for_a_while() -> None:
    ask = Ask(lane=Lane.INTERACTIVE, wanted=1)
    pace, _ = Pace().grant(VISMAS, ask, ALWAYS)
    pace = pace.stop(VISMAS, 20.0, ALWAYS).stop(VISMAS, 5.0, ALWAYS + 1)
    _, granted = pace.grant(VISMAS, ask, ALWAYS + 10)
    assert granted.turns == ()
    assert granted.ask_again_after == pytest.approx(10, abs=1)
    assert pace.share_at(VISMAS, ALWAYS + 1) == pytest.approx(0.5, abs=0.02)
    assert pace.share_at(VISMAS, ALWAYS + 31) == 1


def test_the_pace_shrinks_while_answers_fail_and_recovers_by_itself() -> None:
    ask = Ask(lane=Lane.BACKGROUND, wanted=4, answers=2, troubles=1)
    pace, turns = turns_of(VISMAS, ask, seconds=60)
    worst = pace.share_at(VISMAS, ALWAYS + 60)
    assert LEAST_SHARE <= worst < 0.25
    assert len(turns) < 300
    assert pace.share_at(VISMAS, ALWAYS + 120) == 1


def test_a_few_failures_among_many_answers_slow_nobody_down() -> None:
    pace, _ = turns_of(VISMAS, Ask(lane=Lane.BACKGROUND, wanted=4, answers=10, troubles=1), seconds=60)
    assert pace.share_at(VISMAS, ALWAYS + 60) == 1
