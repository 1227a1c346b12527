"""From Skatteetaten's report of a month to what is published of it, and what counts as news.

A report is a snapshot: the same month asked for later may say something else, for years. What was published before is not overwritten in
silence: whatever differs is a message of its own, which says what it was.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from contracts.a07 import (
    A07Employee,
    A07Feedback,
    A07Message,
    A07Previous,
    A07ReportRetrieved,
    A07Workplace,
    EmployerContributionLine,
    IncomeLine,
    WithholdingLine,
)
from contracts.sync import A07Sum, Period
from skatteetaten import A07Report, cross_checks
from skatteetaten import EmployerContributionLine as ContributionRead
from skatteetaten import IncomeLine as IncomeRead
from skatteetaten import WithholdingLine as WithholdingRead
from sync_worker.domain.a07_months import due_date, status_of
from sync_worker.domain.company import Company

_ZERO = Decimal(0)
_NOT_SAID = {"snapshot_at", "version", "previous", "report"}


def retrieved(company: Company, month: Period, report: A07Report | None, today: date) -> A07ReportRetrieved:
    """What is published of a month, as the first of its kind. ``report`` is None when there is none."""
    about: dict[str, Any] = {
        "company_id": company.company_id,
        "organization_id": company.organization_id,
        "visma_company_id": company.visma_company_id,
        "month": month.label,
        "due": due_date(month.first_day),
        "status": status_of(month.first_day, today, accepted=report is not None and _is_accepted(report)),
    }
    return A07ReportRetrieved(**about, **(_nothing() if report is None else _figures(report)))


def is_news(before: A07ReportRetrieved, now: A07ReportRetrieved) -> bool:
    """Whether the month says something else than before. That it was asked for later is none."""
    return _said(before) != _said(now)


def superseding(before: A07ReportRetrieved, now: A07ReportRetrieved, verified_at: datetime | None) -> A07ReportRetrieved:
    """The news as it is published: the next version, with what the one before was. ``verified_at``: when that one last agreed."""
    previous = A07Previous(
        version=before.version,
        snapshot_at=before.snapshot_at,
        verified_at=verified_at,
        status=before.status,
        counted=[each.message_id for each in before.messages if each.counts and each.message_id is not None],
        income=before.income,
        employer_contributions=before.employer_contributions,
        withholding_tax=before.withholding_tax,
        employer_contribution=before.employer_contribution,
        financial_tax=before.financial_tax,
    )
    return now.model_copy(update={"version": before.version + 1, "previous": previous})


def _is_accepted(report: A07Report) -> bool:
    """A report that lists no submissions at all was made of accepted ones."""
    return not report.submissions or any(one.counts for one in report.submissions)


def _said(message: A07ReportRetrieved) -> dict[str, Any]:
    document = dict(message.report)
    if isinstance(document.get("mottatt"), dict):
        document["mottatt"] = {name: value for name, value in document["mottatt"].items() if name != "avstemmingstidspunkt"}
    return {**message.model_dump(exclude=_NOT_SAID), "report": document}


def _nothing() -> dict[str, Any]:
    amounts = dict.fromkeys(("withholding_tax", "employer_contribution", "financial_tax"), _ZERO)
    lists: dict[str, list[Any]] = {"income": [], "employer_contributions": [], "failed_checks": []}
    return {"submitted": False, "snapshot_at": None, "submissions": 0, "report": {}, **amounts, **lists}


def _figures(report: A07Report) -> dict[str, Any]:
    checks = cross_checks(report)
    return {
        "submitted": True,
        "snapshot_at": report.snapshot_at,
        "submissions": sum(one.counts for one in report.submissions),
        "income": _income(report.income),
        "employer_contributions": _contributions(report.employer_contribution),
        "withholding_tax": abs(report.totals.withholding_tax),
        "employer_contribution": abs(report.totals.employer_contribution),
        "financial_tax": abs(report.totals.financial_tax),
        "failed_checks": [f"{check.name}: {check.actual} instead of {check.expected}" for check in checks if not check.holds],
        "report": orjson.loads(report.raw),
        "withholding": _withholding(report.withholding),
        "messages": _messages(report),
        "workplaces": _workplaces(report),
        "employees": [
            A07Employee(pseudonym=one.pseudonym, workplace=one.workplace, income=_income(one.income), withholding_tax=one.withholding_tax)
            for one in report.employees
        ],
        "sums": [A07Sum(figure=check.name, stated=check.expected, parts=check.actual, difference=check.difference) for check in checks],
    }


def _messages(report: A07Report) -> list[A07Message]:
    return [
        A07Message(
            message_id=one.message_id,
            feedback=A07Feedback(one.feedback),
            status=one.status,
            deviations=one.deviations,
            counts=one.counts,
            replaces=one.replaces,
            replaced_by=one.replaced_by,
            delivered_at=one.delivered_at,
            withholding_tax=one.withholding_tax,
            employer_contribution=one.employer_contribution,
            financial_tax=one.financial_tax,
        )
        for one in report.submissions
    ]


def _workplaces(report: A07Report) -> list[A07Workplace]:
    return [
        A07Workplace(
            organisation_number=one.organisation_number,
            name=one.name or "",
            income=None if one.income is None else _income(one.income),
            withholding=None if one.withholding is None else _withholding(one.withholding),
            employer_contributions=None if one.employer_contribution is None else _contributions(one.employer_contribution),
        )
        for one in report.workplaces
    ]


def _income(lines: Iterable[IncomeRead]) -> list[IncomeLine]:
    return [
        IncomeLine(
            income_type=line.type or line.kind or "",
            benefit=line.benefit or "",
            amount=line.amount,
            employer_contribution_applies=line.subject_to_employer_contribution,
        )
        for line in lines
    ]


def _withholding(lines: Iterable[WithholdingRead]) -> list[WithholdingLine]:
    return [WithholdingLine(withholding_type=line.type or "", amount=line.amount) for line in lines]


def _contributions(lines: Iterable[ContributionRead]) -> list[EmployerContributionLine]:
    return [EmployerContributionLine(kind=line.kind, zone=line.zone, base=line.base, rate=line.rate, amount=line.amount) for line in lines]
