"""Turns an error answer of Maskinporten or Skatteetaten into one of our errors.

Both are read tolerantly: a gateway in front of either may answer in HTML or plain text, and the documentation of
Skatteetaten uses 401 and 403 the other way round in places. So codes decide, the status only where no code is known.
"""

import email.utils
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skatteetaten import errors
from skatteetaten.errors import SkatteetatenError
from skatteetaten.http import Answer

MASKINPORTEN: dict[str, type[SkatteetatenError]] = {
    "MP-011": errors.OurBugError,
    "MP-012": errors.TransientError,
    "MP-100": errors.ConfigurationError,
    "MP-110": errors.ConfigurationError,
    "MP-120": errors.ConfigurationError,
    "MP-121": errors.ConfigurationError,
    "MP-122": errors.ConfigurationError,
    "MP-123": errors.ConfigurationError,
    "MP-124": errors.ConfigurationError,
    "MP-130": errors.ConfigurationError,
    "MP-200": errors.ConfigurationError,
    "MP-201": errors.ConfigurationError,
    "MP-250": errors.ConfigurationError,
    "MP-251": errors.NeedsConsentError,
    # The grant's shape is wrong: no approval by a customer can help.
    "MP-301": errors.OurBugError,
    "MP-302": errors.OurBugError,
    "MP-303": errors.NeedsConsentError,
    "invalid_request": errors.OurBugError,
    "unsupported_grant_type": errors.OurBugError,
    "invalid_grant": errors.ConfigurationError,
    "invalid_client": errors.ConfigurationError,
    "invalid_scope": errors.ConfigurationError,
    "unauthorized_client": errors.ConfigurationError,
    # How a missing system user is answered is not documented; a refusal of these details is read as just that.
    "invalid_authorization_details": errors.NeedsConsentError,
}

MASKINPORTEN_HINTS = {
    "MP-012": "The grant was seen before, also on the second try: check that its jti is random.",
    "MP-100": "The client id is unknown there: check client_id, and that issuer and token_url are of one environment.",
    "MP-110": "The audience is wrong: issuer must be written as in Maskinporten's metadata.",
    "MP-121": "The registered key has expired (keys live one year): register a new one and change key_id.",
    "MP-124": "The signature does not fit the registered key: check that private key and key_id belong together.",
    "MP-130": "The clocks differ by more than ten seconds: check this machine's clock.",
    "MP-200": "The scope is not registered on our client: add it at Digdir.",
    "MP-250": "Skatteetaten has not granted us the scope: order the access from Skatteetaten.",
    "invalid_grant": "Check client, key and this machine's clock.",
}

SKATTEETATEN: dict[str, type[SkatteetatenError]] = {
    "AMLD_1062": errors.NotMainUnitError,
    "AMLD_1027": errors.YearNotSupportedError,
    # Our tokens always name a system user, so its absence means that the company's approval does not cover this.
    "AMLD_1063": errors.NeedsConsentError,
    "AMLD_1015": errors.NeedsConsentError,
    "AMLD_1008": errors.ConfigurationError,
    "AMLD_1053": errors.TransientError,
    "AMLD_1023": errors.NotFoundError,
    "AMLD_1050": errors.NotFoundError,
    "AMLD_1061": errors.NotFoundError,
    **dict.fromkeys(["AMLD_1022", "AMLD_1028", "AMLD_1030", "AMLD_1032", "AMLD_1047", "AMLD_1051", "AMLD_1052"], errors.OurBugError),
    **dict.fromkeys(["AMLD_001", "AMLD_017", "AMLD_023"], errors.TransientError),
    "AMLD_004": errors.ConfigurationError,
    "AMLD_005": errors.NeedsConsentError,
    **dict.fromkeys(["AMLD_006", "AMLD_008", "AMLD_010", "AMLD_011", "AMLD_019", "AMLD_022"], errors.OurBugError),
    "AMLD_021": errors.NotFoundError,
    **dict.fromkeys(["DAS-001", "DAS-003", "DAS-004", "DAS-005", "DAS-006", "DAS-007"], errors.TransientError),
    "DAS-002": errors.NotFoundError,
    "DAS-008": errors.NeedsConsentError,
}

SKATTEETATEN_HINTS = {
    "AMLD_004": "Skatteetaten refuses our tokens, also a new one: check scope, issuer and environment.",
    "AMLD_1008": "Skatteetaten refuses our tokens, also a new one: check scope, issuer and environment.",
    "DAS-002": "The address is unknown there: check base_url and path_template.",
}

