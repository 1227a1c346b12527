"""Why a message was not handled, and what that means for it.

Refused       the domain says no: an outcome for the sender, not an error
Transient     may work later: only this key waits
  NotYet      waits a little for facts that may be on their way, then is refused
Unreadable    no CloudEvent of ours, or not with data we understand (from `contracts.cloudevents`, and here with the fields)
(any other)   a handler failed: tried a few times, then parked
"""

from collections.abc import Sequence
from datetime import timedelta

from contracts.results import FieldError


class Refused(Exception):
    """The domain says no. ``code`` is for programs, ``message`` and ``hint`` for people, ``errors`` names every wrong field."""

    def __init__(self, code: str, message: str, *, hint: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        self.code = code
        self.message = message
        self.hint = hint
        self.errors = tuple(errors)
        super().__init__(f"{code}: {message}")


class Transient(Exception):
    """Not now. Tried again with backoff; everything later of the same key waits behind it."""


class NotYet(Transient):
    """Would be refused, but for facts of another service that may not have arrived yet: refused for good after ``within``."""

    def __init__(self, refused: Refused, *, within: timedelta = timedelta(seconds=3)) -> None:
        self.refused = refused
        self.within = within
        super().__init__(f"not yet: {refused}")


class InvalidData(Exception):
    """The message is ours, its data is not as the contract says."""

    def __init__(self, code: str, message: str, errors: Sequence[FieldError] = ()) -> None:
        self.code = code
        self.message = message
        self.errors = tuple(errors)
        super().__init__(f"{code}: {message}" + "".join(f"; {error.field}: {error.message}" for error in errors))
