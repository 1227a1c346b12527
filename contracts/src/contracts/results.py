"""The outcome of every command, published by the service that handled it, keyed by the id the sender gave the command."""

from typing import Any

from pydantic import Field

from contracts.message import Event, Record


class FieldError(Record):
    """One field that was refused."""

    field: str = Field(description="name in the command's data; a dot leads into lists and parts: company_groups.0")
    code: str = Field(description="stable, for programs")
    message: str = Field(description="for people, in the guide's words")
    hint: str | None = None


class Outcome(Event):
    """What became of one command."""

    TOPIC = "command-results"
    SUBJECT = "command_id"
    command_id: str
    command_type: str = Field(description="CloudEvents type of the command; empty when it could not be read")
    repeat: bool = Field(False, description="the command was sent before; this is its first outcome again, and nothing was done twice")


class CommandSucceeded(Outcome):
    """The command was carried out. The events that tell what happened carry its id as causation."""

    TYPE = "no.accountflow.results.CommandSucceeded.v1"
    result: dict[str, Any] = Field(default_factory=dict, description="what the sender may want to show at once, such as an aligned date")


class CommandRejected(Outcome):
    """The command was refused and changed nothing."""

    TYPE = "no.accountflow.results.CommandRejected.v1"
    code: str = Field(description="stable, for programs")
    message: str = Field(description="for people")
    hint: str | None = Field(None, description="what to do about it")
    errors: list[FieldError] = Field(default_factory=list, description="every refused field, not only the first")
