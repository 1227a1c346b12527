"""The Norwegian organisation number: nine digits, the last a check digit (modulus 11).

Real numbers start with 8 or 9. The authorities hand out synthetic ones for testing, which start with 2 or 3; the check digit alone would
let through numbers such as 000000000 that can never exist.
"""

from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength
from stdnum.no import orgnr

from company_service.domain.wrong_value import WrongValue, quoted

_REAL = "89"
_SYNTHETIC = "23"
_LOOK = "Look it up in Brønnøysundregistrene and enter it as nine digits, for example 974 761 076."


def parse(typed: str, *, allow_synthetic: bool) -> str:
    """The nine digits of a number typed with or without spaces. Says which digit rule it breaks.

    >>> parse("974 761 076", allow_synthetic=False)
    '974761076'
    """
    digits = "".join(typed.split())
    if not digits:
        raise WrongValue("empty", "The organisation number is missing.", _LOOK)
    try:
        number: str = orgnr.validate(digits)
    except InvalidLength:  # a kind of InvalidFormat, so it comes first
        raise WrongValue("not_nine_digits", f"{quoted(digits)} has {len(digits)} digits; an organisation number has nine.", _LOOK) from None
    except InvalidFormat:
        raise WrongValue("not_digits", f"{quoted(digits)} is not a number: it holds other characters than digits.", _LOOK) from None
    except InvalidChecksum:
        raise WrongValue(
            "wrong_check_digit",
            f"{quoted(digits)} is not an organisation number: its last digit does not fit the eight before it.",
            f"One digit is probably mistyped. {_LOOK}",
        ) from None
    if number[0] not in _REAL + (_SYNTHETIC if allow_synthetic else ""):
        raise WrongValue("wrong_first_digit", f"{quoted(number)} is not an organisation number: those start with 8 or 9.", _first(number))
    return number


def _first(number: str) -> str:
    return f"Numbers that start with 2 or 3 exist for testing only. {_LOOK}" if number[0] in _SYNTHETIC else _LOOK


def agrees(number: str, stated: str) -> bool:
    """Whether Visma's spelling of a number means this one: ``NO 974 761 076 MVA`` means 974761076. Text without digits states nothing."""
    digits = "".join(character for character in stated if character.isdigit())
    return digits in {"", number}
