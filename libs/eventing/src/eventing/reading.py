"""From a record to a message, trusting nothing."""

from datetime import datetime, timedelta

from pydantic import ValidationError

from contracts.cloudevents import Attributes, Unreadable, read
from contracts.message import Message
from contracts.registry import MESSAGES
from contracts.results import FieldError
from contracts.upcasting import newest
from eventing.errors import InvalidData
from eventing.record import Record

LARGEST_COMMAND = 262_144  # bytes
FARTHEST_AHEAD = timedelta(minutes=5)
"""How far two clocks may differ. A message from farther in the future is not handled: what its sender says of time cannot be relied on."""


def attributes_of(record: Record) -> Attributes:
    """The record's attributes; raises `Unreadable` when it is not one of our CloudEvents or its key is not its subject."""
    attributes = read(record.headers)
    if not record.key:
        raise Unreadable("key", "is empty")
    if record.key != attributes.subject.encode():
        raise Unreadable("key", "is not the ce_subject")
    return attributes


def message_of(record: Record, attributes: Attributes, *, now: datetime) -> Message:
    """The record's data as the newest major of its type; raises `InvalidData` naming every wrong field, or a time that is yet to come."""
    kind = MESSAGES.get(attributes.type)
    if kind is None or record.topic != kind.TOPIC:
        raise InvalidData("unknown_type", f"{attributes.type} is not a message of {record.topic}")
    if kind.KIND == "command" and len(record.value or b"") > LARGEST_COMMAND:
        raise InvalidData("too_large", f"a command holds at most {LARGEST_COMMAND} bytes")
    try:
        message = kind.model_validate_json(record.value or b"")
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] == "json_invalid":
            raise InvalidData("invalid_json", "the value is not JSON") from None
        raise InvalidData("invalid_data", "the data is not as the contract says", _field_errors(error)) from None
    if attributes.time > now + FARTHEST_AHEAD:
        ahead = attributes.time - now
        raise InvalidData(
            "time_in_future", f"ce_time is {ahead} ahead of this clock; at most {FARTHEST_AHEAD} is taken for a difference of clocks"
        )
    if message.subject != attributes.subject:
        raise InvalidData("subject_mismatch", f"{kind.SUBJECT} in the data is not the ce_subject")
    organization_id = getattr(message, "organization_id", None)
    if organization_id is not None and str(organization_id) != attributes.organizationid:
        raise InvalidData("organization_mismatch", "organization_id in the data is not the ce_organizationid")
    return newest(message)


def _field_errors(error: ValidationError) -> list[FieldError]:
    # The value itself stays out of the text: it may be anything.
    return [
        FieldError(field=".".join(map(str, part["loc"])) or "data", code=part["type"], message=part["msg"])
        for part in error.errors(include_input=False, include_url=False)
    ]
