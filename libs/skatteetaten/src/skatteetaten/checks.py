"""Cross checks of one A07 report: figures that reach it by different ways and must agree.

| Name                           | Expected                                | Actual                                    |
|--------------------------------|-----------------------------------------|-------------------------------------------|
| income-by-workplace:<type>     | summary of the income type              | sum over the workplaces                   |
| submissions:<total>            | total of the month                      | sum over the submissions that count       |
| withholding-lines              | total withholding tax                   | sum of the withholding lines              |
| employer-contribution-base     | income that triggers the contribution   | base of wages and remuneration, all zones |

Totals are compared by size alone, because the sign they are stated with varies between sources. The first check is left
out when a workplace does not state its income; elsewhere a figure that is not stated counts as zero. The bases times
their rates are not compared with the total: it is in whole kroner, and how each line is rounded is not published.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from skatteetaten.report import A07Report, IncomeLine

TOLERANCE = Decimal("0.01")


@dataclass(frozen=True)
class Check:
    name: str
    expected: Decimal
    actual: Decimal

    @property
    def difference(self) -> Decimal:
        return self.actual - self.expected

    @property
    def holds(self) -> bool:
        """True when the difference is at most one øre either way."""
        return abs(self.difference) <= TOLERANCE


def cross_checks(report: "A07Report") -> list[Check]:
    checks = list(_income_by_workplace(report))
    counted = [submission for submission in report.submissions if submission.counts]
    for name, total, stated in (
        ("withholding-tax", report.totals.withholding_tax, [one.withholding_tax for one in counted]),
        (
            "employer-contribution",
            report.totals.employer_contribution,
            [one.employer_contribution for one in counted],
        ),
        ("financial-tax", report.totals.financial_tax, [one.financial_tax for one in counted]),
    ):
        checks.append(Check(f"submissions:{name}", abs(total), abs(_sum(stated))))
    checks.append(
        Check(
            "withholding-lines",
            abs(report.totals.withholding_tax),
            abs(_sum(line.amount for line in report.withholding)),
        )
    )
    checks.append(
        Check(
            "employer-contribution-base",
            _sum(line.amount for line in report.income if line.subject_to_employer_contribution),
            _sum(line.base or Decimal(0) for line in report.employer_contribution if line.kind == "wages"),
        )
    )
    return checks


def _income_by_workplace(report: "A07Report") -> Iterable[Check]:
    split = [workplace.income for workplace in report.workplaces if workplace.income is not None]
    if not split or len(split) < len(report.workplaces):
        return
    summary = _by_type(report.income)
    workplaces = _by_type(line for income in split for line in income)
    for name in sorted(summary.keys() | workplaces.keys()):
        yield Check(f"income-by-workplace:{name}", summary[name], workplaces[name])


def _by_type(lines: "Iterable[IncomeLine]") -> defaultdict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.type or line.kind or "unnamed"] += line.amount
    return sums


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
