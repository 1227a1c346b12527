"""Cross checks of one A07 report: figures that reach it by different ways and must agree.

| Name                                         | Expected                                 | Actual                                 |
|----------------------------------------------|------------------------------------------|----------------------------------------|
| income-by-workplace:<type>                   | summary of the income type               | sum over the workplaces                |
| income-by-recipient:<type>                   | sum of the income type, all workplaces   | sum over the recipients                |
| submissions:<total>                          | total of the month                       | sum over the submissions that count    |
| withholding-lines                            | total withholding tax                    | sum of the withholding lines           |
| withholding-by-recipient                     | sum of the withholding lines             | sum over the recipients                |
| employer-contribution-base                   | income that triggers the contribution    | base of wages, all zones               |
| employer-contribution-by-workplace:<zone>    | contribution of the zone in the summary  | sum over the workplaces                |
| employer-contribution-zones                  | total employer's contribution            | base × rate of all lines               |

Totals are compared by size alone, because the sign they are stated with varies between sources. A check by workplace or
recipient is left out when not all workplaces state the figure; elsewhere a figure that is not stated counts as zero.

Bases times rates come to fractions and the total to whole kroner. How they are rounded is not published, so each line of
each message at each workplace may be off by a krone; a zone that is missing shows all the same.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from skatteetaten.report import A07Report, EmployerContributionLine, IncomeLine

TOLERANCE = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True)
class Check:
    name: str
    expected: Decimal
    actual: Decimal
    tolerance: Decimal = TOLERANCE

    @property
    def difference(self) -> Decimal:
        return self.actual - self.expected

    @property
    def holds(self) -> bool:
        """True when the difference is within the tolerance, one øre as a rule, either way."""
        return abs(self.difference) <= self.tolerance


def cross_checks(report: A07Report) -> list[Check]:
    return [
        *_income(report),
        *_submissions(report),
        *_withholding(report),
        *_employer_contribution(report),
    ]


def _income(report: A07Report) -> Iterable[Check]:
    of_workplaces = [line for workplace in report.workplaces for line in workplace.income or ()]
    if report.workplaces and all(workplace.income is not None for workplace in report.workplaces):
        yield from _by_name("income-by-workplace", _by_type(report.income), _by_type(of_workplaces))
    people = [workplace.recipients for workplace in report.workplaces if workplace.recipients is not None]
    if people and len(people) == len(report.workplaces):
        of_people = _by_type(line for each in people for line in each.income)
        yield from _by_name("income-by-recipient", _by_type(of_workplaces), of_people)


def _submissions(report: A07Report) -> Iterable[Check]:
    counted = [submission for submission in report.submissions if submission.counts]
    for name, total, stated in (
        ("withholding-tax", report.totals.withholding_tax, [one.withholding_tax for one in counted]),
        ("employer-contribution", report.totals.employer_contribution, [one.employer_contribution for one in counted]),
        ("financial-tax", report.totals.financial_tax, [one.financial_tax for one in counted]),
    ):
        yield Check(f"submissions:{name}", abs(total), abs(sum(stated, ZERO)))


def _withholding(report: A07Report) -> Iterable[Check]:
    lines = sum((line.amount for line in report.withholding), ZERO)
    yield Check("withholding-lines", abs(report.totals.withholding_tax), abs(lines))
    people = [workplace.recipients for workplace in report.workplaces if workplace.recipients is not None]
    if people and len(people) == len(report.workplaces):
        yield Check("withholding-by-recipient", lines, sum((line.amount for each in people for line in each.withholding), ZERO))


def _employer_contribution(report: A07Report) -> Iterable[Check]:
    lines = report.employer_contribution
    yield Check(
        "employer-contribution-base",
        sum((line.amount for line in report.income if line.subject_to_employer_contribution), ZERO),
        sum((line.base or ZERO for line in lines if line.kind == "wages"), ZERO),
    )
    split = [workplace.employer_contribution for workplace in report.workplaces if workplace.employer_contribution is not None]
    if split and len(split) == len(report.workplaces):
        of_workplaces = _by_zone(line for each in split for line in each)
        yield from _by_name("employer-contribution-by-workplace", _by_zone(lines), of_workplaces)
    messages = sum(submission.counts for submission in report.submissions)
    roundings = max(len(lines), 1) * max(messages, 1) * max(len(report.workplaces), 1)
    owed = abs(sum((line.amount for line in lines), ZERO))
    yield Check("employer-contribution-zones", abs(report.totals.employer_contribution), owed, Decimal(roundings))


def _by_name(check: str, expected: dict[str, Decimal], actual: dict[str, Decimal]) -> Iterable[Check]:
    for name in sorted(expected.keys() | actual.keys()):
        yield Check(f"{check}:{name}", expected.get(name, ZERO), actual.get(name, ZERO))


def _by_type(lines: Iterable[IncomeLine]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.type or line.kind or "unnamed"] += line.amount
    return sums


def _by_zone(lines: Iterable[EmployerContributionLine]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.zone or line.kind] += line.amount
    return sums
