"""The persons in a report: how they are left out of what is kept, and the pseudonym that their amounts may go under.

A person is an entry of inntektsmottaker, and any other object that carries what identifies one. The service's schema is
not published as text, so persons are known by what they carry rather than by where they have been seen.
"""

import hmac
import re
from typing import Any

from pydantic import SecretStr

from skatteetaten import document
from skatteetaten.document import Node

RECIPIENTS = "inntektsmottaker"
DEVIATIONS = "avvik"

_LEFT_OUT = frozenset({RECIPIENTS, DEVIATIONS})  # the text of a deviation may quote a person's number
_NAMING = frozenset({"identifiserendeInformasjon", "internasjonalIdentifikator", "foedselsdato"})
_NATIONAL_IDENTITY_NUMBER = re.compile(r"\s*[0-9]{5,6} ?[0-9]{5}\s*")  # as a number it has lost a leading zero
_HEX_DIGITS = 32


def without_people(value: Any) -> Any:
    """A copy of the document without the persons, at any depth, and without what is said of single ones."""
    if isinstance(value, dict):
        return {name: without_people(item) for name, item in value.items() if name not in _LEFT_OUT and not _is_person(item)}
    return [without_people(item) for item in value if not _is_person(item)] if isinstance(value, list) else value


def pseudonym(person: Node, *, organisation_number: str, key: SecretStr) -> str | None:
    """128 bits in hexadecimal that stand for the person at this employer; None for somebody whom the report does not identify.

    There are so few national identity numbers that a hash without a secret is undone by trying them all; without the key this one is not.
    """
    who = _identity(person)
    if who is None:
        return None
    return hmac.digest(key.get_secret_value().encode(), f"{organisation_number}/{who}".encode(), "sha256").hex()[:_HEX_DIGITS]


def _identity(person: Node) -> str | None:
    number = document.text(person, "norskIdentifikator")
    if number is not None:
        return number
    foreign = [
        "/".join(document.text(one, name) or "" for name in ("land", "identifikatortype", "identifikator"))
        for one in document.nodes(person, "internasjonalIdentifikator")
    ]
    return min(foreign, default=None)


def _is_person(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return bool(_NAMING & value.keys()) or bool(_NATIONAL_IDENTITY_NUMBER.fullmatch(str(value.get("norskIdentifikator"))))
