"""What Visma sends to us when a row has changed: a signed notification per row.

Nothing is documented of order, of how often a notification comes, or whether it comes at all: it is a hint to read again. Of the row itself
only table and kind of change are looked at; the rest may change its form without harm.
"""

import base64
import hmac
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from visma_nxt.tables import TABLES, Table

SIGNATURE: Final = "x-vwd-signature-v1"
EVENT_ID: Final = "x-vwd-event-id"
NOTIFICATION_ID: Final = "x-vwd-notification-id"
LONGEST_ID: Final = 200

_TABLES = {table.type_name: table for table in TABLES}
_Number = Annotated[int, Field(ge=0, lt=2**31)]


class RowEvent(StrEnum):
    """What happened to the row."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class UnreadableNotification(Exception):
    """Not what Visma documents. ``fields`` are those that are missing or wrong, none when it is not JSON."""

    def __init__(self, fields: Iterable[str] = ()) -> None:
        self.fields = tuple(fields)
        super().__init__(f"wrong or missing: {', '.join(self.fields)}" if self.fields else "not JSON")


class TableChange(BaseModel):
    """A row of a company's table was changed. ``company_no`` is 0 for a table of the customer's, ``customer_no`` may be 0 otherwise."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, alias_generator=AliasGenerator(validation_alias=to_camel)
    )

    table_identifier: str
    company_no: _Number = 0
    customer_no: _Number = 0
    event: RowEvent

    @property
    def table(self) -> Table | None:
        """The table, when it is one that we read."""
        return _TABLES.get(self.table_identifier)


def signature(body: bytes, key: str) -> bytes:
    """The value of the header `SIGNATURE` for this body."""
    return base64.b64encode(hmac.digest(key.encode(), body, "sha256"))


def is_signed(body: bytes, claimed: bytes, keys: Iterable[str]) -> bool:
    """Whether one of the keys has signed the body; how long the answer takes does not tell how near a guess is."""
    return any(hmac.compare_digest(signature(body, key), claimed) for key in keys)


def delivery_id(headers: Mapping[str, str]) -> str | None:
    """What is the same each time a notification is delivered; None when Visma does not say. The signature does not cover it."""
    return (headers.get(EVENT_ID) or headers.get(NOTIFICATION_ID) or "")[:LONGEST_ID] or None


def read(body: bytes) -> TableChange:
    """The notification. Raises `UnreadableNotification`."""
    try:
        return TableChange.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        if any(problem["type"] == "json_invalid" for problem in problems):
            raise UnreadableNotification from None
        raise UnreadableNotification(".".join(map(str, problem["loc"])) or "(all)" for problem in problems) from None
