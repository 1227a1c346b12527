"""The edge to Visma: one probe of a Visma customer ID, in our own words."""

import structlog

from contracts.visma import DenialReason
from visma_connector.domain.finding import Finding, FoundCompany
from visma_nxt import Probe, ProbedCompany, Reach, VismaClient
from visma_nxt.errors import AccessProblem, NotAuthenticated, QueryRejected, VismaError, WrongCompanyAnswered

_LOG = structlog.get_logger("visma_connector.visma")

_DENIALS = {
    Reach.NOT_ACTIVATED: DenialReason.NOT_ACTIVATED,
    Reach.WRONG_ID: DenialReason.UNKNOWN_CUSTOMER,
    Reach.NO_COMPANY_OPENED: DenialReason.NO_COMPANY_OPENED,
    Reach.UNREACHABLE: DenialReason.VISMA_UNREACHABLE,
}


async def ask(visma: VismaClient, visma_customer_id: int) -> Finding:
    """Ask Visma. What only operators can mend is logged as an error and is temporary for the user."""
    try:
        probe = await visma.probe(visma_customer_id)
    except NotAuthenticated as error:
        _LOG.error("visma.does_not_accept_us", visma_customer_id=visma_customer_id, why=str(error), remedy=error.hint)
        return Finding(DenialReason.NOT_AUTHENTICATED)
    except VismaError as error:
        _LOG.error("visma.not_understood", visma_customer_id=visma_customer_id, why=str(error), remedy=error.hint)
        return Finding(DenialReason.VISMA_UNREACHABLE)
    return finding_of(probe)


def finding_of(probe: Probe) -> Finding:
    """The probe without Visma's words. When no company is open and one could not be asked about, nothing is known."""
    found = tuple(_found(each) for each in probe.companies)
    denial = _DENIALS.get(probe.reach)
    if denial is DenialReason.VISMA_UNREACHABLE or (denial and any(company.readable is None for company in found)):
        return Finding(DenialReason.VISMA_UNREACHABLE)
    return Finding(denial, found, listed=denial in (None, DenialReason.NO_COMPANY_OPENED))


def _found(probed: ProbedCompany) -> FoundCompany:
    company = probed.company
    match probed.obstacle:
        case None:
            readable: bool | None = True
            hint: str | None = None
        case AccessProblem() | QueryRejected() | WrongCompanyAnswered() as shut:
            readable, hint = False, shut.hint  # what the customer can mend in Business NXT
        case obstacle:
            readable, hint = None, None
            _LOG.warning("visma.company_not_told", visma_company_id=company.company_no, why=str(obstacle), remedy=obstacle.hint)
    return FoundCompany(
        visma_company_id=company.company_no,
        name=company.name,
        organisation_number=company.organisation_number,
        readable=readable,
        hint=hint,
    )
