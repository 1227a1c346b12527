"""Faults on request: which calls they hit, how often, and what happens to them."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

CallKind = Literal["token", "report"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Status(_Frozen):
    """Answers with this status; `body` is sent as JSON, `text` as it stands."""

    kind: Literal["status"] = "status"
    status: int = Field(ge=200, le=599)
    body: Any = None
    text: str | None = None
    headers: dict[str, str] = {}


class TooManyRequests(_Frozen):
    kind: Literal["too_many_requests"] = "too_many_requests"
    retry_after: int | str = Field(description="seconds, or an HTTP date")


class GatewayPage(_Frozen):
    """An HTML page, as sent by a gateway in front of a service that does not answer."""

    kind: Literal["gateway_page"] = "gateway_page"
    status: int = Field(default=502, ge=200, le=599)


class Delay(_Frozen):
    """The right answer, later."""

    kind: Literal["delay"] = "delay"
    seconds: float = Field(ge=0)


class Drop(_Frozen):
    """The connection ends without an answer."""

    kind: Literal["drop"] = "drop"


class Truncated(_Frozen):
    """The right answer's head and the first half of its body; then the connection ends."""

    kind: Literal["truncated"] = "truncated"


class AnotherEmployer(_Frozen):
    """The report of another organisation, although it was not asked for."""

    kind: Literal["another_employer"] = "another_employer"
    answer: str


Effect = Annotated[Status | TooManyRequests | GatewayPage | Delay | Drop | Truncated | AnotherEmployer, Field(discriminator="kind")]


class Fault(_Frozen):
    """Hits calls of one kind, optionally of one organisation or month. `times` is None for every call until deleted."""

    match: CallKind
    organisation_number: str | None = None
    month: str | None = None
    times: int | None = Field(default=1, ge=1)
    effect: Effect

    def hits(self, kind: CallKind, organisation_number: str | None, month: str | None) -> bool:
        return self.match == kind and self.organisation_number in (None, organisation_number) and self.month in (None, month)


class Faults:
    """Waiting faults, oldest first; a call takes the first one that hits it."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._waiting = list(faults)

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._waiting))

    def take(self, kind: CallKind, organisation_number: str | None, month: str | None = None) -> Effect | None:
        for place, fault in enumerate(self._waiting):
            if fault.hits(kind, organisation_number, month):
                if fault.times == 1:
                    del self._waiting[place]
                elif fault.times is not None:
                    self._waiting[place] = fault.model_copy(update={"times": fault.times - 1})
                return fault.effect
        return None
