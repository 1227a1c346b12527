"""The companies an accounting firm has in Visma, as Visma lists and describes them."""

from dataclasses import dataclass
from typing import Any

import structlog

from visma_nxt.answers import Answer
from visma_nxt.errors import WrongCompanyAnswered
from visma_nxt.values import organisation_number_of

Contents = dict[str, Any]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Company:
    """`company_no` is the company ID of Visma.net (seven digits), the one all other calls take."""

    company_no: int
    name: str
    organisation_number: str | None


@dataclass(frozen=True, slots=True)
class CompanyInformation:
    company_no: int
    organisation_number: str | None


def companies_in(answer: Answer) -> list[Company]:
    """The list, also when Visma complains about a part of it: a hidden organisation number must not hide the rest."""
    match answer.data.get("availableCompanies"):
        case {"items": list(items)}:
            for problem in answer.problems:
                log.warning("visma.companies_incomplete", customer=answer.call.customer_no, code=problem.code)
            return [_company(answer, item) for item in items]
    answer.complete()
    raise answer.unexpected("no list of companies")


def contents_of(answer: Answer, *, organisation_number: str | None) -> Contents:
    """What `useCompany` gave, complete and of the right company.

    Raises WrongCompanyAnswered when the organisation number in the answer is another one than expected. When either
    is not known, nothing can be told: no table of Business NXT repeats the company ID.
    """
    contents: Contents = answer.complete().get("useCompany") or {}
    match contents:
        case {"companyInformation": {"items": list()}}:
            answered = owner_in(contents)
            if organisation_number and answered and answered != organisation_number:
                raise WrongCompanyAnswered(
                    answer.call,
                    f"organisation number {answered} instead of {organisation_number}",
                    trace_id=answer.trace_id,
                )
            return contents
    raise answer.unexpected("no company information")


def owner_in(contents: Contents) -> str | None:
    """The organisation number of the company that gave `contents`."""
    match contents:
        case {"companyInformation": {"items": [{"companyNo": str(number)}]}}:
            return organisation_number_of(number)
    return None


def _company(answer: Answer, item: Any) -> Company:
    match item:
        case {"vismaNetCompanyId": int(company_no), "vismaNetCustomerId": int() | None as customer_no, "name": name}:
            if customer_no not in (None, answer.call.customer_no):
                raise WrongCompanyAnswered(answer.call, f"company {company_no} of customer {customer_no}", trace_id=answer.trace_id)
            return Company(company_no, name or "", organisation_number_of(item.get("organizationNo")))
    raise answer.unexpected("a company without ID or name")
