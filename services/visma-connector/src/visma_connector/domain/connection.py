"""A Visma customer ID of an organisation: what is known of it, and how a probe changes that."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from contracts.visma import DenialReason, VismaCompany
from visma_connector.domain.finding import Finding, FoundCompany

STILL_OPEN = "Visma could not say whether this company is open for us. It is asked again within a few minutes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """``connected`` or denied, or neither while nothing is known. ``failures`` counts the probes in a row that did not reach Visma.

    ``companies`` are sorted by ID; ``listed`` is false until the first list has been seen.
    """

    organization_id: UUID
    visma_customer_id: int
    connected: bool = False
    denial: DenialReason | None = None
    failures: int = 0
    companies: tuple[VismaCompany, ...] = ()
    listed: bool = False

    def learn(self, finding: Finding, *, patience: int) -> "Connection":
        """The connection after a probe. Visma counts as unreachable only after ``patience`` probes in a row that did not reach it."""
        if finding.denial is DenialReason.VISMA_UNREACHABLE:
            missed = replace(self, failures=self.failures + 1)
            return missed if missed.failures < patience else replace(missed, connected=False, denial=finding.denial)
        if finding.temporary:
            return replace(self, connected=False, denial=finding.denial, failures=0)
        return replace(
            self,
            connected=finding.denial is None,
            denial=finding.denial,
            failures=0,
            companies=tuple(sorted(self._settled(finding.companies), key=lambda company: company.visma_company_id)),
            listed=self.listed or finding.listed,
        )

    def says(self, finding: Finding) -> bool:
        """Whether this, the connection after ``finding``, tells what was found: a first failure to reach Visma is kept to ourselves."""
        return self.denial is finding.denial

    def _settled(self, found: Iterable[FoundCompany]) -> Iterable[VismaCompany]:
        """Each company once. Where Visma could not say, what was known before stands."""
        known = {company.visma_company_id: company for company in self.companies}
        for company in {each.visma_company_id: each for each in found}.values():
            before = known.get(company.visma_company_id)
            readable, hint = company.readable, company.hint
            if readable is None:
                readable, hint = (before.readable, before.hint) if before else (False, STILL_OPEN)
            yield VismaCompany(
                visma_company_id=company.visma_company_id,
                name=company.name,
                organisation_number=company.organisation_number,
                readable=readable,
                hint=hint,
            )
