"""What Visma's error objects mean.

An error is judged by its `extensions.code` when the code is known, else by its text, else it is an UnexpectedAnswer:
not retried here, shown to operators, and a candidate for a new line in the table. Texts change without notice and
most are not published, so patterns look for the few words that carry the meaning.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from visma_nxt.errors import (
    Call,
    CompanyNotOpened,
    ConcurrencyLimited,
    CustomerNotActivated,
    CustomerUnknown,
    QueryRejected,
    UnexpectedAnswer,
    VismaError,
)

CODES: Final[Mapping[str, type[VismaError]]] = {
    "OUTSTANDING_LIMIT_EXCEEDED": ConcurrencyLimited,  # documented
    "FIELDS_ON_CORRECT_TYPE": QueryRejected,  # documented
    # The rest are the names that Visma's server library gives its validation rules; not seen from Visma itself.
    "SYNTAX_ERROR": QueryRejected,
    "KNOWN_ARGUMENT_NAMES": QueryRejected,
    "KNOWN_TYPE_NAMES": QueryRejected,
    "ARGUMENTS_OF_CORRECT_TYPE": QueryRejected,
    "VARIABLES_ARE_INPUT_TYPES": QueryRejected,
    "VARIABLES_IN_ALLOWED_POSITION": QueryRejected,
    "PROVIDED_NON_NULL_ARGUMENTS": QueryRejected,
    "SCALAR_LEAFS": QueryRejected,
    "NO_UNDEFINED_VARIABLES": QueryRejected,
    "INVALID_VALUE": QueryRejected,
    "INVALID_OPERATION": QueryRejected,
}

PATTERNS: Final[tuple[tuple[re.Pattern[str], type[VismaError], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), error, evidence)
    for pattern, error, evidence in (
        (r"^GraphQL\.Validation\.", QueryRejected, "documented"),
        (r"\bhas \d+ requests in progress\b", ConcurrencyLimited, "documented"),
        (
            r"authorize user using VismaNetCompanyId\b",
            CompanyNotOpened,
            "documented; that a missing grant is the cause is our reading",
        ),
        (r"authorize user using VismaNetCustomerId\b", CustomerNotActivated, "convention, by analogy with companies"),
        (r"\b(unknown|no such|not found|does not exist)\b.*\bcustomer\b", CustomerUnknown, "convention"),
        (r"\bcustomer\b.*\b(unknown|not found|does not exist)\b", CustomerUnknown, "convention"),
    )
)


def problem(call: Call, error: Any, trace_id: str | None) -> VismaError:
    """The typed error for one object of an answer's `errors` list."""
    if not isinstance(error, dict):
        return UnexpectedAnswer(call, "an error without a message", trace_id=trace_id)
    message = str(error.get("message", ""))
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return _kind(message, code)(call, message, code=code, trace_id=trace_id)


def _kind(message: str, code: object) -> type[VismaError]:
    if isinstance(code, str) and code in CODES:
        return CODES[code]
    return next((error for pattern, error, _ in PATTERNS if pattern.search(message)), UnexpectedAnswer)
