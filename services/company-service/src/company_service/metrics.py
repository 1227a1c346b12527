"""Metrics of company-service."""

from prometheus_client import Counter

from servicekit.metrics import declare

FORM_ERRORS = declare(
    Counter,
    "company_form_errors_total",
    "Fields of company forms that were refused at once",
    rise="users do not understand this field, or a gateway sends it wrongly",
    labels=("field", "code"),
)
