"""Metrics of org-service."""

from prometheus_client import Counter

from servicekit.metrics import declare

CLAIMS_REFUSED = declare(
    Counter,
    "org_visma_customer_id_claims_refused_total",
    "Visma customer IDs that belong to one organisation and that another one tried to register",
    rise="typing errors, or somebody tries what is not theirs",
)
