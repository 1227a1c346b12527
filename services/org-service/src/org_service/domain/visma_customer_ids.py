"""What a user may type as Visma customer IDs: digits separated by commas; spaces and blanks are tolerated, duplicates folded."""

from collections.abc import Sequence

from contracts.results import FieldError
from eventing.errors import Refused

FIELD = "visma_customer_ids"
MOST_AT_ONCE = 500
_LARGEST = 2**31 - 1


def parse(typed: str | Sequence[str | int]) -> list[int]:
    """The IDs in the order typed, each once. Raises `Refused` with one error per part that is no ID.

    >>> parse(" 12345, 67890,,12345 ")
    [12345, 67890]
    """
    pieces = typed.replace("\n", ",").replace(";", ",").split(",") if isinstance(typed, str) else [str(part) for part in typed]
    parts = [part for piece in pieces if (part := "".join(piece.split()))]
    errors = [_not_an_id(part) for part in parts if not _is_id(part)]
    if not parts:
        errors = [FieldError(field=FIELD, code="empty", message="No Visma customer ID is given.", hint=_EXAMPLE)]
    ids = list(dict.fromkeys(int(part) for part in parts if _is_id(part)))
    if len(ids) > MOST_AT_ONCE:
        errors.append(FieldError(field=FIELD, code="too_many", message=f"At most {MOST_AT_ONCE} IDs can be registered at once."))
    if errors:
        raise Refused("invalid_visma_customer_ids", "Some Visma customer IDs cannot be used.", hint=_EXAMPLE, errors=errors)
    return ids


_EXAMPLE = "Enter the numbers separated by commas, for example 12345,67890."


def _is_id(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= 10 and 0 < int(part) <= _LARGEST


def _not_an_id(part: str) -> FieldError:
    shown = part if len(part) <= 30 else part[:30] + "…"
    return FieldError(
        field=FIELD,
        code="not_a_visma_customer_id",
        message=f"'{shown}' is not a Visma customer ID.",
        hint="A Visma customer ID is a whole number; your system administrator finds it in Visma.net.",
    )
