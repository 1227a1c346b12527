"""company-service put together."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from company_service import handlers
from company_service.settings import Settings
from contracts.company import (
    AddVismaCompany,
    ArchiveCompany,
    ChangeReconciliationStart,
    CreateCompanyGroup,
    SetModules,
    UpdateCompany,
)
from contracts.org import Role, VismaIdsRegistered, VismaIdsRemoved
from contracts.visma import VismaCompaniesListed, VismaCompanyAccessChanged, VismaCustomerAccessDenied, VismaCustomerConnected
from eventing.inbox import Handler
from servicekit.service import Parts, Service
from tenancy.authorisation import requires
from tenancy.members import KEEPING_MEMBERS

MIGRATIONS = Path(__file__).parents[2] / "migrations"


async def build(settings: Settings, parts: Parts) -> Service:
    """Commands are for accountants, the one that ends a company for administrators; everything else is a copy of what others decide."""
    del parts

    def judging(handler: Callable[..., Awaitable[Mapping[str, Any]]]) -> Handler:
        return requires(Role.ACCOUNTANT, partial(handler, allow_synthetic=settings.allow_synthetic_organisation_numbers))

    return Service(
        handlers={
            **KEEPING_MEMBERS,
            AddVismaCompany: judging(handlers.add_visma_company),
            UpdateCompany: judging(handlers.update_company),
            ChangeReconciliationStart: judging(handlers.change_reconciliation_start),
            SetModules: judging(handlers.set_modules),
            ArchiveCompany: requires(Role.ADMINISTRATOR, handlers.archive_company),
            CreateCompanyGroup: requires(Role.ACCOUNTANT, handlers.create_company_group),
            VismaIdsRegistered: handlers.on_visma_ids_registered,
            VismaIdsRemoved: handlers.on_visma_ids_removed,
            VismaCustomerConnected: handlers.on_visma_customer_connected,
            VismaCustomerAccessDenied: handlers.on_visma_customer_access_denied,
            VismaCompaniesListed: handlers.on_visma_companies_listed,
            VismaCompanyAccessChanged: handlers.on_visma_company_access_changed,
        }
    )
