"""Five rounds of two contenders, interleaved, and what came of them.

A shared machine makes absolute figures wander; the ratio of two runs that follow each other wanders less. So each round runs both, in turns
who is first, and what is judged is the median of the rounds' ratios.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

Run = Callable[[], Awaitable[float]]
"""One run of a contender; returns the figure that is compared, such as messages per second."""

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``ratio`` is ours over theirs, round by round. ``at_least`` or ``at_most`` is the goal for its median."""

    what: str
    against: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratios(self) -> list[float]:
        return [mine / other for mine, other in zip(self.ours, self.theirs, strict=True)]

    @property
    def reached(self) -> bool:
        ratio = median(self.ratios)
        return (self.at_least is None or ratio >= self.at_least) and (self.at_most is None or ratio <= self.at_most)

    def __str__(self) -> str:
        goal = f">= {self.at_least:g}" if self.at_most is None else f"<= {self.at_most:g}"
        verdict = "reached" if self.reached else "MISSED"
        return (
            f"{self.what}\n    against {self.against}\n"
            f"    ours {spread(self.ours)}   theirs {spread(self.theirs)} {self.unit}\n"
            f"    ratio {spread(self.ratios)}   goal {goal}: {verdict}"
        )


async def compare(
    what: str,
    against: str,
    unit: str,
    ours: Run,
    theirs: Run,
    *,
    rounds: int,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Comparison:
    """Run both ``rounds`` times, interleaved, after one round that does not count; print the outcome."""
    await ours()
    await theirs()
    figures: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        contenders = [(ours, figures[0]), (theirs, figures[1])]
        for run, found in contenders if number % 2 else reversed(contenders):
            found.append(await run())
    comparison = Comparison(what=what, against=against, unit=unit, ours=figures[0], theirs=figures[1], at_least=at_least, at_most=at_most)
    print(comparison, flush=True)
    return comparison


def spread(figures: Sequence[float]) -> str:
    """``median (lowest-highest)`` with three significant digits."""
    return f"{_short(median(figures))} ({_short(min(figures))}-{_short(max(figures))})"


def keep(row: str, found: Sequence[Comparison]) -> None:
    """Write the figures to ``bench/results/<row>.json``."""
    RESULTS.mkdir(exist_ok=True)
    rows = [asdict(one) | {"median_ratio": median(one.ratios), "ratios": one.ratios, "reached": one.reached} for one in found]
    text = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), "rows": rows}, indent=2)
    (RESULTS / f"{row}.json").write_text(text + "\n", "utf-8")


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
