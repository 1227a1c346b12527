"""Maskinporten tokens and the client of the A07 reconciliation report."""

from skatteetaten.a07 import A07Client
from skatteetaten.checks import TOLERANCE, Check, cross_checks
from skatteetaten.errors import (
    ConfigurationError,
    NeedsConsentError,
    NotFoundError,
    NotMainUnitError,
    OurBugError,
    SkatteetatenError,
    TransientError,
    YearNotSupportedError,
)
from skatteetaten.maskinporten import MaskinportenTokens
from skatteetaten.report import (
    A07Report,
    Employee,
    EmployerContributionLine,
    Feedback,
    IncomeLine,
    Payment,
    RecipientSums,
    Submission,
    Totals,
    WithholdingLine,
    Workplace,
)
from skatteetaten.settings import A07Settings, MaskinportenSettings, RetrySettings, SkatteetatenSettings

__all__ = [
    "TOLERANCE",
    "A07Client",
    "A07Report",
    "A07Settings",
    "Check",
    "ConfigurationError",
    "Employee",
    "EmployerContributionLine",
    "Feedback",
    "IncomeLine",
    "MaskinportenSettings",
    "MaskinportenTokens",
    "NeedsConsentError",
    "NotFoundError",
    "NotMainUnitError",
    "OurBugError",
    "Payment",
    "RecipientSums",
    "RetrySettings",
    "SkatteetatenError",
    "SkatteetatenSettings",
    "Submission",
    "Totals",
    "TransientError",
    "WithholdingLine",
    "Workplace",
    "YearNotSupportedError",
    "cross_checks",
]
