"""What each failure of a step means: wait, ask for a person, or admit a fault of ours."""

from datetime import timedelta

import skatteetaten
from contracts.sync import DataSet, SyncStatus
from sync_worker.domain.trouble import Trouble, Troubled
from visma_nxt import errors as visma

_OURS = "This is a fault on our side: contact support and quote the reason. Ask for the retrieval again when it is mended."
_TRIED_AGAIN = "It is tried again every few minutes, and everything goes on by itself when this is mended."
_NOT_HELD_UP = "The rest of the company is not held up, and this is tried again every day."
_COULD_BE_READ = "It could be read before, is tried again every hour, and goes on by itself when it can be read."
_LEDGER_ITSELF = frozenset(
    {
        DataSet.ACCOUNTING_PERIODS,
        DataSet.LEDGER_ACCOUNTS,
        DataSet.LEDGER_LINES,
        DataSet.OPENING_BALANCES,
        DataSet.ACCOUNT_BALANCES,
    }
)
"""Without these nothing is of use."""


def trouble_of(error: Exception, data_set: DataSet, *, known: bool = False) -> Trouble:
    """The trouble that an error of a step with an item of this data set stands for; ``known``: the item agreed with its source before."""
    match error:
        case Troubled():
            return error.trouble
        case visma.QueryRejected() if error.names_unknown and known:
            return _hidden(error)
        case visma.QueryRejected() if error.names_unknown and data_set not in _LEDGER_ITSELF:
            return not_supported(str(error), f"{error.hint} {_NOT_HELD_UP}")
        case visma.VismaError():
            return _visma(error)
        case skatteetaten.SkatteetatenError():
            return _skatteetaten(error)
    kind = type(error).__name__
    return Trouble(
        status=SyncStatus.NEEDS_ATTENTION,
        reason=f"internal_error:{kind}",
        message=f"An unexpected fault stopped the retrieval ({kind}).",
        hint=_OURS,
    )


def not_supported(message: str, hint: str = _NOT_HELD_UP) -> Trouble:
    """A customer's Visma does not have what a data set is made of."""
    return Trouble(status=SyncStatus.NOT_SUPPORTED, reason="not_supported", message=message, hint=hint)


def _hidden(error: visma.QueryRejected) -> Trouble:
    """What could be read before is known to the customer's Visma: whoever chose what we may read chose differently."""
    return Trouble(status=SyncStatus.NEEDS_CONSENT, reason="table_hidden", message=str(error), hint=f"{error.hint} {_COULD_BE_READ}")


def _visma(error: visma.VismaError) -> Trouble:
    status = SyncStatus.NEEDS_ATTENTION
    asked = None
    match error:
        case visma.Transient():
            status = SyncStatus.RETRYING
            asked = _seconds(error.retry_after)
        case visma.AccessProblem():
            status = SyncStatus.NEEDS_CONSENT
    return Trouble(
        status=status,
        reason=_snake(type(error).__name__),
        message=str(error),
        hint=f"{error.hint} {_TRIED_AGAIN}" if isinstance(error, visma.NotAuthenticated) else error.hint,
        whole_source=isinstance(error, visma.AccessProblem | visma.NotAuthenticated),
        retry_after=asked,
    )


def _skatteetaten(error: skatteetaten.SkatteetatenError) -> Trouble:
    status = SyncStatus.NEEDS_ATTENTION
    asked = None
    match error:
        case skatteetaten.TransientError():
            status = SyncStatus.RETRYING
            asked = _seconds(error.retry_after)
        case skatteetaten.NeedsConsentError():
            status = SyncStatus.NEEDS_CONSENT
    of_the_employer = skatteetaten.NeedsConsentError | skatteetaten.NotMainUnitError | skatteetaten.ConfigurationError
    return Trouble(
        status=status,
        reason=error.kind,
        message=str(error),
        hint=f"{error.hint} {_TRIED_AGAIN}" if isinstance(error, skatteetaten.ConfigurationError) else error.hint,
        whole_source=isinstance(error, of_the_employer),
        retry_after=asked,
    )


def _seconds(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(seconds=number)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
