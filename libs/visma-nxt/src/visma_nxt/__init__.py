"""A typed client of the Visma Business NXT GraphQL API: token, limits, paging, errors."""

from visma_nxt.client import Asked, VismaClient
from visma_nxt.companies import Company, CompanyInformation
from visma_nxt.exchanges import Exchange, noting
from visma_nxt.lanes import Lane, in_lane
from visma_nxt.pages import Key, Mark, Page, Row
from visma_nxt.probe import Probe, ProbedCompany, Reach
from visma_nxt.settings import BudgetSettings, VismaSettings
from visma_nxt.shared_budget import SharedBudget, Turn
from visma_nxt.tables import Table

__all__ = [
    "Asked",
    "BudgetSettings",
    "Company",
    "CompanyInformation",
    "Exchange",
    "Key",
    "Lane",
    "Mark",
    "Page",
    "Probe",
    "ProbedCompany",
    "Reach",
    "Row",
    "SharedBudget",
    "Table",
    "Turn",
    "VismaClient",
    "VismaSettings",
    "in_lane",
    "noting",
]
