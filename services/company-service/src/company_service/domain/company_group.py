"""Company groups: how an organisation sorts its companies. Two groups of one organisation never have the same name."""

import unicodedata

from company_service.domain import typed_text
from company_service.domain.wrong_value import WrongValue
from contracts.results import FieldError
from eventing.errors import Refused


def judge(typed: str) -> str:
    """The name of a group; raises `Refused`."""
    try:
        return typed_text.name(typed)
    except WrongValue as wrong:
        raise refusal(wrong, field="name") from None


def spelling(name: str) -> str:
    """Equal for names that read the same: upper or lower case, and letters such as Å that can be written as one character or as two."""
    return unicodedata.normalize("NFC", name).casefold()


def name_taken(name: str) -> Refused:
    """Another group is called this."""
    message = f"The organisation has a company group named {name} already."
    return refusal(WrongValue("name_taken", message, "Use that group, or choose another name."), field="name")


def id_taken() -> Refused:
    """The id is in use."""
    wrong = WrongValue("company_group_id_taken", "This company group id is in use already.", "Make a new company_group_id for every group.")
    return refusal(wrong, field="company_group_id")


def refusal(wrong: WrongValue, *, field: str) -> Refused:
    error = FieldError(field=field, code=wrong.code, message=wrong.message, hint=wrong.hint)
    return Refused(wrong.code, wrong.message, hint=wrong.hint, errors=[error])
