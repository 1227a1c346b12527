"""A company as it was added and changed since. An archived one stays as it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from company_service.domain import financial_year
from contracts.company import Module, PeriodType, VatFrequency
from contracts.sync import Period
from eventing.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What the form says of it, and whether its work has ended. The order of groups and modules means nothing."""

    company_id: UUID
    organization_id: UUID
    visma_customer_id: int
    visma_company_id: int
    name: str
    comment: str
    organisation_number: str
    period_type: PeriodType
    financial_year_start_month: int
    reconciliation_start: date
    responsible_user: str
    vat_frequency: VatFrequency
    company_groups: tuple[UUID, ...]
    modules: tuple[Module, ...]
    archived: bool = False

    @property
    def first_period(self) -> Period:
        """The reconciliation period in which the work begins."""
        return financial_year.first_period(self.reconciliation_start, self.period_type, self.financial_year_start_month)

    def ids(self) -> dict[str, Any]:
        """What every event about it begins with."""
        return {"company_id": self.company_id, "organization_id": self.organization_id}

    def form(self) -> dict[str, Any]:
        """All fields of the form."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items() if name != "archived"}

    def differing(self, settled: Mapping[str, Any]) -> dict[str, Any]:
        """Those of these fields that say something else than now."""
        return {name: value for name, value in settled.items() if _meaning(value) != _meaning(getattr(self, name))}


def _meaning(value: Any) -> Any:
    return frozenset(value) if isinstance(value, tuple) else value


def unknown() -> Refused:
    """No company of the organisation has this id. The answer is the same when another organisation has one."""
    return Refused("unknown_company", "This company is not known here.", hint="Check the company id; a company must be added before.")


def ended(company: Company) -> Refused:
    """The company is archived."""
    return Refused(
        "company_archived",
        f"{company.name} is archived and can only be looked at.",
        hint="Add the Visma company again, as a new company, to go on working with it.",
    )
