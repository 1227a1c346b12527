"""Free text: a name fits on one line, a comment may have several. Neither holds control characters, which databases and screens refuse."""

import unicodedata

from company_service.domain.wrong_value import WrongValue

LONGEST_NAME = 200
LONGEST_COMMENT = 2000


def name(typed: str) -> str:
    """A name, with every run of blanks folded to one space.

    >>> name("  Fjord  Bygg AS ")
    'Fjord Bygg AS'
    """
    text = " ".join(typed.split())
    if not text:
        raise WrongValue("empty", "The name is empty.", "Enter a name.")
    return _fitting(text, "The name", LONGEST_NAME)


def comment(typed: str) -> str:
    """A comment, without blanks around it; line breaks stay."""
    return _fitting(typed.replace("\r\n", "\n").strip(), "The comment", LONGEST_COMMENT)


def _fitting(text: str, what: str, longest: int) -> str:
    if len(text) > longest:
        raise WrongValue("too_long", f"{what} has {len(text)} characters; at most {longest} fit.", "Shorten it.")
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        raise WrongValue("control_character", f"{what} holds a character that cannot be shown.", "Type it instead of pasting it.")
    return text
