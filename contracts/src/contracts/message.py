"""What every message is: a frozen model with an explicit wire type, a topic and a subject.

Writers are strict (a missing field does not leave the house), readers ignore fields they do not know, so a newer producer never breaks
an older consumer. A breaking change is a new class with the next major version in its type; the old one stays.
"""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*$"  # PostgreSQL text cannot hold a NUL, and no screen shows the others
UserId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_NO_CONTROL_CHARACTERS)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_NO_CONTROL_CHARACTERS)]
VismaCustomerId = Annotated[int, Field(gt=0, lt=2**31, description="Visma.net customer number, the tenant that bought Business NXT")]
VismaCompanyId = Annotated[int, Field(gt=0, lt=2**31, description="Visma.net company ID, as passed to useCompany(no:)")]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Number = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
"""A number that something goes by, as Visma gives it: of an account, a voucher, a year."""
Kroner = Annotated[Decimal, Field(json_schema_extra={"x-unit": "NOK"})]
Percent = Annotated[Decimal, Field(json_schema_extra={"x-unit": "percent"})]


def _written_out(value: Any) -> Any:
    if isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).isdecimal()):
        raise ValueError("a moment is written as 2026-11-23T08:00:00Z, not as a number of seconds")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""A point in time with its zone: neither what a clock on a wall showed, nor seconds or milliseconds."""


class Record(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Message(Record):
    """A command or an event. ``TYPE`` is the CloudEvents type, ``SUBJECT`` names the field that is key and subject on Kafka."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]
    SUBJECT: ClassVar[str]
    KIND: ClassVar[Literal["command", "event"]]

    @property
    def subject(self) -> str:
        """The id whose order matters: the Kafka key and the CloudEvents subject."""
        value: Any = getattr(self, self.SUBJECT)
        return str(value)

    @classmethod
    def schema_id(cls) -> str:
        """``RegisterOrganization.v1``: how files and documents name this message."""
        name, version = cls.TYPE.rsplit(".", 2)[-2:]
        return f"{name}.{version}"


class Command(Message):
    """A wish, addressed to one service. It is answered on ``command-results`` under the id its sender gave it."""

    KIND = "command"


class Event(Message):
    """A fact. Its sender numbers the events of one subject without holes."""

    KIND = "event"


class OrganizationMessage(Message):
    """A message about one organisation, keyed by it."""

    SUBJECT = "organization_id"
    organization_id: UUID


class CompanyMessage(Message):
    """A message about one company of one organisation, keyed by the company."""

    SUBJECT = "company_id"
    company_id: UUID
    organization_id: UUID
