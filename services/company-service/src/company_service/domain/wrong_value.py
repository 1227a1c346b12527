"""Why a field of a form is refused."""


class WrongValue(ValueError):
    """One field is wrong. ``code`` is for programs; ``message`` says what is wrong and ``hint`` what to do, in the user's words.

    With ``may_arrive`` it is wrong only as far as we know: the fact it lacks is made elsewhere and may be on its way.
    """

    def __init__(self, code: str, message: str, hint: str, *, may_arrive: bool = False) -> None:
        self.code = code
        self.message = message
        self.hint = hint
        self.may_arrive = may_arrive
        super().__init__(message)


def quoted(text: str) -> str:
    """What the user typed, fit to be shown in a message: in quotes, short, and without characters that cannot be seen or stored."""
    shown = text if len(text) <= 40 else text[:40] + "…"
    return "'" + "".join(character if character.isprintable() else "·" for character in shown) + "'"
