"""Metrics of sync-worker."""

from prometheus_client import Counter

from servicekit.metrics import declare

ROWS_LANDED = declare(
    Counter, "sync_rows_landed_total", "Rows that were fetched and stored", rise="retrieval is going on", labels=("data_set",)
)
ITEMS_PROVEN = declare(
    Counter,
    "sync_items_proven_total",
    "Data sets or periods that agree with their source",
    rise="retrieval is going on",
    labels=("data_set",),
)
REFETCHES = declare(
    Counter,
    "sync_refetches_total",
    "Data sets or periods read again as a whole because they differed from what the source states",
    rise="ledgers change while they are read, or rows get lost on the way",
    labels=("data_set",),
)
REPAIRS = declare(
    Counter,
    "sync_repairs_total",
    "Data sets or periods that agreed after the wrong vouchers alone were read again",
    rise="ledgers change while they are read, or rows get lost on the way",
    labels=("data_set",),
)
MISMATCHES = declare(
    Counter,
    "sync_mismatches_total",
    "Data sets or periods that differed also the second time",
    rise="figures that users see are wrong or incomplete; look at PeriodMismatched",
    labels=("data_set",),
)
TROUBLES = declare(
    Counter,
    "sync_troubles_total",
    "Steps that failed, by source and reason",
    rise="a source is away, an access was withdrawn, or we have a fault",
    labels=("source", "reason"),
)
LOOKS = declare(
    Counter,
    "sync_looks_total",
    "Looks at companies that were retrieved before, by what they found",
    rise="companies are followed; many with news mean that much is posted",
    labels=("result",),
)
LEASES_LOST = declare(
    Counter,
    "sync_leases_lost_total",
    "Answers thrown away because the item had been taken up by another process",
    rise="processes stall for longer than the lease",
)
