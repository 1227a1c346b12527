"""What changes in the declaration of a topic, and for whom."""

from collections.abc import Iterator

from contracts.gate.change import Change, Kind, Party
from contracts.gate.snapshot import Contracts
from contracts.topics import Topic

OPERATORS = ("operators",)


def topic_changes(released: Contracts, today: Contracts) -> Iterator[Change]:
    """By topic, in the order of their names."""
    for name in sorted(set(released.topics) | set(today.topics)):
        if name not in released.topics:
            yield _harmless(
                name, Kind.TOPIC_ADDED, after=name, first=OPERATORS, advice="the topic exists before anybody starts who uses it"
            )
        elif name not in today.topics:
            affected = tuple(sorted({*released.producers(name), *released.consumers(name)}))
            yield _breaking(name, Kind.TOPIC_REMOVED, affected, before=name, advice="keep the topic until nobody reads or writes it")
        else:
            yield from _of(released, today, released.topics[name], today.topics[name])


def _of(released: Contracts, today: Contracts, old: Topic, new: Topic) -> Iterator[Change]:
    name = old.name
    readers, everybody = released.consumers(name), tuple(sorted({*released.producers(name), *released.consumers(name)}))
    if old.key != new.key:
        yield _breaking(name, Kind.KEY_CHANGED, everybody, old.key, new.key, "order is kept by key: use a new topic")
    if new.partitions > old.partitions:
        yield _breaking(
            name,
            Kind.PARTITIONS_RAISED,
            readers,
            str(old.partitions),
            str(new.partitions),
            "a key's next record lands on another partition than its last: use a new topic, or drain this one first",
        )
    if new.partitions < old.partitions:
        yield _breaking(name, Kind.PARTITIONS_LOWERED, everybody, str(old.partitions), str(new.partitions), "Kafka cannot: use a new topic")
    yield from _kept(readers, old, new)
    if new.max_message_bytes > old.max_message_bytes:
        yield _harmless(
            name,
            Kind.RECORDS_LARGER,
            str(old.max_message_bytes),
            str(new.max_message_bytes),
            first=(*OPERATORS, *_names(today.consumers(name))),
            advice="the topic and its readers take larger records before one is written",
        )
    if new.max_message_bytes < old.max_message_bytes:
        yield _breaking(
            name,
            Kind.RECORDS_SMALLER,
            released.producers(name),
            str(old.max_message_bytes),
            str(new.max_message_bytes),
            "records that were taken are refused",
        )
    yield from _parties(name, released.producers(name), today.producers(name), Kind.PRODUCER_ADDED, Kind.PRODUCER_REMOVED)
    yield from _parties(name, readers, today.consumers(name), Kind.CONSUMER_ADDED, Kind.CONSUMER_REMOVED)
    if old.owner != new.owner:
        yield _harmless(name, Kind.OWNER_CHANGED, old.owner, new.owner, advice="who answers for the topic is another")
    if old.carries != new.carries:
        yield _breaking(name, Kind.CARGO_CHANGED, everybody, old.carries, new.carries, "use a new topic")


def _kept(readers: tuple[Party, ...], old: Topic, new: Topic) -> Iterator[Change]:
    """What stays on the topic, and how long."""
    name = old.name
    forever = float("inf")
    was, is_ = (forever if topic.retention_ms == -1 else topic.retention_ms for topic in (old, new))
    compacted, compacts = old.cleanup == "compact", new.cleanup == "compact"
    if compacts and not compacted:
        yield _breaking(
            name,
            Kind.COMPACTION_BEGUN,
            readers,
            old.cleanup,
            new.cleanup,
            "all but a key's last record go: the numbers get gaps, a replay is short",
        )
    if compacted and not compacts:
        yield _harmless(
            name, Kind.COMPACTION_ENDED, old.cleanup, new.cleanup, first=OPERATORS, advice="every record is kept as long as stated"
        )
        was = forever  # compaction kept each key's last record at any age
    if is_ < was and not compacts:
        yield _breaking(
            name,
            Kind.RETENTION_SHORTER,
            readers,
            old.retention,
            new.retention,
            "what somebody may still have to read is gone: they catch up first",
        )
    if is_ > was:
        yield _harmless(name, Kind.RETENTION_LONGER, old.retention, new.retention, first=OPERATORS, advice="mind the disk")


def _parties(name: str, old: tuple[Party, ...], new: tuple[Party, ...], added: Kind, removed: Kind) -> Iterator[Change]:
    # By name: with its dead letters gone, a service looks like a gateway.
    for party in new:
        if party.name not in _names(old):
            yield _harmless(name, added, after=party.name, first=OPERATORS, advice="its rights are given before it starts")
    for party in old:
        if party.name not in _names(new):
            yield _breaking(name, removed, (party,), before=party.name, advice="it stops using the topic before its rights go")


def _breaking(
    where: str, kind: Kind, affects: tuple[Party, ...], before: str | None = None, after: str | None = None, advice: str = ""
) -> Change:
    return Change(where, "", kind, before, after, True, affects, (), advice)


def _harmless(
    where: str, kind: Kind, before: str | None = None, after: str | None = None, *, first: tuple[str, ...] = (), advice: str = ""
) -> Change:
    return Change(where, "", kind, before, after, False, (), first, advice)


def _names(parties: tuple[Party, ...]) -> tuple[str, ...]:
    return tuple(party.name for party in parties)
