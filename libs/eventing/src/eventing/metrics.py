"""Every metric of the message core, with what a rise means."""

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter(
    "eventing_messages_handled_total", "Records dealt with, by topic and by what became of them.", ["topic", "result"], registry=None
)
HANDLING_SECONDS = Histogram(
    "eventing_handling_seconds", "Time to handle one record. A rise: slow queries or waiting for locks.", ["topic"], registry=None
)
GAPS = Counter(
    "eventing_sequence_gaps_total",
    "Numbers missing in a subject's events. Any rise: messages were lost before us.",
    ["topic"],
    registry=None,
)
DEAD_LETTERS = Counter(
    "eventing_dead_letters_total",
    "Records copied to the dead-letter topic. Any rise needs a look.",
    ["topic", "reason"],
    registry=None,
)
OPERATIONS = Counter(
    "eventing_operations_total", "Operators' redrives, discards, replays and proofs that have ended.", ["kind", "state"], registry=None
)
PARKED_RECORDS = Gauge("eventing_parked_records", "Records in the queues of keys that cannot go on, by state.", ["state"], registry=None)
PUBLISHED = Counter("eventing_published_total", "Messages the broker has acknowledged.", registry=None)
OUTBOX_REFUSED = Counter(
    "eventing_outbox_refused_total", "Messages the broker refuses for good. Any rise is a fault of ours.", ["topic"], registry=None
)
OUTBOX_MESSAGES = Gauge(
    "eventing_outbox_messages", "Messages waiting for the relay. A lasting rise: Kafka or the relay is away.", registry=None
)
OUTBOX_AGE = Gauge("eventing_outbox_oldest_seconds", "Age of the oldest message in the outbox.", registry=None)

ALL = (
    HANDLED,
    HANDLING_SECONDS,
    GAPS,
    DEAD_LETTERS,
    OPERATIONS,
    PARKED_RECORDS,
    PUBLISHED,
    OUTBOX_REFUSED,
    OUTBOX_MESSAGES,
    OUTBOX_AGE,
)
"""For the program's registry: this library has none of its own."""
