"""Metrics of visma-connector."""

from prometheus_client import Counter, Histogram

from servicekit.metrics import declare

PROBES = declare(
    Counter,
    "visma_connector_probes_total",
    "Probes by outcome: connected, a reason for denial, late (the lease was lost meanwhile), failed (a fault of ours)",
    rise="of not_authenticated that our own credentials are refused; of failed a defect; of another reason that customers must act",
    labels=("outcome",),
)
PROBE_SECONDS = declare(
    Histogram,
    "visma_connector_probe_seconds",
    "Time that Visma took for one probe, all its companies included",
    rise="Visma is slow, or customers with very many companies",
)
DELIVERIES = declare(
    Counter,
    "visma_connector_webhook_deliveries_total",
    "Notifications from Visma by outcome: accepted, duplicate, unused_table, unknown_company, or why they were refused",
    rise="of accepted is work; of wrong_signature that the key in Visma's portal is not ours, or a stranger knocks; of unreadable that "
    "Visma has changed their form; of failed that our database is away; of unknown_company that customers subscribe companies nobody reads",
    labels=("outcome",),
)
