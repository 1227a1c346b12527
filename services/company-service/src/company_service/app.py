"""company-service put together."""

from functools import partial
from pathlib import Path

from company_service import handlers
from company_service.settings import Settings
from contracts.company import AddVismaCompany, CreateCompanyGroup
from contracts.org import Role, VismaIdsRegistered, VismaIdsRemoved
from contracts.visma import VismaCompaniesListed, VismaCompanyAccessChanged, VismaCustomerAccessDenied, VismaCustomerConnected
from servicekit.service import Parts, Service
from tenancy.authorisation import requires
from tenancy.members import KEEPING_MEMBERS

MIGRATIONS = Path(__file__).parents[2] / "migrations"


async def build(settings: Settings, parts: Parts) -> Service:
    """Commands are for accountants; everything else is a copy of what other services decide."""
    del parts
    add_visma_company = partial(handlers.add_visma_company, allow_synthetic=settings.allow_synthetic_organisation_numbers)
    return Service(
        handlers={
            **KEEPING_MEMBERS,
            AddVismaCompany: requires(Role.ACCOUNTANT, add_visma_company),
            CreateCompanyGroup: requires(Role.ACCOUNTANT, handlers.create_company_group),
            VismaIdsRegistered: handlers.on_visma_ids_registered,
            VismaIdsRemoved: handlers.on_visma_ids_removed,
            VismaCustomerConnected: handlers.on_visma_customer_connected,
            VismaCustomerAccessDenied: handlers.on_visma_customer_access_denied,
            VismaCompaniesListed: handlers.on_visma_companies_listed,
            VismaCompanyAccessChanged: handlers.on_visma_company_access_changed,
        }
    )
