"""What the contracts give to whom; no server is needed to say it."""

from contracts import topics
from provisioning.rights import OPERATORS, Right, parties, rights

SERVICES = ("org-service", "company-service", "visma-connector", "sync-worker")
DECLARED = topics.load()


def test_every_topic_is_written_by_its_producers_alone() -> None:
    writers = {
        topic.name: {right.user for right in rights(DECLARED) if right.operation == "WRITE" and right.name == topic.name}
        for topic in DECLARED
    }
    assert writers == {topic.name: set(topic.producers) for topic in DECLARED}


def test_every_topic_is_read_by_its_consumers_and_operators_alone() -> None:
    readers = {
        topic.name: {right.user for right in rights(DECLARED) if (right.operation, right.kind, right.name) == ("READ", "TOPIC", topic.name)}
        for topic in DECLARED
    }
    assert readers == {topic.name: {*topic.consumers, OPERATORS} for topic in DECLARED}


def test_only_operators_see_more_than_messages_and_they_write_nothing() -> None:
    assert {right.user for right in rights(DECLARED) if right.operation.startswith("DESCRIBE")} == {OPERATORS}
    assert not any(right.operation == "WRITE" for right in rights(DECLARED) if right.user == OPERATORS)


def test_groups_begin_with_the_name_of_their_party_and_no_name_begins_with_another() -> None:
    groups = {
        (right.user, right.name, right.by_prefix)
        for right in rights(DECLARED, prefix="t1.")
        if (right.operation, right.kind) == ("READ", "GROUP")
    }
    assert groups == {(f"t1.{party}", f"t1.{party}", True) for party in parties(DECLARED)}
    assert not [(one, other) for one in parties(DECLARED) for other in parties(DECLARED) if one != other and one.startswith(other)]


def test_the_parties_are_the_services_the_gateway_the_consumer_and_the_operators() -> None:
    assert parties(DECLARED) == sorted({*SERVICES, "ui-gateway", "reconciliation", OPERATORS})


def test_a_prefix_stands_before_topics_groups_and_users() -> None:
    given = rights(DECLARED, prefix="t1.")
    assert {right.name for right in given if not right.name.startswith("t1.")} == {"kafka-cluster"}
    assert all(right.user.startswith("t1.") for right in given)


def test_a_right_reads_as_a_sentence() -> None:
    assert str(Right("org-service", "WRITE", "TOPIC", "org-events")) == "org-service may write topic org-events"
    assert str(Right("org-service", "READ", "GROUP", "org-service", by_prefix=True)) == "org-service may read group org-service*"
    assert str(Right("operators", "DESCRIBE", "BROKER", "kafka-cluster")) == "operators may describe the cluster"
