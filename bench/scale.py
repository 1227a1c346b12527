"""Ten times the subjects and ten times the backlog, against themselves: the cost of a message must not grow."""

from uuid import UUID

from bench import relay
from bench.consume import Consuming, founded
from bench.messages import events_member_added
from bench.rounds import Comparison, compare
from bench.servers import Servers
from tenancy.members import KEEPING_MEMBERS

MESSAGES = 6_000


async def run(servers: Servers, rounds: int) -> list[Comparison]:
    """Messages of 300 and of 3,000 subjects; a backlog of 4,000 and of 40,000."""
    few, many = ([UUID(int=number + 1) for number in range(count)] for count in (300, 3_000))
    consuming = {
        len(subjects): Consuming(servers, "org-events", KEEPING_MEMBERS, events_member_added(subjects, MESSAGES), founded(subjects))
        for subjects in (few, many)
    }
    backlogs = {count: events_member_added(few, count) for count in (4_000, 40_000)}
    return [
        await compare(
            f"consume {MESSAGES:,} messages of {len(many):,} subjects",
            f"of {len(few)}",
            "messages/s",
            consuming[len(many)].through_kafka,
            consuming[len(few)].through_kafka,
            rounds=rounds,
            at_least=0.8,
        ),
        await compare(
            "relay a backlog of 40,000 messages",
            "of 4,000",
            "messages/s",
            lambda: relay.through_relay(servers, backlogs[40_000]),
            lambda: relay.through_relay(servers, backlogs[4_000]),
            rounds=rounds,
            at_least=0.8,
        ),
    ]
