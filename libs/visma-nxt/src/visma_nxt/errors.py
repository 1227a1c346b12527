"""What can go wrong between us and Visma, and what to do about it.

VismaError
├── Transient                  try again later; `retry_after` seconds when Visma said so
│   ├── VismaUnreachable       no answer, or only a part of one
│   ├── RateLimited            HTTP 429: our token asked too often
│   ├── ConcurrencyLimited     too many requests in flight for one company or customer
│   └── ServerFault            HTTP 5xx
├── NotAuthenticated           Visma does not accept our own credentials
├── AccessProblem              the customer has to open a door
│   ├── CustomerNotActivated
│   ├── CustomerUnknown
│   └── CompanyNotOpened
├── QueryRejected              the schema has no such table or column, or hides it from us
├── WrongCompanyAnswered       the rows belong to somebody else
└── UnexpectedAnswer           anything that fits none of the above

Callers map Transient to "later", AccessProblem to the user, everything else to an operator.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

_NAMES_UNKNOWN = frozenset({"FIELDS_ON_CORRECT_TYPE", "KNOWN_TYPE_NAMES", "KNOWN_ARGUMENT_NAMES", "ARGUMENTS_OF_CORRECT_TYPE"})
ACTIVATE = "activate the integration in Business NXT with our client key"


@dataclass(frozen=True, slots=True)
class Call:
    """One question to Visma. What an error and a log line may say of it is everything but the variables."""

    operation: str
    document: str = field(default="", repr=False)
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    company_no: int | None = None
    customer_no: int | None = None


class VismaError(Exception):
    """Attributes: `operation`, `company_no`, `customer_no`, `detail` (Visma's words, in English), `code` (Visma's),
    `trace_id` (to quote to Visma's support), and `hint`, what the reader can do, fit for a screen.
    """

    summary: ClassVar[str] = "Visma could not answer"
    hint: ClassVar[str] = "Quote the trace id to Visma's support."

    def __init__(self, call: Call, detail: str = "", *, code: str | None = None, trace_id: str | None = None) -> None:
        self.operation = call.operation
        self.company_no = call.company_no
        self.customer_no = call.customer_no
        self.detail = detail
        self.code = code
        self.trace_id = trace_id
        super().__init__(detail)

    def __str__(self) -> str:
        about = {
            "operation": self.operation,
            "Visma company": self.company_no,
            "Visma customer ID": self.customer_no,
            "code": self.code,
            "trace": self.trace_id,
        }
        facts = ", ".join(f"{name} {value}" for name, value in about.items() if value is not None)
        return f"{self.summary}{': ' if self.detail else ''}{self.detail} ({facts})"


class Transient(VismaError):
    summary = "Visma cannot answer right now"
    hint = "Nothing to do: it is tried again."

    def __init__(
        self,
        call: Call,
        detail: str = "",
        *,
        code: str | None = None,
        trace_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(call, detail, code=code, trace_id=trace_id)
        self.retry_after = retry_after


class VismaUnreachable(Transient):
    summary = "Visma cannot be reached"
    hint = "Nothing to do: it is tried again. If it lasts, look at Visma's status page and at our own network."


class RateLimited(Transient):
    summary = "Visma asks us to slow down"
    hint = "Nothing to do: it is tried again. If it lasts, another program uses our client key; lower requests_per_minute."


class ConcurrencyLimited(Transient):
    summary = "too many requests are in progress for this company"
    hint = "Nothing to do: it is tried again. If it lasts, other integrations of this company keep Visma busy."


class ServerFault(Transient):
    summary = "Visma has a fault"
    hint = "Nothing to do: it is tried again. If it lasts, look at Visma's status page."


class NotAuthenticated(VismaError):
    summary = "Visma does not accept our client key"
    hint = (
        "For operators: check client_id, client_secret and scope, that the secret is still listed in Visma's developer "
        "portal, and that the application and its integration with Business NXT are approved there."
    )


class AccessProblem(VismaError):
    summary = "we have no access"
    hint = f"Ask a system administrator to {ACTIVATE}."


class CustomerNotActivated(AccessProblem):
    summary = "our client key is not activated for this Visma customer ID"
    hint = (
        f"A system administrator must {ACTIVATE}: User → Connect Application, then Connect Application Access per "
        "company. It is noticed by itself within a few minutes."
    )


class CustomerUnknown(AccessProblem):
    summary = "Visma knows no such Visma customer ID"
    hint = (
        "Check the Visma customer ID: a system administrator finds it in the Visma.net portal. "
        "It is the number of the accounting firm, not of a company or of a customer in the sales ledger."
    )


class CompanyNotOpened(AccessProblem):
    summary = "this company is not opened for our client key"
    hint = (
        "A system administrator must open the company for our client key in Business NXT: Connect Application Access, "
        "one row with this company and an access group that may read everything."
    )


class QueryRejected(VismaError):
    summary = "Visma rejected the query"
    hint = (
        "If the table or column exists, the access group chosen in Connect Application Access hides it: choose one "
        "that may read everything. Otherwise Visma changed its schema and operators must adapt the table's declaration."
    )

    @property
    def names_unknown(self) -> bool:
        """Whether a table or column that the query names is what Visma does not know, as far as its words tell."""
        return self.code in _NAMES_UNKNOWN or "FieldsOnCorrectType" in self.detail


class WrongCompanyAnswered(VismaError):
    summary = "the answer belongs to another company"
    hint = (
        "Nothing of the answer was used. Check that the organisation number registered here and the one in the company "
        "information in Visma are the same; if they are, quote the trace id to Visma's support."
    )


class UnexpectedAnswer(VismaError):
    summary = "Visma gave an answer we do not understand"
