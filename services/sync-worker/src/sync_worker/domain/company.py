"""A company as the retrieval needs to know it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from contracts.company import Module, PeriodType


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """``visma_company_id`` is what Visma is asked for, ``organisation_number`` what its answers must name."""

    company_id: UUID
    organization_id: UUID
    visma_company_id: int
    organisation_number: str
    period_type: PeriodType
    financial_year_start_month: int
    reconciliation_start: date
    modules: frozenset[Module]
