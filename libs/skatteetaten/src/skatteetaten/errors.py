"""What can go wrong at Maskinporten and Skatteetaten, told apart by what someone has to do about it.

    SkatteetatenError
    ├── TransientError          nothing to do: the same call may succeed later
    ├── NeedsConsentError       the company must approve (again) our system access in Altinn
    ├── NotMainUnitError        the user must give the number of the main unit (hovedenhet)
    ├── YearNotSupportedError   the start date lies before the oldest income year served
    ├── NotFoundError           Skatteetaten does not know what was asked for
    ├── ConfigurationError      our operations: client, key, scope, address or clock
    └── OurBugError             our request, or our reading of the answer, is wrong

Every error carries `code` (the most telling one of the answer), `hint` (what to do, in words for a person),
`correlation_id` (theirs, for a support case) and `status`. No error text holds a token, a grant or personal data.
"""

from typing import ClassVar, Literal

Kind = Literal["transient", "needs_consent", "not_main_unit", "year_not_supported", "not_found", "configuration", "our_bug"]

APPROVE_IN_ALTINN = (
    "The company must approve our system access in Altinn, with the right to reconciliation information for the "
    "a-melding (Avstemmingsinformasjon a-melding). Send the approval request again and retry when it is accepted."
)


class SkatteetatenError(Exception):
    """Root of the tree; never raised itself."""

    kind: ClassVar[Kind]
    default_hint: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int | None = None,
        correlation_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.code = code
        self.status = status
        self.correlation_id = correlation_id
        self.hint = hint or self.default_hint
        super().__init__(f"{code}: {message}" + (f" (korrelasjonsid {correlation_id})" if correlation_id else ""))


class TransientError(SkatteetatenError):
    """`retry_after` is the number of seconds the other side asked us to wait, when it did."""

    kind = "transient"
    default_hint = "Nothing to do: it is tried again later."
    retry_after: float | None = None


class NeedsConsentError(SkatteetatenError):
    kind = "needs_consent"
    default_hint = APPROVE_IN_ALTINN


class NotMainUnitError(SkatteetatenError):
    kind = "not_main_unit"
    default_hint = "The organisation number is that of a sub-unit: give the number of the main unit (hovedenhet)."


class YearNotSupportedError(SkatteetatenError):
    kind = "year_not_supported"
    default_hint = "Skatteetaten does not serve this income year: choose a later start date for reconciliation."


class NotFoundError(SkatteetatenError):
    kind = "not_found"
    default_hint = "Check the organisation number; if it is right, check the configured path of the A07 service."


class ConfigurationError(SkatteetatenError):
    kind = "configuration"
    default_hint = "Operations: check client id, key, scope and addresses of this environment."


class OurBugError(SkatteetatenError):
    kind = "our_bug"
    default_hint = "A fault in this software: report it with the code and the correlation id."
