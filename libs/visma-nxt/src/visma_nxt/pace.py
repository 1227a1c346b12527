"""When requests may leave, so that Visma never counts more than its limit in any minute: pure arithmetic on one clock.

Requests get turns, at least `spacing` apart, at most `burst` of them at once after a quiet time. A request leaves at its turn or a little
later, never earlier, and reaches Visma's counter at most `jitter` after its turn. So those that Visma counts in one minute had their turns
within minute + jitter, and there are at most (minute + jitter) / spacing + burst of such turns: `spacing` makes that the limit less one.

That one is for a turn which nobody could use, because a process was held up until it had passed. Such a turn may be given out anew within
`regain` seconds of its moment, once in so many seconds: then at most one turn of any window took the place of one that lies before it.
"""

from dataclasses import dataclass, replace
from typing import Final

from visma_nxt.lanes import Lane

LEAST_SHARE: Final = 0.1
"""Of the full rate, however bad the weather: it is how better weather is noticed."""

TROUBLED_SHARE: Final = 0.25
"""So many of the answers must be troubles before the pace is cut: one company with a broken table must not slow down the others."""

TELLING: Final = 5
"""Fewer answers than this say nothing about a share of them."""

INTERACTIVE_AHEAD_SECONDS: Final = 1.0
INTERACTIVE_CREDIT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`limit` requests in `minute` seconds. Turns are given out at most `ahead` seconds before they come (background), so that what is
    more urgent never waits behind many of them. `interactive_share` is what interactive requests may take of the turns while others wait.
    """

    limit: int
    minute: float
    burst: int
    jitter: float
    ahead: float
    interactive_share: float

    @property
    def spacing(self) -> float:
        """Seconds between two turns at full pace."""
        return (self.minute + self.jitter) / (self.limit - 1 - self.burst)

    @property
    def regain(self) -> float:
        """Seconds within which a turn that nobody used may be given out anew, and between two that are."""
        return 2 * self.jitter

    @property
    def period(self) -> float:
        """Seconds over which answers are counted before the pace is judged."""
        return self.minute / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a process wants: up to `wanted` turns, none of them earlier than `lead` seconds from now, because it takes that long to hear of
    them. `refusals` is how often it has asked in vain since its last turn: it may then reach further ahead, so that a process with a
    slower way to the database gets its part. `answers` and `troubles` (a part of them) are those since it last asked. `lost`: at most
    `regain` seconds before these turns can be used it had one that passed unused.
    """

    lane: Lane
    wanted: int
    lead: float = 0.0
    refusals: int = 0
    answers: int = 0
    troubles: int = 0
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Turns as seconds from now, each with the lane it was given in; or, when there are none, after how many seconds to ask again.

    `stopped_for` is how long Visma wants nothing to be sent, 0 or less when it does not. `regained`: the first turn is for one that
    was lost.
    """

    turns: tuple[tuple[float, Lane], ...]
    ask_again_after: float
    stopped_for: float
    regained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Where a client key stands. Times are seconds of one clock.

    `share` of the full rate was left by the last cut, at `cut_at`; it grows back by itself, from nothing to all within a minute.
    """

    next_turn: float = 0.0
    interactive_from: float = 0.0
    stopped_until: float = 0.0
    share: float = 1.0
    cut_at: float = 0.0
    observed_from: float = 0.0
    answers: int = 0
    troubles: int = 0
    regained_at: float = 0.0

    def share_at(self, rule: Rule, now: float) -> float:
        """The part of the full rate that is used now."""
        return min(1.0, self.share + max(0.0, now - self.cut_at) / rule.minute)

    def grant(self, rule: Rule, ask: Ask, now: float) -> tuple["Pace", Grant]:
        """Give out turns, and take note of the answers."""
        pace = self._observe(rule, ask, now)
        start, spacing = now + ask.lead, rule.spacing / pace.share_at(rule, now)
        at = max(pace.next_turn, start - rule.burst * rule.spacing, pace.stopped_until)
        credit = max(pace.interactive_from, start - INTERACTIVE_CREDIT_SECONDS)
        reach = min(rule.ahead * (1 + ask.refusals), max(rule.ahead, INTERACTIVE_AHEAD_SECONDS / 2))
        turns: list[tuple[float, Lane]] = []
        if regained := ask.lost and start >= max(pace.regained_at + rule.regain, pace.stopped_until):
            turns.append((ask.lead, Lane.BACKGROUND))
            pace = replace(pace, regained_at=start)
        while len(turns) < ask.wanted:
            lane = Lane.INTERACTIVE if ask.lane is Lane.INTERACTIVE and credit <= start else Lane.BACKGROUND
            if at > start + (INTERACTIVE_AHEAD_SECONDS if lane is Lane.INTERACTIVE else reach):
                break
            turns.append((max(at, start) - now, lane))
            at += spacing
            if lane is Lane.INTERACTIVE:
                credit += spacing / rule.interactive_share
        if not turns:
            return pace, Grant((), at - reach - start, pace.stopped_until - now)
        return replace(pace, next_turn=at, interactive_from=credit), Grant(tuple(turns), 0.0, pace.stopped_until - now, regained)

    def stop(self, rule: Rule, seconds: float | None, now: float) -> "Pace":
        """Visma has refused a request: no turn for as long as it said, then a slower pace. Refusals that come together are one."""
        until = max(self.stopped_until, now + (rule.period if seconds is None else seconds))
        return replace(self if now < self.stopped_until else self._cut(rule, now), stopped_until=until)

    def _observe(self, rule: Rule, ask: Ask, now: float) -> "Pace":
        answers, troubles = self.answers + ask.answers, self.troubles + ask.troubles
        if now < self.observed_from + rule.period or answers < TELLING:
            return replace(self, answers=answers, troubles=troubles)
        judged = self._cut(rule, now) if troubles >= TROUBLED_SHARE * answers else self
        return replace(judged, observed_from=now, answers=0, troubles=0)

    def _cut(self, rule: Rule, now: float) -> "Pace":
        return replace(self, share=max(LEAST_SHARE, self.share_at(rule, now) / 2), cut_at=now)
