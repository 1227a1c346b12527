"""What a Visma customer ID is worth to us: which of the doors between us and the ledgers are open."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from visma_nxt.companies import Company
from visma_nxt.errors import ACTIVATE, NotAuthenticated, Transient, VismaError


class Reach(StrEnum):
    CONNECTED = "connected"
    NOT_ACTIVATED = "not_activated"
    WRONG_ID = "wrong_id"
    NO_COMPANY_OPENED = "no_company_opened"
    UNREACHABLE = "unreachable"


NO_COMPANY_OPENED_HINT = (
    f"No company is opened for us. A system administrator must {ACTIVATE}: when User → Connect Application is done, "
    "add one row per company in Connect Application Access."
)


@dataclass(frozen=True, slots=True)
class ProbedCompany:
    """`obstacle` is why our client may not read the company, None when it may."""

    company: Company
    obstacle: VismaError | None

    @property
    def readable(self) -> bool | None:
        """None when Visma was away, which says nothing about our rights."""
        return None if isinstance(self.obstacle, Transient) else self.obstacle is None


@dataclass(frozen=True, slots=True)
class Probe:
    """`hint` says what to do about any outcome but CONNECTED; `error` is what Visma answered, when it refused.

    CONNECTED means that at least one company can be read.
    """

    customer_no: int
    reach: Reach
    companies: tuple[ProbedCompany, ...] = ()
    hint: str | None = None
    error: VismaError | None = None


def probe_of(customer_no: int, companies: Sequence[ProbedCompany]) -> Probe:
    """The outcome for a customer whose list we could read."""
    found = tuple(companies)
    if any(each.readable for each in found):
        return Probe(customer_no, Reach.CONNECTED, found)
    for each in found:
        if isinstance(each.obstacle, NotAuthenticated):
            raise each.obstacle
        if isinstance(each.obstacle, Transient):
            return Probe(customer_no, Reach.UNREACHABLE, found, each.obstacle.hint, each.obstacle)
    return Probe(customer_no, Reach.NO_COMPANY_OPENED, found, NO_COMPANY_OPENED_HINT)
