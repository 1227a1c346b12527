"""Every metric of the message core, with what a rise means."""

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter(
    "eventing_messages_handled_total",
    "Records dealt with, by topic and by what became of them. A rise of handled is work; of refused, senders make mistakes; "
    "of duplicate, a replay or a relay that was interrupted; of dead, see eventing_dead_letters_total.",
    ["topic", "result"],
    registry=None,
)
HANDLING_SECONDS = Histogram(
    "eventing_handling_seconds", "Time to handle one record. A rise: slow queries or waiting for locks.", ["topic"], registry=None
)
GAPS = Counter(
    "eventing_sequence_gaps_total",
    "Places where a subject's events have numbers missing. Any rise: messages were lost before us.",
    ["topic"],
    registry=None,
)
DEAD_LETTERS = Counter(
    "eventing_dead_letters_total",
    "Records copied to the dead-letter topic. Any rise: somebody sends what we cannot read or handle.",
    ["topic", "reason"],
    registry=None,
)
OPERATIONS = Counter(
    "eventing_operations_total",
    "Operators' redrives, discards, replays and proofs that have ended. "
    "A rise of failed: the world had changed, or a message failed again.",
    ["kind", "state"],
    registry=None,
)
PARKED_RECORDS = Gauge(
    "eventing_parked_records",
    "Records in the queues of keys that cannot go on, by state. A rise of waiting: handlers fail and are tried again; "
    "of parked: keys stand still until an operator redrives or discards their head.",
    ["state"],
    registry=None,
)
PUBLISHED = Counter("eventing_published_total", "Messages the broker has acknowledged. A rise is work.", registry=None)
OUTBOX_REFUSED = Counter(
    "eventing_outbox_refused_total", "Messages the broker refuses for good. Any rise is a fault of ours.", ["topic"], registry=None
)
OUTBOX_MESSAGES = Gauge(
    "eventing_outbox_messages", "Messages waiting for the relay. A lasting rise: Kafka or the relay is away.", registry=None
)
OUTBOX_AGE = Gauge(
    "eventing_outbox_oldest_seconds", "Age of the oldest message in the outbox. A lasting rise: nothing is published.", registry=None
)
PAUSED = Gauge(
    "eventing_consumer_paused",
    "1 while the service takes no records, by who wanted it. A rise of operator: somebody does maintenance; "
    "of too_many_broken: most of what came was broken, and nothing goes on until an operator resumes it.",
    ["kind"],
    registry=None,
)
CONSUMER_LAG = Gauge(
    "eventing_consumer_lag_records",
    "Records that this member has yet to deal with, by partition it holds. A lasting rise: handling is slower than what arrives, "
    "or stands still.",
    ["topic", "partition"],
    registry=None,
)

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
    PAUSED,
    CONSUMER_LAG,
)
"""For the program's registry: this library has none of its own."""
