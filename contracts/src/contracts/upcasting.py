"""Old majors read as the newest one, so that handlers see one version whatever the age of a message.

A breaking change adds the next major beside the old. The old class stays, because messages of it stand on the topics, and one function
leads from it to the next major:

    @upcasts(company.CompanyCreated)
    def _(old: company.CompanyCreated) -> company_v2.CompanyCreated: ...

A message is judged by its own major first, so that an error speaks of the fields its sender wrote.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from contracts.message import Message

Upcast = TypeVar("Upcast", bound=Callable[[Any], Message])

UPCASTS: dict[type[Message], Callable[[Any], Message]] = {}


def upcasts(old: type[Message]) -> Callable[[Upcast], Upcast]:
    """Register the way from ``old`` to its next major."""

    def register(function: Upcast) -> Upcast:
        if old in UPCASTS:
            raise ValueError(f"{old.TYPE} has an upcast already")
        UPCASTS[old] = function
        return function

    return register


def newest(message: Message) -> Message:
    """The message as its newest major; itself when it is that. Topic and subject stay, or order per key would not hold."""
    while step := UPCASTS.get(type(message)):
        after = step(message)
        name, major = _name_and_major(message)
        if (after.TOPIC, after.subject, *_name_and_major(after)) != (message.TOPIC, message.subject, name, major + 1):
            raise TypeError(f"the upcast of {message.TYPE} gives {after.TYPE} on {after.TOPIC} for {after.subject}")
        message = after
    return message


def _name_and_major(message: Message) -> tuple[str, int]:
    name, major = message.schema_id().rsplit(".v", 1)
    return name, int(major)
