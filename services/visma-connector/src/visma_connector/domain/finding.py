"""What one probe found out about a Visma customer ID."""

from dataclasses import dataclass

from contracts.visma import DenialReason

TEMPORARY = frozenset({DenialReason.VISMA_UNREACHABLE, DenialReason.NOT_AUTHENTICATED})
"""These say nothing about what the customer has opened for us, so they take nothing away."""


@dataclass(frozen=True, slots=True)
class FoundCompany:
    """A company on Visma's list. ``readable`` is None when Visma could not say at this moment."""

    visma_company_id: int
    name: str
    organisation_number: str | None
    readable: bool | None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """``denial`` is None when at least one company can be read. ``listed`` is true when Visma gave a list, be it empty."""

    denial: DenialReason | None
    companies: tuple[FoundCompany, ...] = ()
    listed: bool = False

    @property
    def outcome(self) -> str:
        """In one word, for metrics and logs."""
        return "connected" if self.denial is None else self.denial.value

    @property
    def temporary(self) -> bool:
        """Whether it says nothing about the customer."""
        return self.denial in TEMPORARY

    @property
    def complete(self) -> bool:
        """Whether Visma has said of every company if it is open."""
        return all(company.readable is not None for company in self.companies)
