"""The verdict on every change: does it break anybody, whom, and who deploys first.

Direction decides. A command's schema says what the service reads: it may allow more, once the service is deployed, but never less. An
event's schema is what every reader was promised, and old events stay on the topic: it may allow neither more nor less, only add what
readers pass over.
"""

from collections.abc import Iterator
from dataclasses import replace

from contracts.gate.change import PAYLOAD, Change, Difference, Effect, Kind, Party
from contracts.gate.schemas import differences
from contracts.gate.snapshot import Contracts
from contracts.gate.topics import topic_changes

NEW_MAJOR = "leave this major as it is and add the next one beside it, with an upcast from this one"


def compare(released: Contracts, today: Contracts) -> list[Change]:
    """Every change from the released contracts to today's."""
    return [
        *topic_changes(released, today),
        *_header_changes(released, today),
        *_message_changes(released, today),
    ]


def breaks(changes: list[Change]) -> bool:
    """Whether any of these breaks somebody."""
    return any(change.breaking for change in changes)


def _message_changes(released: Contracts, today: Contracts) -> Iterator[Change]:
    for name in sorted(set(released.schemas) | set(today.schemas)):
        if name not in released.schemas:
            yield _added(name, released, today)
            continue
        old = released.schemas[name]
        topic, command = old["x-topic"], old["x-kind"] == "command"
        everybody = (*released.producers(topic), *released.consumers(topic))
        if name not in today.schemas:
            advice = "messages of it stand on the topic: keep its class, and upcast it to the next major"
            yield Change(name, "", Kind.MESSAGE_REMOVED, name, None, True, everybody, (), advice)
            continue
        new = today.schemas[name]
        for word, kind in (
            ("$id", Kind.TYPE_STRING_CHANGED),
            ("x-topic", Kind.MESSAGE_MOVED),
            ("x-key", Kind.MESSAGE_KEY_CHANGED),
            ("x-kind", Kind.COMMAND_OR_EVENT),
        ):
            if old[word] != new[word]:
                yield Change(name, "", kind, old[word], new[word], True, everybody, (), NEW_MAJOR)
        for difference in differences(old, new):
            yield _verdict(name, difference, command, released.producers(topic), released.consumers(topic))


def _added(name: str, released: Contracts, today: Contracts) -> Change:
    message, major = name.rsplit(".v", 1)
    kind = Kind.NEW_MAJOR_ADDED if any(f"{message}.v{older}" in released.schemas for older in range(1, int(major))) else Kind.MESSAGE_ADDED
    readers = tuple(party.name for party in today.consumers(today.schemas[name]["x-topic"]))
    return Change(name, "", kind, None, name, False, (), readers, "readers know it before the first one is written")


def _header_changes(released: Contracts, today: Contracts) -> Iterator[Change]:
    for kind, old in released.headers.items():
        names = sorted({schema["x-topic"] for schema in released.schemas.values() if schema["x-kind"] == kind})
        for difference in differences(old, today.headers[kind]):
            yield _verdict(f"{kind} headers", difference, kind == "command", released.producers(*names), released.consumers(*names))


def _verdict(where: str, difference: Difference, command: bool, producers: tuple[Party, ...], consumers: tuple[Party, ...]) -> Change:
    effect = PAYLOAD[difference.kind]
    change = Change(where, difference.path, difference.kind, difference.before, difference.after, True, consumers, (), NEW_MAJOR)
    if effect is Effect.SAYS or (effect is Effect.ADDS and not command):
        return replace(change, breaking=False, affects=(), advice="readers pass over what they do not know")
    if command and effect in {Effect.ADDS, Effect.GROWS}:
        first = tuple(party.name for party in consumers)
        return replace(change, breaking=False, affects=(), first=first, advice="the service takes it before a gateway sends it")
    if command:
        return replace(change, affects=producers)
    return change