_MP_ID = re.compile(r"MP-\d{3}")


@dataclass(frozen=True)
class Refusal:
    """The codes of one error body of Skatteetaten: `codes` holds the details first, then the main code."""

    error: SkatteetatenError
    codes: tuple[str, ...]
    status: int

    @property
    def is_of_the_token(self) -> bool:
        """True when a new token may help: the token is named as the fault, or a gateway said 401 without a code."""
        if self.codes:
            return bool({"AMLD_004", "AMLD_1008"} & set(self.codes))
        return self.status == 401

    @property
    def is_nothing_submitted(self) -> bool:
        """True for `not found` with the detail `nothing at this URL`, the answer for a month without submissions."""
        return self.status == 404 and "AMLD_1023" in self.codes and "AMLD_021" in self.codes


def of_maskinporten(answer: Answer, now: datetime) -> SkatteetatenError:
    """Branches on the id `MP-nnn` in the description, then on `error`, and only then on the status."""
    fields = _json_object(answer)
    oauth_error, description = str(fields.get("error", "")), str(fields.get("error_description", ""))
    found = _MP_ID.search(description)
    mp_id = found.group() if found else ""
    for code in (mp_id, oauth_error):
        if code in MASKINPORTEN:
            message = f"Maskinporten refused the grant: {oauth_error}: {description}"
            hint = MASKINPORTEN_HINTS.get(code)
            return _with_wait(MASKINPORTEN[code](message, code=code, status=answer.status, hint=hint), answer, now)
    if not oauth_error:
        # A refusal names its reason: this is the page of something in between.
        nothing = errors.TransientError(f"Maskinporten answered {answer.status} without a reason", code="unreadable", status=answer.status)
        return _with_wait(nothing, answer, now)
    return _by_status(answer, "Maskinporten", now, code=mp_id or oauth_error)


def of_skatteetaten(answer: Answer, now: datetime) -> Refusal:
    fields = _json_object(answer)
    details = fields.get("spesifisering") or []
    details = details if isinstance(details, list) else [details]
    named = [item.get("kode") for item in (*details, fields) if isinstance(item, dict)]
    codes = tuple(str(code) for code in named if code)
    correlation_id = str(fields["korrelasjonsid"]) if fields.get("korrelasjonsid") else None
    for code in codes:
        if code in SKATTEETATEN and answer.status != 429:
            message = f"Skatteetaten answered {', '.join(codes)}: {fields.get('melding', '')}"
            hint = SKATTEETATEN_HINTS.get(code)
            error = SKATTEETATEN[code](message, code=code, status=answer.status, correlation_id=correlation_id, hint=hint)
            return Refusal(_with_wait(error, answer, now), codes, answer.status)
    error = _by_status(answer, "Skatteetaten", now, code=codes[0] if codes else "", correlation_id=correlation_id)
    return Refusal(error, codes, answer.status)


def _by_status(answer: Answer, who: str, now: datetime, *, code: str, correlation_id: str | None = None) -> SkatteetatenError:
    """No code we know: possibly a gateway that the request never got past, so its text is not repeated."""
    status = answer.status
    kind: type[SkatteetatenError]
    if status in (408, 425, 429) or status >= 500:
        kind = errors.TransientError
    elif status == 404:
        kind = errors.NotFoundError
    elif status in (401, 403):
        kind = errors.ConfigurationError
    else:
        kind = errors.OurBugError
    error = kind(
        f"{who} answered {status} without a code we know",
        code=code or f"HTTP-{status}",
        status=status,
        correlation_id=correlation_id,
    )
    return _with_wait(error, answer, now)


def _with_wait(error: SkatteetatenError, answer: Answer, now: datetime) -> SkatteetatenError:
    """Retry-After is either seconds or a date; anything else is as if it were absent."""
    text = answer.headers.get("retry-after", "").strip()
    if isinstance(error, errors.TransientError) and text:
        if text.isdecimal():
            error.retry_after = float(text)
        else:
            try:
                error.retry_after = max(0.0, (email.utils.parsedate_to_datetime(text) - now).total_seconds())
            except (ValueError, TypeError):
                error.retry_after = None
    return error


def _json_object(answer: Answer) -> dict[str, Any]:
    try:
        fields = json.loads(answer.body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
