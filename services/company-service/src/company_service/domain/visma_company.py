"""The Visma company behind a company: it must stand in the list last published for the organisation, be opened for us, and be new."""

from dataclasses import dataclass

from company_service.domain.wrong_value import WrongValue

ALREADY_ADDED = "already_added"


@dataclass(frozen=True, slots=True, kw_only=True)
class VismaCompany:
    """A Visma company as last listed. ``listed`` is false once it has left the list; ``added_as`` is the name it was added under."""

    visma_customer_id: int
    name: str
    organisation_number: str | None
    readable: bool
    hint: str | None
    listed: bool
    added_as: str | None


def choose(company: VismaCompany | None) -> VismaCompany:
    """The company, when it can be added."""
    if company is not None and company.added_as is not None:
        raise WrongValue(ALREADY_ADDED, f"This Visma company has been added already, as {company.added_as}.", "Open that company instead.")
    if company is None or not company.listed:
        raise WrongValue(
            "not_listed",
            "This Visma company is not in the list of companies that we have access to.",
            "Choose a company from the list. If it is missing there, check that its Visma customer ID is registered on the organisation "
            "and that the integration is activated in Visma Business NXT, then refresh the list.",
            may_arrive=True,
        )
    if not company.readable:
        raise WrongValue(
            "not_opened",
            f"{company.name} is not opened for us in Visma Business NXT.",
            company.hint or "Ask the system administrator to give our client key access to this company in Visma Business NXT.",
            may_arrive=True,
        )
    return company
