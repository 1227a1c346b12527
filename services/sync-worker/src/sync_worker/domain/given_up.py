"""What is said of a company whose Visma customer ID the organisation has given up: Visma would still answer, so it is we who do not ask."""

from contracts.results import FieldError
from contracts.sync import SyncStatus
from eventing.errors import Refused
from sync_worker.domain.trouble import Trouble

REASON = "visma_customer_id_given_up"
_HINT = (
    "Register the Visma customer ID on the organisation again, and it goes on by itself. If the company is reached through another ID now, "
    "archive it and add it again."
)


def trouble_of(visma_customer_id: int) -> Trouble:
    """Why nothing comes from Visma."""
    return Trouble(status=SyncStatus.NEEDS_CONSENT, reason=REASON, message=_message(visma_customer_id), hint=_HINT, whole_source=True)


def refusal(visma_customer_id: int) -> Refused:
    """The answer to who asks for something from Visma."""
    message = _message(visma_customer_id)
    return Refused(REASON, message, hint=_HINT, errors=[FieldError(field="company_id", code=REASON, message=message, hint=_HINT)])


def _message(visma_customer_id: int) -> str:
    return f"The Visma customer ID {visma_customer_id} of this company was removed from the organisation."
