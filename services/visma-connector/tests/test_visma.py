"""From the client's probe to our own words."""

import pytest

from contracts.visma import DenialReason
from visma_connector.domain.finding import Finding
from visma_connector.visma import finding_of
from visma_nxt import Company, Probe, ProbedCompany, Reach
from visma_nxt.errors import Call, CompanyNotOpened, NotAuthenticated, QueryRejected, ServerFault, UnexpectedAnswer, VismaError
from visma_nxt.errors import WrongCompanyAnswered as WrongCompany

CALL = Call("Readability")


def probed(number: int, obstacle: VismaError | None = None) -> ProbedCompany:
    return ProbedCompany(Company(number, "Lyngen Bakeri AS", "999888777"), obstacle)


@pytest.mark.parametrize("kind", [CompanyNotOpened, QueryRejected, WrongCompany])
def test_what_the_customer_can_mend_closes_the_company_with_a_hint(kind: type[VismaError]) -> None:
    finding = finding_of(Probe(12345, Reach.CONNECTED, (probed(1), probed(2, kind(CALL)))))
    assert [(company.readable, company.hint) for company in finding.companies] == [(True, None), (False, kind.hint)]


@pytest.mark.parametrize("kind", [ServerFault, NotAuthenticated, UnexpectedAnswer])
def test_what_the_customer_cannot_mend_leaves_the_company_open_to_doubt(kind: type[VismaError]) -> None:
    finding = finding_of(Probe(12345, Reach.CONNECTED, (probed(1), probed(2, kind(CALL)))))
    assert [company.readable for company in finding.companies] == [True, None]
    assert not finding.complete


def test_no_company_opened_is_only_said_when_visma_said_it_of_every_company() -> None:
    doubtful = (probed(1, CompanyNotOpened(CALL)), probed(2, UnexpectedAnswer(CALL)))
    assert finding_of(Probe(12345, Reach.NO_COMPANY_OPENED, doubtful)) == Finding(DenialReason.VISMA_UNREACHABLE)
    certain = finding_of(Probe(12345, Reach.NO_COMPANY_OPENED, doubtful[:1]))
    assert (certain.denial, certain.listed, len(certain.companies)) == (DenialReason.NO_COMPANY_OPENED, True, 1)
